"""Label maps: pictures whose colours say where regions are, and grey ones that say how strongly.

A colour is a region if it fills flat areas. All other colours, of smooth edges and of JPEG's noise,
are mixtures of two regions' colours.
"""

import dataclasses
import itertools
import os

import numpy as np
from PIL import ImageColor

from tfstyle.errors import InputError
from tfstyle.images.reading import is_lossy, read_alpha, read_image

LEAST_SHARE = 0.005  # of a map, that a region's flat areas fill
_MIXED_SHARE = 0.05  # the same of a mixture of two others, in a file of a lossy format
MOST_REGIONS = 16
MOST_SIZE = 2048  # pixels, that the longest side of a map is reduced to
_TOLERANCE = 24  # levels of 255, by which channels of one colour may differ in two files
_NOISE = 8  # levels, by which JPEG changes a colour near edges
_ASPECT = 0.02  # by which the proportions of a map and its picture may differ, beside rounding
_SHOWN = 6  # colours in an error
_PALETTE = (
    "red", "lime", "blue", "yellow", "magenta", "cyan", "white", "black", "maroon", "green",
    "navy", "olive", "purple", "teal", "silver", "gray",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class LabelMap:
    """Where the regions of a picture are.

    Attributes:
        colors: of the regions, `(r, 3)` uint8 sRGB, the largest first.
        weights: `(1, h, w, r)` float32 in [0, 1], of sum 1 at each position.
    """

    colors: np.ndarray
    weights: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """The colours as "#rrggbb"."""
        return tuple(map(color_name, self.colors))

    @property
    def tolerance(self) -> int:
        """Levels by which a colour may differ from a region's, without being nearer to another."""
        pairs = itertools.combinations(self.colors.astype(int), 2)
        return min([_TOLERANCE, *((np.abs(a - b).max() - 1) // 2 for a, b in pairs)])

    def find(self, color: np.ndarray, tolerance: int = _TOLERANCE) -> int | None:
        """The region of a colour; None if there is none."""
        distances = np.abs(self.colors.astype(int) - color.astype(int)).max(axis=-1)
        best = int(distances.argmin())
        return best if distances[best] <= min(tolerance, self.tolerance) else None


def color_name(color: np.ndarray) -> str:
    """A colour, `(3,)` uint8, as "#rrggbb"."""
    return "#" + bytes(color).hex()


def color_names(colors: np.ndarray) -> str:
    """Colours for an error, the first of them."""
    names = ", ".join(map(color_name, colors[:_SHOWN]))
    return f"{names} …" if len(colors) > _SHOWN else names


def read_label_map(path: str | os.PathLike, shape: tuple[int, int], size: int) -> LabelMap:
    """The regions of a picture, from an image of equal colours for equal regions.

    Args:
        path: of the map.
        shape: `(height, width)` of its picture.
        size: pixels that its longest side is reduced to, `MOST_SIZE` at most.
    Raises: InputError of `images.read_image`, and for a map of another aspect ratio, without
        regions or of more than `MOST_REGIONS`.
    """
    levels = np.round(_read(path, shape, size)[0] * 255.0).astype(np.uint8)
    codes = levels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    lossy = is_lossy(path)
    colors = _flat_colors(levels, codes, _NOISE if lossy else 0)
    if lossy:
        colors = _without_noise(colors)
    least = LEAST_SHARE * codes.size
    colors = np.array([color for color, area in colors if area >= least])
    if not len(colors):
        raise InputError(
            f"{path}: has no regions; paint them in a few flat colours, each on more than "
            f"{LEAST_SHARE:.1%} of the map"
        )
    if len(colors) > MOST_REGIONS:
        raise InputError(
            f"{path}: has {len(colors)} regions, more than {MOST_REGIONS}; use fewer colours"
        )
    found, places = np.unique(codes, return_inverse=True)
    mixtures = _unmixed(_colors_of(found), colors.astype(np.float32))
    weights = mixtures[places.reshape(codes.shape)]
    return LabelMap(colors, np.ascontiguousarray(weights[None]))


def draw_label_map(weights: np.ndarray) -> np.ndarray:
    """The label map, `(1, h, w, 3)` float32, of `(1, h, w, r)` weights: each region in its colour.

    The r-th region has the same colour in all maps.
    """
    colors = np.array([ImageColor.getrgb(name) for name in _PALETTE], np.float32) / 255.0
    return colors[weights.argmax(axis=-1)]


def read_strength_map(path: str | os.PathLike, shape: tuple[int, int], size: int) -> np.ndarray:
    """`(1, h, w, 1)` float32 in [0, 1], the grey of an image: 0 is black, 1 white.

    Arguments are those of `read_label_map`.
    Raises: InputError of `images.read_image`, for a map of another aspect ratio or one that is
        black all over.
    """
    strength = _read(path, shape, size).mean(axis=-1, keepdims=True, dtype=np.float32)
    strength = np.clip((strength - 0.5 / 255) / (1.0 - 1.0 / 255), 0.0, 1.0)  # exactly 0 and 1
    if not strength.any():
        raise InputError(f"{path}: is black all over, so that nothing would be painted")
    return strength


def _read(path, shape, size):
    size = min(size, MOST_SIZE)
    image = read_image(path, size, enlarge=False)
    height, width = image.shape[1:3]
    rounding = 1.0 / min(height, width)
    if abs(height / width * shape[1] / shape[0] - 1.0) > _ASPECT + rounding:
        raise InputError(
            f"{path}: has {width} × {height} pixels, another aspect ratio than its picture of "
            f"{shape[1]} × {shape[0]}; give a map of the whole picture"
        )
    if read_alpha(path, size, enlarge=False) is not None:
        raise InputError(f"{path}: has transparent parts; fill them with the colour of a region")
    return image


def _flat_colors(levels, codes, noise):
    """Colours of flat areas with the areas, the largest first.

    Positions are flat where the levels of all around differ by no more than `noise`.
    """
    inner = tuple(max(side - 2, 0) for side in codes.shape)
    around = [
        levels[row : row + inner[0], column : column + inner[1]]
        for row, column in itertools.product(range(3), range(3))
    ]
    spread = np.maximum.reduce(around) - np.minimum.reduce(around)
    found, counts = np.unique(codes[1:-1, 1:-1][spread.max(-1) <= noise], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return list(zip(_colors_of(found[order]), counts[order].tolist(), strict=True))


def _without_noise(colors):
    """The same with similar colours as one, and without what are mixtures of larger ones."""
    merged: list = []
    for color, area in colors:
        near = [one for one in merged if np.abs(one[0] - color.astype(int)).max() <= _TOLERANCE]
        if near:
            near[0][1] += area
        else:
            merged.append([color, area])
    merged.sort(key=lambda one: -one[1])
    total = sum(area for _, area in merged)
    kept: list = []
    for color, area in merged:
        others = np.array([one for one, _ in kept], np.float32).reshape(-1, 3)
        if area < _MIXED_SHARE * total and len(others) > 1:
            made = _unmixed(color[None], others) @ others
            if np.abs(made - color).max() <= _TOLERANCE:
                continue
        kept.append((color, area))
    return kept


def _colors_of(codes):
    return np.stack([codes >> 16 & 255, codes >> 8 & 255, codes & 255], -1).astype(np.uint8)


def _unmixed(colors, regions):
    """`(n, r)` float32 shares of one or two regions' colours that make each of `(n, 3)` colours."""
    colors = colors.astype(np.float32)
    distances = np.square(colors[:, None] - regions).sum(-1)
    nearest = distances.argmin(1)
    shares = np.eye(len(regions), dtype=np.float32)[nearest]
    errors = np.where(distances.min(1) <= _NOISE**2, 0.0, distances.min(1))
    for first, second in itertools.combinations(range(len(regions)), 2):
        line = regions[second] - regions[first]
        along = np.clip((colors - regions[first]) @ line / (line @ line), 0.0, 1.0)
        error = np.square(colors - regions[first] - along[:, None] * line).sum(-1)
        better = error < errors
        errors = np.where(better, error, errors)
        shares[better] = 0.0
        shares[better, first], shares[better, second] = 1.0 - along[better], along[better]
    return shares
