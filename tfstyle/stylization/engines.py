"""What computes a trained model: Keras, or LiteRT, which needs a third of the time for a picture.

LiteRT computes exported files of the packaged models, on the CPU, and photos in one piece alone.
"""

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tfstyle.config import StylizeCommand
from tfstyle.errors import InputError
from tfstyle.runtime import devices, litert, terminal

if TYPE_CHECKING:
    from tfstyle.models import StyleTransferModel
    from tfstyle.models.exported import ExportedModel

_TILED = ("wrap", "statistics_of", "tile_size")  # flags of models that paint in tiles
_GPUS = ("/dev/nvidia0", "/dev/kfd")  # device files of NVIDIA's and AMD's drivers


def choose(config: StylizeCommand, photos: Iterable[str | os.PathLike]) -> str:
    """The engine of a command, "litert" or "keras"; known before TensorFlow is loaded.

    Args:
        config: of the command.
        photos: its contents; those that cannot be read do not count.
    Raises: InputError if `--engine=litert` is asked for what LiteRT cannot do.
    """
    if config.engine == "keras":
        return "keras"
    reason = _refusal(config, photos)
    if config.engine == "litert":
        if reason:
            raise InputError(f"--engine=litert: {reason}")
        litert.check_installed()
        return "litert"
    return "keras" if reason else fastest(config.model)


def fastest(model: str | os.PathLike) -> str:
    """LiteRT if it is installed, the model has files for it and there is no GPU, else Keras."""
    from tfstyle.models import exported

    if exported.folder_of(model) is None or sees_gpu():
        return "keras"
    return "litert" if litert.is_installed() else "keras"


def sees_gpu() -> bool:
    """Whether there is a GPU that this process may use; known before TensorFlow is loaded."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return not hidden and any(map(os.path.exists, _GPUS))


def _refusal(config, photos):
    """Why LiteRT cannot do what a command asks for; None if it can."""
    from tfstyle import images
    from tfstyle.models import exported

    if exported.folder_of(config.model) is None:
        return f"'{config.model}' has no exported files; the packaged models have"
    for flag in _TILED:
        if getattr(config, flag) != getattr(StylizeCommand, flag):
            return f"--{flag} needs tiles; use --engine=keras"
    for path in photos:
        try:
            longest = config.size or max(images.image_size(path))
        except InputError:
            continue
        if longest > config.tile_size:
            return (
                f"{path}: {longest} pixels, and above {config.tile_size} photos are painted in "
                "tiles; use --engine=keras, or a smaller --size"
            )
    return None


def start(engine: str) -> str:
    """Loads TensorFlow if an engine needs it, and says so; returns the engine."""
    if engine == "keras":
        terminal.show_progress(None, "loading TensorFlow")
        devices.start_tensorflow()
    return engine


def load(
    model: str | os.PathLike, engine: str, threads: int = 0
) -> "StyleTransferModel | ExportedModel":
    """A trained model, computed by an engine.

    Args:
        model: a packaged model's name, or the path of a `.keras` file.
        engine: "litert" or "keras".
        threads: of LiteRT; 0 for as many as there are processors.
    Raises: InputError if there is no such model, or not for this engine.
    """
    from tfstyle.models import exported, packaged

    packaged.model_path(model)
    if engine == "litert":
        folder = exported.folder_of(model)
        if folder is None:
            raise InputError(f"--engine=litert: '{model}' has no exported files")
        return exported.load_exported(folder, threads)
    if "keras" not in sys.modules:
        devices.start_tensorflow()
    from tfstyle.models import loading

    return loading.load_model(model)
