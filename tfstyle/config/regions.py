"""The flags of regions and of their strength, of programs that paint."""

import dataclasses
import os
from collections.abc import Sequence

from tfstyle.config.options import LARGEST_WEIGHT, option
from tfstyle.errors import InputError

PAGE_REGION = "page_region"  # parameter of pictures with a region that was drawn on the page


@dataclasses.dataclass(frozen=True, kw_only=True)
class RegionFlags:
    """Which parts of a photo are painted in which style, and how strongly."""

    content_mask: str = option(
        "", "Label map of the photo: an image in which each region has a colour of its own; edges "
        "may be soft.", section="Regions",
    )  # fmt: skip
    style_mask: tuple[str, ...] = option(
        (), "Label map of a painting, for each --style one, in the same order, or none: a region "
        "of the photo is painted in the style of the regions of its colour.", section="Regions",
    )  # fmt: skip
    region: tuple[str, ...] = option(
        (), "COLOUR=STYLE or COLOUR=STYLE,STRENGTH: the region of that colour, #rrggbb or a name, "
        "is painted in the --style of that number, counted from 1; 0 keeps the photo there. "
        "STRENGTH is a factor of the style, 1 by default. Repeat it.", section="Regions",
    )  # fmt: skip
    strength_map: str = option(
        "", "Grey image of the style's strength: black keeps the photo exactly, white is the full "
        "style.", section="Regions",
    )  # fmt: skip


def region_files(flags: RegionFlags) -> list[str]:
    """The files that the flags name."""
    masks = [mask for mask in flags.style_mask if mask != "none"]
    return [path for path in (flags.content_mask, *masks, flags.strength_map) if path]


def check_regions(flags: RegionFlags, styles: Sequence[str]) -> None:
    """Raises InputError for flags that do not fit together, or a --region that is none.

    Args:
        flags: to check.
        styles: of the command, files or folders; none for all of a library.
    """
    for flag in ("style_mask", "region"):
        if getattr(flags, flag) and not flags.content_mask:
            raise InputError(f"--{flag}: needs --content_mask, the regions of the photo")
    if flags.content_mask and not (flags.style_mask or flags.region):
        raise InputError(
            "--content_mask: give --style_mask or --region, too, which say what each region is "
            "painted in"
        )
    if not styles or any(map(os.path.isdir, styles)):
        return  # it is checked again, or refused, where they are found
    if flags.style_mask and len(flags.style_mask) != len(styles):
        raise InputError(
            f"--style_mask: {len(flags.style_mask)} given for {len(styles)} --style; give one for "
            "each, or none for a style without"
        )
    for text in flags.region:
        _, style, _ = parse_region(text)
        if style > len(styles):
            raise InputError(f"--region: '{text}': there are {len(styles)} --style, not {style}")


def parse_region(text: str) -> tuple[tuple[int, int, int], int, float]:
    """The colour, style number and strength of "COLOUR=STYLE,STRENGTH"; InputError if it is none.

    Levels of the colour are from 0 to 255; the strength is 1 if it is not given.
    """
    from PIL import ImageColor

    name, _, rest = text.rpartition("=")
    style, _, strength = rest.partition(",")
    try:
        red, green, blue = ImageColor.getrgb(name.strip())[:3]
    except ValueError:
        raise InputError(
            f"--region: '{text}' is not COLOUR=STYLE or COLOUR=STYLE,STRENGTH, with a colour such "
            "as #ff0000 or red"
        ) from None
    try:
        found = (red, green, blue), int(style), float(strength or 1.0)
    except ValueError:
        found = (red, green, blue), -1, -1.0
    if found[1] < 0 or not 0 <= found[2] <= LARGEST_WEIGHT:
        raise InputError(
            f"--region: '{text}': the style is a number counted from 1, or 0 for the photo; the "
            f"strength from 0 to {LARGEST_WEIGHT}"
        )
    return found
