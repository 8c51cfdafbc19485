"""The flags of `stylize.py` and of `tfstyle styles`."""

import dataclasses

from tfstyle.config.options import (
    LARGEST_SIZE,
    TILE_SIZE,
    check_options,
    check_shares,
    option,
    prepare_option,
    preserve_color_option,
    wrap_option,
)
from tfstyle.config.regions import RegionFlags, check_regions, parse_region
from tfstyle.errors import InputError

DEFAULT_MODEL = "quality"
_LEAST = 40  # pixels a side that a model needs
_STYLE_SIZE = 512  # pixels


@dataclasses.dataclass(frozen=True, kw_only=True)
class StylizeCommand(RegionFlags):
    """The flags of `stylize.py`. Raises InputError for a value out of range."""

    content: tuple[str, ...] = option(
        (), "Photo to paint, or a folder of photos; repeat it for more.", section="Files"
    )
    style: tuple[str, ...] = option(
        (), "Painting to take the style of, or a folder of them; repeat it for more.",
        section="Files",
    )  # fmt: skip
    output: str = option(
        "stylized.png", "Picture to write for one pair; for more pairs, a folder of pictures "
        "called CONTENT__STYLE.png, after the files' names; where two share one, with suffixes.",
        section="Files",
    )  # fmt: skip
    bits: int = option(
        8, "Bits per channel of the output: 8, or 16 for PNG and TIFF.", section="Files"
    )
    sheet: str = option(
        "", "Contact sheet to write, too: photos in rows, styles in columns.", section="Files"
    )
    style_library: str = option(
        "", "File of named styles, made by `tfstyle styles`.", section="Files"
    )
    style_name: tuple[str, ...] = option(
        (), "Name of a style of the library (by default all of them), or of a model that has named "
        "styles (not needed where it has one); repeat it for more.", section="Files",
    )  # fmt: skip
    strength: float = option(
        1.0, "Strength of the style: from 0, the photo, to 1, the full style.", section="Look"
    )
    style_weights: tuple[float, ...] = option(
        (), "Share of each style, in the same order, to mix them into one; repeat it.",
        section="Look",
    )  # fmt: skip
    size: int = option(
        0, "Longest side of the result in pixels; 0 for the photo's own.", section="Look"
    )
    style_size: int = option(
        _STYLE_SIZE,
        "Longest side that a painting is resized to before encoding, in pixels; a smaller "
        "side gives smaller strokes.",
        section="Look",
    )  # fmt: skip
    prepare: str = prepare_option()
    preserve_color: str = preserve_color_option()
    photorealistic: bool = option(
        False, "Keeps the photo's edges and detail: of what the model changes, only what follows "
        "them is left, by a guided filter.", section="Look",
    )  # fmt: skip
    wrap: str = wrap_option()
    statistics_of: str = option(
        "", "Picture whose colours and contrasts the model adapts to, instead of each photo's own: "
        "photos of one scene are then painted alike.", section="Look",
    )  # fmt: skip
    model: str = option(
        DEFAULT_MODEL, "A packaged model's name, or a .keras file of train.py.", section="Model"
    )
    tile_size: int = option(
        TILE_SIZE, "Longest side in pixels that is painted at once, at least 448 for mobile and "
        "960 for quality: larger photos are painted in tiles without seams, with the model's "
        "memory for one tile.", section="Model",
    )  # fmt: skip

    engine: str = option(
        "auto", "What computes the model: litert, which starts at once, paints photos in one piece "
        "on the CPU, by files that the packaged models have; keras can do all. auto takes litert "
        "where it can be used and there is no GPU.", section="Model",
        choices=("auto", "litert", "keras"),
    )  # fmt: skip
    no_cache: bool = option(
        False, "Computes the codes of paintings anew. Otherwise litert takes those of paintings "
        "seen before from the user's cache folder, or that of the variable TFSTYLE_CACHE.",
        section="Model",
    )  # fmt: skip

    NOT_STORED = ("content", "style", "output", "sheet", "no_cache")

    def __post_init__(self):
        check_options(
            self,
            {"strength": (0, 1), "size": (0, LARGEST_SIZE), "style_size": (_LEAST, LARGEST_SIZE),
             "tile_size": (64, LARGEST_SIZE)},
        )  # fmt: skip
        if self.size and self.size < _LEAST:
            raise InputError(
                f"--size: must be 0 or from {_LEAST} to {LARGEST_SIZE}, not {self.size}"
            )
        if not self.output:
            raise InputError("--output: give the picture or the folder to write")
        if self.bits not in (8, 16):
            raise InputError(f"--bits: must be 8 or 16, not {self.bits}")
        if not self.content:
            raise InputError("--content: give the photo to paint")
        if self.style and self.style_library:
            raise InputError("--style, --style_library: give one of the two")
        if self.style_name and self.style:
            raise InputError("--style, --style_name: give one of the two")
        named = self.style_library or self.style_name
        if named and self.preserve_color in ("histogram", "linear"):
            raise InputError(
                f"--preserve_color={self.preserve_color}: recolours the painting; styles by name "
                "have none. Use luminance"
            )
        if named and self.prepare == "match":
            raise InputError(
                "--prepare=match: is for --style; styles by name have no painting. Use equalize"
            )
        if self.photorealistic and self.wrap != "none":
            raise InputError("--photorealistic, --wrap: give one of the two")
        if named and self.style_size != _STYLE_SIZE:
            raise InputError(
                f"--style_size={self.style_size}: is for --style; give it to `tfstyle styles` to "
                "encode the library's"
            )
        check_shares("style_weights", self.style_weights)
        if self.style_mask and not self.style:
            raise InputError("--style_mask: is of a --style; styles by name have no picture")
        check_regions(self, self.style or self.style_name)
        for text in self.region:
            if parse_region(text)[2] > 1:
                raise InputError(f"--region: '{text}': the strength is from 0 to 1")


