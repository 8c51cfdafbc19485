"""Trains a model with JAX for so many minutes, on a machine that may have no TensorFlow.

    python -m tools.pack_pictures --content_dir DIR --style_dir DIR --output pictures.zip
    python -m tools.train_keras --pictures pictures.zip --output_dir DIR --minutes 10 \
        --model adain --encoder vgg19 --precision mixed_bfloat16 --batch_size 32

All pictures stay on the GPU, where a compiled step also crops them. The learning rate follows a
cosine of the time, so that a run ends on time whatever its speed; `--minutes` counts from the
program's start, with loading and compiling, until the last step. The folder then holds
`model.keras` and `model.npz`, which TensorFlow loads; before, `checkpoint.npz`, `log.jsonl` and
`samples-*.png`. The same command goes on from the checkpoint, for `--minutes` more, and the
schedule from where it was; with `--minutes 0` it writes the model at once.
docs/training.md has a prepared command.
"""

import os
import pathlib
import sys
import time

from absl import flags

from tfstyle import cli, files
from tfstyle.config import TrainConfig
from tfstyle.errors import InputError
from tfstyle.models import packaged
from tfstyle.runtime import process

_START = time.monotonic()
_FLAGS = flags.FlagValues()
_PICTURES = flags.DEFINE_multi_string(
    "pictures", None, "File of tools.pack_pictures; repeat it.", required=True, flag_values=_FLAGS
)
_OUTPUT = flags.DEFINE_string(
    "output_dir", None, "Folder of the run.", required=True, flag_values=_FLAGS
)
_MINUTES = flags.DEFINE_float(
    "minutes", None, "Time until the last step.", 0.0, required=True, flag_values=_FLAGS
)
_CHECKPOINT = flags.DEFINE_float(
    "checkpoint_minutes", 2.0, "Time between checkpoints.", 0.0, flag_values=_FLAGS
)
_SAMPLE = flags.DEFINE_float(
    "sample_minutes", 3.0, "Time between grids of samples.", 0.0, flag_values=_FLAGS
)
# Those of train.py that have the same meaning here.
_SHARED = {
    flags.DEFINE_string: ("model", "encoder", "init_model", "precision", "style_loss"),
    flags.DEFINE_multi_string: ("model_arguments",),
    flags.DEFINE_integer: ("margin", "batch_size", "crop_size", "warmup_steps", "seed"),
    flags.DEFINE_float: (
        "learning_rate", "clip_norm", "ema", "content_weight", "style_weight", "tv_weight",
        "temporal_weight", "content_min_crop", "style_min_crop", "recolored_share",
        "identity_share", "photo_share",
    ),
}  # fmt: skip
for _define, _names in _SHARED.items():
    for _name in _names:
        _field = TrainConfig.__dataclass_fields__[_name]
        _define(_name, _field.default, _field.metadata["help"], flag_values=_FLAGS)


def main(_):
    os.environ["KERAS_BACKEND"] = "jax"
    given = {name: _FLAGS[name].value for names in _SHARED.values() for name in names}
    given["model_arguments"] = tuple(given["model_arguments"])
    config = TrainConfig(**given, image_size=given["crop_size"])
    if config.init_model:
        packaged.model_path(config.init_model, "init_model")
    folder = pathlib.Path(_OUTPUT.value)
    files.check_folder("output_dir", folder)
    folder.mkdir(parents=True, exist_ok=True)
    import jax
    import keras

    from tfstyle import models
    from tfstyle.models.capabilities import NamedStyles
    from tfstyle.training import new_models
    from tools.jax_training import running

    # GPUs would otherwise compute statistics, too, with the precision of bfloat16 or little more.
    jax.config.update("jax_default_matmul_precision", "highest")
    keras.config.set_image_data_format("channels_last")
    keras.utils.set_random_seed(config.seed)
    if issubclass(models.model_class(config.model), NamedStyles):
        raise InputError(f"--model: {config.model} has styles by name; train.py trains it")
    if config.precision == "mixed_float16":
        raise InputError("--precision: mixed_float16 needs a loss scale; give mixed_bfloat16")
    plan = running.Plan(
        folder, _START, *(60.0 * one.value for one in (_MINUTES, _CHECKPOINT, _SAMPLE))
    )
    with keras.device("cpu"):  # which compiles the many single operations faster
        model = new_models.make_model(config, ())
        if config.init_model:
            new_models.start_from(config, model, new_models.load_first(config))
        run = running.Run(config, model, plan, _PICTURES.value)
    print(f"Ready after {time.monotonic() - _START:.0f} s, on {jax.devices()[0]}.", flush=True)
    with process.StopSignal() as stop:
        if _MINUTES.value:
            run.train(stop.requested)
            run.save()
            run.write_samples()
        if stop.number:
            print(f"Stopped; the same command goes on from {run.checkpoint}.")
            return 128 + stop.number
    with keras.device("cpu"):
        run.write_model()
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main, _FLAGS(sys.argv)))
