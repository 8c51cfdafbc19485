"""The flags of `optimize.py`."""

import dataclasses
import os

from tfstyle.config.options import (
    LARGEST_SIZE,
    check_options,
    check_shares,
    option,
    parse_weights,
    prepare_option,
    preserve_color_option,
    wrap_option,
)
from tfstyle.config.regions import RegionFlags, check_regions
from tfstyle.errors import InputError
from tfstyle.registry import STYLE_LOSSES

START_IMAGES = ("content", "style", "noise", "fast")  # of --init, beside files
CONTENT_LOSSES = ("squared", "cosine", "self_similarity", "laplacian")


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizeConfig:
    """How `optimization.render` makes a picture. Raises InputError for a value out of range."""

    size: int = option(512, "Longest side of the result in pixels.", section="Result")
    content_weight: float = option(
        1.0, "Weight of the content term; a larger one keeps more of the photo.", section="Look"
    )
    style_weight: float = option(
        10.0, "Weight of the style term; its effect is the same at any size.", section="Look"
    )
    style_weights: tuple[float, ...] = option(
        (),
        "Share of each painting, in the same order, to mix them; repeat it. Equal by default.",
        section="Look",
    )
    tv_weight: float = option(
        4.0, "Weight of the total variation; a larger one smooths.", section="Look"
    )
    detail: float = option(
        0.0, "How far a last pass restores the photo's edges in the result's luminance, from 0 to "
        "1.", section="Look",
    )  # fmt: skip
    brush: str = option(
        "medium", "Size of the strokes: sets the size of the style image and the weights of the "
        "style layers.", section="Look", choices=("fine", "medium", "bold"),
    )  # fmt: skip
    style_scale: float = option(
        1.0, "Size of the style image relative to the result: smaller strokes below 1.",
        section="Look",
    )  # fmt: skip
    style_size: int = option(
        0, "Longest side of the style image at full size, in pixels, instead of --style_scale.",
        section="Look",
    )  # fmt: skip
    prepare: str = prepare_option()
    preserve_color: str = preserve_color_option()
    wrap: str = wrap_option()
    style_loss: str = option(
        "wasserstein", "Style losses with optional weights, such as gram,histogram:0.1, of "
        f"{', '.join(STYLE_LOSSES)}.", section="Losses",
    )  # fmt: skip
    content_loss: str = option(
        "squared,laplacian:0.5", "Content losses with optional weights, of "
        f"{', '.join(CONTENT_LOSSES)}; the last compares edges of the pictures, the others "
        "features.", section="Losses",
    )  # fmt: skip
    style_layers: str = option(
        "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1",
        "Layers of the style term with optional weights, such as relu1_1:2,relu2_1; auto is these "
        "with weights for the pair, of which each layer pulls alike at the start.",
        section="Losses",
    )
    content_layers: str = option(
        "relu4_2,relu3_2", "Layers of the content term, with optional weights.", section="Losses"
    )
    encoder: str = option(
        "auto", "Network that the losses read; mixed is vgg19 for the coarse scales, lite for "
        "the fine ones and vgg19 for the last iterations; auto is vgg19 on a GPU or with "
        "--vgg_weights, else mixed.",
        section="Encoder", choices=("auto", "lite", "mixed", "vgg19"),
    )  # fmt: skip
    coarse_size: int = option(
        192, "Side in pixels of the largest square, or picture of as many pixels, for which "
        "--encoder=mixed starts with vgg19; 0 for none.", section="Encoder",
    )  # fmt: skip
    polish_size: int = option(
        1024, "Side in pixels of the largest square, or picture of as many pixels, for which "
        "--encoder=mixed adds a few iterations with vgg19, which needs twice lite's memory; 0 for "
        "none. Larger scales use only lite.", section="Encoder",
    )  # fmt: skip
    vgg_weights: str = option(
        "", "Keras' file of VGG-19's weights, instead of the packaged ones.", section="Encoder"
    )
    pooling: str = option(
        "max", "Pooling of the encoder.", section="Encoder", choices=("max", "average")
    )
    init: str = option(
        "content", "Start image: content, style, noise, fast (what stylize.py paints) or an image "
        "file.", section="Optimizer",
    )  # fmt: skip
    optimizer: str = option(
        "lbfgs", "Optimizer; tfp is tensorflow-probability's own L-BFGS.", section="Optimizer",
        choices=("lbfgs", "tfp", "adam"),
    )  # fmt: skip
    iterations: int = option(
        40, "Iterations at the full size; a scale of half the size takes √2 times as many. "
        "--encoder=mixed takes half of them, and 15 % more to polish.", section="Optimizer",
    )  # fmt: skip
    min_size: int = option(
        128,
        "Longest side of the first scale, in pixels, at least; each next scale is √2 larger.",
        section="Optimizer",
    )
    precision: str = option(
        "float32", "Precision of the encoder; bfloat16 is faster on CPUs and GPUs that support "
        "it. The last iterations are always float32.", section="Optimizer",
        choices=("float32", "bfloat16"),
    )  # fmt: skip
    max_memory: float = option(
        0.0, "Gigabytes of memory to take at most; larger pictures are computed in tiles, with a "
        "shorter history. 0 for three quarters of what is free.", section="Optimizer",
    )  # fmt: skip
    strategy: str = option(
        "one", "Devices: one, or mirrored for the tiles of a picture on all GPUs of the machine.",
        section="Optimizer", choices=("one", "mirrored"),
    )  # fmt: skip
    seed: int = option(0, "Seed of the noise and of random projections.", section="Optimizer")

    @property
    def named_style_layers(self) -> str:
        """`style_layers`; for "auto" the default ones."""
        default = type(self).style_layers
        return default if self.style_layers == "auto" else self.style_layers

    def __post_init__(self):
        check_options(self, _RANGES)
        if not self.content_weight and not self.style_weight:
            raise InputError("--content_weight, --style_weight: one must be above 0")
        if self.style_size and self.style_scale != 1.0:
            raise InputError(
                f"--style_size={self.style_size}, --style_scale={self.style_scale}: give one of "
                "the two"
            )
        if self.brush != "medium" and (self.style_size or self.style_scale != 1.0):
            other = "style_size" if self.style_size else "style_scale"
            raise InputError(f"--brush={self.brush}, --{other}: give one of the two")
        parse_weights("style_loss", self.style_loss, tuple(STYLE_LOSSES))
        content = parse_weights("content_loss", self.content_loss, CONTENT_LOSSES)
        if {"squared", "cosine"} <= content.keys():
            raise InputError(f"--content_loss={self.content_loss}: give one of squared and cosine")
        check_shares("style_weights", self.style_weights)


