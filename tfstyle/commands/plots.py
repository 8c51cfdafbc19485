"""The plot of a render: its losses, and its regions."""

from collections.abc import Sequence
from typing import Any

from tfstyle.errors import InputError

_COLUMNS = 4
_SIDE = 512  # pixels of the longest side of a picture


def plot(path: str, history: Sequence[dict[str, Any]], pictures: Sequence[Any], regions: Any):
    """Total loss over iterations, a curve for each stage; and below it the pictures' regions.

    Args:
        path: of the file.
        history: of `RenderResult`.
        pictures: the photo and the paintings, `(1, h, w, 3)` in [0, 1].
        regions: `images.regions.Regions` of them, or None.
    Raises: InputError if the file cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    from tfstyle import files

    shown = _maps(pictures, regions) if regions else []
    rows = -(-len(shown) // _COLUMNS)
    figure = pyplot.figure(figsize=(8, 4.5 + 2 * rows), layout="constrained")
    grid = figure.add_gridspec(1 + rows, _COLUMNS, height_ratios=[4.5] + [2] * rows)
    axes = figure.add_subplot(grid[0, :])
    start = 0
    for stage in history:
        axes.plot(
            range(start + 1, start + 1 + len(stage["loss"])),
            stage["loss"],
            label=f"{stage['width']} × {stage['height']}, {stage['encoder']}",
        )
        start += len(stage["loss"])
    axes.set(xlabel="iteration", ylabel="total loss", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    for number, picture in enumerate(shown):
        place = figure.add_subplot(grid[1 + number // _COLUMNS, number % _COLUMNS])
        place.imshow(picture)
        place.axis("off")
    with files.replacing(path) as temporary:
        try:
            figure.savefig(temporary, dpi=120)
        except ValueError as error:
            raise InputError(f"{path}: {error}") from error
    pyplot.close(figure)


def _maps(pictures, regions):
    """Each picture and its label map, `(h, w, 3)` in [0, 1].

    Pictures without a map, and what is kept of the photo, are white.
    """
    import numpy as np

    from tfstyle import images
    from tfstyle.images.label_maps import draw_label_map

    shown = []
    for picture, maps in zip(pictures, [regions.content, *regions.styles], strict=True):
        small = images.reduce(picture, _SIDE)
        if maps is None:
            label = np.ones_like(small)
        else:
            label = draw_label_map(maps)
            if maps is regions.content:
                label = _at(label, small) * (s := _at(regions.strength, small)) + (1.0 - s)
        shown += [small[0], _at(label, small)[0]]
    return shown


def _at(maps, picture):
    from tfstyle import images

    return images.resize(maps, picture.shape[1:3])
