"""The flags of `train.py`."""

import dataclasses

from tfstyle.config.options import check_options, option, parse_assignments, parse_weights
from tfstyle.errors import InputError
from tfstyle.registry import ARCHITECTURES, STYLE_LOSSES


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How `training.train` makes a model. Raises InputError for a value out of range."""

    content_dir: str = option(
        "", "Folder of photographs, with any subfolders, or of TFRecord shards.", section="Files"
    )
    style_dir: str = option("", "Folder of paintings, likewise.", section="Files")
    style: tuple[str, ...] = option(
        (), "Painting, instead of --style_dir; repeat it for more.", section="Files"
    )
    add_style: tuple[str, ...] = option(
        (), "Painting to add as a style to the model of --init_model, whose other styles stay as "
        "they are; repeat it for more.", section="Files",
    )  # fmt: skip
    output_dir: str = option(
        "", "Folder of the run: config, checkpoints, logs, samples, and the model at the end.",
        section="Files",
    )  # fmt: skip
    model: str = option(
        "adain", "Architecture: adain is Huang and Belongie's; nano, mobile and quality revise a "
        "draft; "
        "johnson is trained for one painting, conditional and stylebank for some.",
        section="Model", choices=ARCHITECTURES,
    )  # fmt: skip
    encoder: str = option(
        "auto", "Network that the model and the losses read; auto is vgg19 for adain on a GPU, "
        "else lite.",
        section="Model", choices=("auto", "lite", "vgg19"),
    )  # fmt: skip
    vgg_weights: str = option(
        "", "Keras' file of VGG-19's weights, instead of the packaged ones.", section="Model"
    )
    init_model: str = option(
        "", "Trained model (.keras, or a packaged name) to take the first weights from; mobile, "
        "quality and nano may start from one another's.", section="Model",
    )  # fmt: skip
    teacher: str = option(
        "", "Trained model (.keras, or a packaged name) whose pictures are learned: distillation. "
        "What the flags of the section Losses set does not count then, but for "
        "--temporal_weight.",
        section="Model",
    )  # fmt: skip
    model_arguments: tuple[str, ...] = option(
        (), "NAME=VALUE of an argument of the architecture, such as hidden=64; repeat it.",
        section="Model",
    )  # fmt: skip
    margin: int = option(
        -1, "Pixels of reflection around pictures, a multiple of 16; -1 for the architecture's "
        "own.", section="Model",
    )  # fmt: skip
    steps: int = option(160_000, "Number of training steps.", section="Training")
    pretrain_steps: int = option(
        0, "Number of first steps in which the decoder learns to reproduce the photographs.",
        section="Training",
    )  # fmt: skip
    batch_size: int = option(8, "Samples per step, over all devices.", section="Training")
    learning_rate: float = option(1e-3, "Peak learning rate of Adam.", section="Training")
    schedule: str = option(
        "cosine", "Learning rate schedule; inverse is the paper's, rate / (1 + 5e-5 · step).",
        section="Training", choices=("cosine", "inverse", "constant"),
    )  # fmt: skip
    warmup_steps: int = option(
        200, "Steps over which the learning rate rises from 0.", section="Training"
    )
    clip_norm: float = option(
        10.0, "Norm that all gradients together are clipped to; 0 for no clipping.",
        section="Training",
    )  # fmt: skip
    ema: float = option(
        0.999, "Decay of the moving average of the weights, which samples and the final model use; "
        "0 for the weights themselves.", section="Training",
    )  # fmt: skip
    seed: int = option(0, "Seed of the initial weights and of the samples.", section="Training")
    content_weight: float = option(1.0, "Weight of the content term.", section="Losses")
    style_weight: float = option(
        10.0, "Weight of the style term; all terms are relative errors.", section="Losses"
    )
    tv_weight: float = option(0.0, "Weight of the total variation.", section="Losses")
    temporal_weight: float = option(
        0.0, "Weight of the temporal term, for videos that shimmer less: what is painted of a "
        "moved photograph is compared with what was painted before.", section="Losses",
    )  # fmt: skip
    style_loss: str = option(
        "", "Style losses with optional weights, such as gram:0.5,mean_std:0.5, instead of the "
        f"architecture's; of {', '.join(STYLE_LOSSES)}.", section="Losses",
    )  # fmt: skip
    image_size: int = option(
        512, "Shorter side that pictures are resized to before the crop, in pixels.",
        section="Data",
    )  # fmt: skip
    crop_size: int = option(256, "Side of the random crops, a multiple of 8.", section="Data")
    style_size: int = option(
        512, "Longest side that paintings are reduced to for a model with styles of its own, in "
        "pixels; smaller ones give smaller strokes.", section="Data",
    )  # fmt: skip
    style_scale_jitter: float = option(
        1.5, "Largest factor by which a painting's shorter side is randomly enlarged or reduced "
        "before the crop.",
        section="Data",
    )  # fmt: skip
    color_jitter: float = option(
        0.1, "Largest random relative change of a photograph's brightness, contrast and "
        "saturation.",
        section="Data",
    )  # fmt: skip
    content_min_crop: float = option(
        0.0, "Least side of a photograph's crop, as a share of the photograph's shorter side: a "
        "random one from that to 1, instead of --image_size; 0 for --image_size.", section="Data",
    )  # fmt: skip
    style_min_crop: float = option(
        0.0, "The same of a painting, instead of --image_size and --style_scale_jitter.",
        section="Data",
    )  # fmt: skip
    recolored_share: float = option(
        0.0, "Share of paintings whose colour channels are permuted and, of three in ten of these, "
        "inverted: more kinds of palettes. This and the next two are for models of any style.",
        section="Data",
    )  # fmt: skip
    identity_share: float = option(
        0.0, "Share of samples whose style is the photograph's own crop.", section="Data"
    )
    photo_share: float = option(
        0.0, "Share of samples whose style is another photograph.", section="Data"
    )
    strategy: str = option(
        "auto", "Devices: one, all GPUs of this machine (mirrored), or those of several machines, "
        "listed by TF_CONFIG (multi_worker).", section="Devices",
        choices=("auto", "one", "mirrored", "multi_worker"),
    )  # fmt: skip
    precision: str = option(
        "float32", "Precision of the networks; statistics and losses are always float32.",
        section="Devices", choices=("float32", "mixed_bfloat16", "mixed_float16"),
    )  # fmt: skip
    checkpoint_every: int = option(1000, "Steps between checkpoints.", section="Reports")
    sample_every: int = option(1000, "Steps between grids of sample pictures.", section="Reports")
    log_every: int = option(100, "Steps between log lines.", section="Reports")
    resume: str = option(
        "auto", "Whether to resume from the folder's last checkpoint; never refuses a folder that "
        "has one.", section="Reports", choices=("auto", "never"),
    )  # fmt: skip

    def __post_init__(self):
        check_options(self, _RANGES)
        if self.style_loss:
            parse_weights("style_loss", self.style_loss, tuple(STYLE_LOSSES))
        parse_assignments("model_arguments", self.model_arguments)
        if self.crop_size % 8:
            raise InputError(f"--crop_size: must be a multiple of 8, not {self.crop_size}")
        if self.margin % 16 and self.margin != -1:
            raise InputError(f"--margin: must be a multiple of 16 or -1, not {self.margin}")
        if self.image_size < self.crop_size:
            raise InputError(
                f"--image_size: must be at least --crop_size, {self.crop_size}, "
                f"not {self.image_size}"
            )
        if self.identity_share + self.photo_share > 1:
            raise InputError(
                "--identity_share, --photo_share: must be at most 1 together, not "
                f"{self.identity_share + self.photo_share}"
            )
        if not self.content_weight and not self.style_weight:
            raise InputError("--content_weight, --style_weight: one must be above 0")
        if self.learning_rate == 0:
            raise InputError("--learning_rate: must be above 0")
        if self.pretrain_steps > self.steps:
            raise InputError(
                f"--pretrain_steps: must be at most --steps, {self.steps}, "
                f"not {self.pretrain_steps}"
            )
        if self.add_style and not self.init_model:
            raise InputError("--add_style: give the model to add it to as --init_model")


_RANGES = {
    "margin": (-1, 1024),
    "steps": (1, 100_000_000),
    "pretrain_steps": (0, 100_000_000),
    "batch_size": (1, 65536),
    "learning_rate": (0, 10),
    "warmup_steps": (0, 1_000_000),
    "clip_norm": (0, 1_000_000_000),
    "ema": (0, 0.999999),
    "seed": (0, 2**32 - 1),
    "content_weight": (0, 1_000_000),
    "style_weight": (0, 1_000_000),
    "tv_weight": (0, 1_000_000),
    "temporal_weight": (0, 1_000_000),
    "image_size": (32, 8192),
    "style_size": (32, 8192),
    "crop_size": (32, 4096),
    "style_scale_jitter": (1, 8),
    "color_jitter": (0, 0.9),
    "content_min_crop": (0, 1),
    "style_min_crop": (0, 1),
    "recolored_share": (0, 1),
    "identity_share": (0, 1),
    "photo_share": (0, 1),
    "checkpoint_every": (1, 100_000_000),
    "sample_every": (1, 100_000_000),
    "log_every": (1, 100_000_000),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainCommand(TrainConfig):
    """The flags of `train.py`: a config whose folders are given."""

    PRESETS = {
        "paper": {
            "learning_rate": 1e-4,
            "schedule": "inverse",
            "warmup_steps": 0,
            "ema": 0.0,
            "clip_norm": 0.0,
            "style_scale_jitter": 1.0,
            "color_jitter": 0.0,
            "_help": "Schedule and data of Huang and Belongie 2017, without our additions.",
        },
        "one_style": {
            "model": "johnson",
            "init_model": "gallery",
            "model_arguments": ("widths=(16,32,80)", "noise=3"),  # gallery's, and noise
            "steps": 800,
            "batch_size": 2,
            "image_size": 384,
            "crop_size": 192,
            "style_size": 640,
            "learning_rate": 2e-3,
            "warmup_steps": 50,
            "ema": 0.99,
            "style_weight": 15.0,
            "checkpoint_every": 200,
            "sample_every": 200,
            "log_every": 50,
            "_fixed": ("model",),
            "_help": "A model for the painting of --style, which starts from gallery's strokes, in "
            "some ten minutes on two processor cores.",
        },
    }

    def __post_init__(self):
        super().__post_init__()
        for name, what in (
            ("content_dir", "the folder of photographs"),
            ("output_dir", "the folder for the run"),
        ):
            if not getattr(self, name):
                raise InputError(f"--{name}: give {what}")
        given = [name for name in ("style_dir", "style", "add_style") if getattr(self, name)]
        if not given:
            raise InputError("--style_dir: give the folder of paintings, or --style for one")
        if len(given) > 1:
            raise InputError(f"{', '.join(f'--{name}' for name in given)}: give one of them")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShardsCommand:
    """The flags of `tfstyle shards`."""

    pictures: str = option("", "Folder of pictures, with any subfolders.", section="Files")
    output: str = option("", "Folder for the shards, new or empty.", section="Files")
    size: int = option(
        512, "Shorter side that larger pictures are reduced to, in pixels: the --image_size of "
        "the training to come.", section="Shards",
    )  # fmt: skip
    per_shard: int = option(1000, "Pictures per shard.", section="Shards")

    def __post_init__(self):
        check_options(self, {"size": (32, 8192), "per_shard": (1, 1_000_000)})
        if not self.pictures:
            raise InputError("--pictures: give the folder of pictures")
        if not self.output:
            raise InputError("--output: give the folder for the shards")
