"""What the flags of regions describe, read from their files."""

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import logging

from tfstyle.config import parse_region
from tfstyle.config.regions import RegionFlags
from tfstyle.errors import of_flag

if TYPE_CHECKING:
    from tfstyle.images.regions import Regions

Shape = tuple[int, int]  # height and width


def read_regions(
    flags: RegionFlags,
    content: Shape,
    styles: Sequence[Shape],
    shares: Sequence[float],
    size: int,
) -> "Regions | None":
    """The regions, or None without such flags.

    Args:
        flags: of a command.
        content: of the photo.
        styles: of the paintings.
        shares: of the paintings; equal if empty.
        size: pixels that maps are reduced to, on the longest side.
    Raises: InputError for a map that does not fit.
    """
    import numpy as np

    from tfstyle.images import label_maps, regions

    strength = None
    if flags.strength_map:
        with of_flag("strength_map"):
            strength = label_maps.read_strength_map(flags.strength_map, content, size)
    if not flags.content_mask:
        return None if strength is None else regions.whole(strength, len(styles), shares)
    with of_flag("content_mask"):
        photo = label_maps.read_label_map(flags.content_mask, content, size)
    maps: list = [None] * len(styles)
    for number, mask in enumerate(flags.style_mask):
        if mask != "none":
            with of_flag("style_mask"):
                maps[number] = label_maps.read_label_map(mask, styles[number], size)
    wanted = [
        regions.Assignment(np.array(color, np.uint8), style, factor)
        for color, style, factor in map(parse_region, flags.region)
    ]
    names = flags.style_mask or [""] * len(styles)
    with of_flag("content_mask"):
        return regions.match(photo, maps, wanted, shares, strength, (flags.content_mask, names))


def mask_files(folder: str, styles: int) -> list[pathlib.Path]:
    """The files of `write_masks`: of the photo, and of so many paintings."""
    names = ["content_mask.png", *(f"style_mask_{n + 1}.png" for n in range(styles))]
    return [pathlib.Path(folder) / name for name in names]


def write_masks(folder: str, regions: "Regions") -> None:
    """Writes the regions as label maps, which `read_regions` reads again.

    Args:
        folder: of the files, created if it does not exist.
        regions: of the photo and of the paintings; one without regions gets no map.
    """
    from tfstyle import images
    from tfstyle.images import label_maps

    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    paths = mask_files(folder, len(regions.styles))
    for path, maps in zip(paths, [regions.content, *regions.styles], strict=True):
        if maps is not None:
            images.write_image(path, label_maps.draw_label_map(maps))
            logging.info("Wrote %s.", path)