@dataclasses.dataclass(frozen=True, kw_only=True)
class StylesCommand:
    """The flags of `tfstyle styles`."""

    library: str = option(
        "", "File of named styles, created if it does not exist: .json, which apps can read, or "
        ".safetensors, for very many. Without this flag, those of a --model that was trained for "
        "some are listed.", section="Files",
    )  # fmt: skip
    add: tuple[str, ...] = option(
        (), "Painting to add under its file name, or a folder or a pattern in quotes such as "
        "'paintings/**/*.jpg', or a list of paths as for `tfstyle batch`; repeat it. Without this "
        "flag the styles are listed.", section="Files",
    )  # fmt: skip
    name: tuple[str, ...] = option(
        (), "Name for each --add, in the same order, instead of its file name.", section="Files"
    )
    remove: tuple[str, ...] = option((), "Name of a style to remove; repeat it.", section="Files")
    similar: str = option(
        "", "Photo or painting: lists the ten styles whose codes are most like its own.",
        section="Files",
    )  # fmt: skip
    sheet: str = option(
        "", "Picture to write with the styles' thumbnails and names.", section="Files"
    )
    model: str = option(
        DEFAULT_MODEL, "Model that computes the codes: a packaged model's name, or a .keras file.",
        section="Model",
    )  # fmt: skip
    style_size: int = option(
        _STYLE_SIZE, "Longest side that a painting is resized to before encoding, in pixels.",
        section="Look",
    )  # fmt: skip

    def __post_init__(self):
        check_options(self, {"style_size": (_LEAST, LARGEST_SIZE)})
        changes = self.add or self.remove or self.name
        if not self.library and (changes or self.model == DEFAULT_MODEL):
            raise InputError("--library: give the file of styles")
        if self.similar and not self.library:
            raise InputError("--similar: is for a --library of styles")
        if self.similar and changes:
            raise InputError("--similar, --add and --remove: give one of them")