_RANGES = {
    "size": (32, LARGEST_SIZE),
    "min_size": (32, LARGEST_SIZE),
    "coarse_size": (0, LARGEST_SIZE),
    "polish_size": (0, LARGEST_SIZE),
    "style_size": (0, LARGEST_SIZE),
    "style_scale": (0.001, 1000),
    "iterations": (1, 1_000_000),
    "content_weight": (0, 1_000_000),
    "style_weight": (0, 1_000_000),
    "tv_weight": (0, 1_000_000),
    "detail": (0, 1),
    "max_memory": (0, 1_000_000),
    "seed": (0, 2**32 - 1),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizeCommand(RegionFlags, OptimizeConfig):
    """The flags of `optimize.py`: a config with the files to read and to write."""

    content: tuple[str, ...] = option(
        (), "Photo to paint, or a folder of photos; repeat it for more.", section="Files"
    )
    style: tuple[str, ...] = option(
        (), "Painting to take the style of, or a folder of them; repeat it for more. Several are "
        "mixed into one style if the output is a picture, or with --style_weights.",
        section="Files",
    )  # fmt: skip
    output: str = option(
        "stylized.png", "Picture to write: .png, .jpg, .webp or .tif; or a folder for every photo "
        "in every style, called CONTENT__STYLE.png. Of these, what is there already is skipped.",
        section="Files",
    )  # fmt: skip
    bits: int = option(8, "Bits per channel of the output: 8, or 16 for PNG and TIFF.",
                       section="Files")  # fmt: skip
    from_picture: str = option(
        "", "Picture made by this program, from which to take the input and look flags that are "
        "not given.",
        section="Files",
    )  # fmt: skip
    checkpoint: str = option(
        "", "File (.npz) from which an interrupted render with the same flags resumes. It is "
        "written every 20 seconds, and when a render is stopped.", section="Files",
    )  # fmt: skip
    preview_every: int = option(
        0, "Iterations between writes of the unfinished picture to the output; 0 for none.",
        section="Files",
    )  # fmt: skip
    history: str = option("", "JSON file of losses, evaluations and times.", section="Files")
    plot: str = option("", "Image file for a plot of the losses, by matplotlib.", section="Files")

    sheet: str = option(
        "", "Contact sheet to write: photos in rows, paintings in columns.", section="Files"
    )
    json: bool = option(
        False, "Prints a line of JSON for each picture that is done, skipped or fails.",
        section="Files",
    )  # fmt: skip

    auto_regions: int = option(
        0, "Finds so many regions, 2 to 8, that are alike in the photo and the paintings, instead "
        "of label maps: sky is painted as sky. --plot shows them. 0 for none.",
        section="Regions",
    )  # fmt: skip
    save_masks: str = option(
        "", "Folder for label maps of the regions, content_mask.png and style_mask_1.png …, "
        "to edit and give again.", section="Regions",
    )  # fmt: skip

    NOT_STORED = ("sheet", "json")
    PRESETS = {
        "quick": {
            "size": 256,
            "iterations": 20,
            "_help": "A draft in seconds: 256 pixels and half the iterations.",
        },
        "gallery": {
            "size": 1024,
            "iterations": 120,
            "_help": "Gallery quality: 1024 pixels and three times the iterations.",
        },
    }

    def __post_init__(self):
        super().__post_init__()
        if not self.content:
            raise InputError("--content: give the photo to paint")
        if not self.style:
            raise InputError("--style: give the painting to take the style of")
        folders = any(map(os.path.isdir, self.style))  # of as many paintings as are found later
        if self.style_weights and len(self.style_weights) != len(self.style) and not folders:
            raise InputError(
                f"--style_weights: {len(self.style_weights)} given for {len(self.style)} --style"
            )
        check_regions(self, self.style)
        if self.auto_regions not in (0, *range(2, 9)):
            raise InputError(f"--auto_regions: must be 0 or from 2 to 8, not {self.auto_regions}")
        if self.auto_regions and self.content_mask:
            raise InputError("--auto_regions, --content_mask: give one of the two")
        if self.bits not in (8, 16):
            raise InputError(f"--bits: must be 8 or 16, not {self.bits}")
        if self.preview_every < 0:
            raise InputError(f"--preview_every: must be at least 0, not {self.preview_every}")

    def render_config(self) -> OptimizeConfig:
        """The part of the flags that a render takes."""
        names = [field.name for field in dataclasses.fields(OptimizeConfig)]
        return OptimizeConfig(**{name: getattr(self, name) for name in names})
