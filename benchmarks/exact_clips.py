"""Clips with exact motion, made from photographs: what metrics of consistency need.

A clip is one or two layers, each a picture seen through an affine map that changes from frame to
frame; so it is known where each pixel was before, and whether it was visible.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

Map = np.ndarray  # (2, 3): from a frame's x, y, 1 to a picture's x, y


@dataclasses.dataclass(frozen=True)
class Layer:
    """A picture that moves.

    Attributes:
        picture: `(h, w, 3)` float32 in [0, 1].
        alpha: `(h, w)` opacity; None for a background.
        maps: of each frame.
    """

    picture: np.ndarray
    alpha: np.ndarray | None
    maps: Sequence[Map]


@dataclasses.dataclass(frozen=True)
class ExactClip:
    """Frames with their exact motion.

    Attributes:
        frames: `(n, h, w, 3)` float32 in [0, 1].
        layers: the background first.
        shots: of each frame, the number of its shot.
    """

    frames: np.ndarray
    layers: Sequence[Layer]
    shots: Sequence[int]

    def motion(self, number: int, earlier: int) -> tuple[np.ndarray, np.ndarray]:
        """Where a frame's pixels were in an earlier frame, and whether they were visible there.

        Returns: `(h, w, 2)` float32 x and y in pixels, and `(h, w)` bool.
        """
        size = self.frames.shape[1:3]
        here = [_opacity(layer, number, size) for layer in self.layers]
        there = [_opacity(layer, earlier, size) for layer in self.layers]
        places = np.empty((*size, 2), np.float32)
        visible = np.zeros(size, bool)
        hidden = np.zeros(size, bool)  # by layers further up
        for layer in reversed(range(len(self.layers))):
            maps = self.layers[layer].maps
            back = _composed(_inverted(maps[earlier]), maps[number])
            found = _grid(back, size)
            mine = (here[layer] > 0.5) & ~hidden
            places[mine] = found[mine]
            inside = (found >= 1).all(-1) & (found < np.array(size[::-1]) - 2.0).all(-1)
            seen = inside
            for above in range(layer + 1, len(self.layers)):
                seen &= cv2.remap(there[above], found, None, cv2.INTER_LINEAR) < 0.02
                # Pixels at the edge of a layer above are mixed with it.
                seen &= here[above] < 0.02
            if layer:
                seen &= cv2.remap(there[layer], found, None, cv2.INTER_LINEAR) > 0.98
                seen &= here[layer] > 0.98
            visible[mine] = seen[mine]
            hidden |= mine
        return places, visible & (self.shots[number] == self.shots[earlier])


def make_clip(
    layers: Sequence[Layer],
    size: tuple[int, int],
    light: Callable[[int], float] = lambda number: 1.0,
    shot: int = 0,
) -> ExactClip:
    """A clip of one shot.

    Args:
        layers: the background first; as many maps each as there are frames.
        size: `(height, width)` of the frames.
        light: factor of a frame's brightness.
        shot: its number.
    """
    count = len(layers[0].maps)
    frames = []
    for number in range(count):
        frame = np.zeros((*size, 3), np.float32)
        for layer in layers:
            picture = _seen(layer.picture, layer.maps[number], size)
            alpha = _opacity(layer, number, size)[..., None]
            frame = alpha * picture + (1.0 - alpha) * frame
        frames.append(np.clip(light(number) * frame, 0.0, 1.0))
    return ExactClip(np.stack(frames).astype(np.float32), layers, [shot] * count)


def standard_clips(
    photos: Sequence[np.ndarray], size: tuple[int, int], count: int
) -> dict[str, ExactClip]:
    """A pan, a zoom, a rotation, a cut-out before a background, and a ramp of brightness.

    Args:
        photos: two, `(1, h, w, 3)` in [0, 1], at least twice as large as the frames.
        size: `(height, width)` of the frames.
        count: frames of each clip.
    """
    first, second = (_reduced(photo[0], size) for photo in photos[:2])
    height, width = first.shape[:2]
    middle = (width / 2, height / 2)
    rows, columns = np.mgrid[: size[0], : size[1]]
    radius = 0.3 * size[0]
    distance = np.hypot(rows - size[0] / 2, columns - size[1] / 2)
    alpha = np.clip(radius - distance, 0.0, 1.0).astype(np.float32)
    steps = range(count)
    still = [view(middle, size) for _ in steps]
    drift = [(middle[0] + 1.7 * (k - count / 2), middle[1] + 0.6 * (k - count / 2)) for k in steps]
    return {
        "pan": make_clip([Layer(first, None, [view(place, size) for place in drift])], size),
        "zoom": make_clip(
            [Layer(first, None, [view(middle, size, 1.012 ** (k - count / 2)) for k in steps])],
            size,
        ),
        "rotation": make_clip(
            [Layer(first, None, [view(middle, size, 1.0, 0.8 * (k - count / 2)) for k in steps])],
            size,
        ),
        "cut-out": make_clip(
            [
                Layer(first, None, [view((x, middle[1]), size) for x, _ in drift]),
                Layer(
                    _middle(second, size), alpha,
                    [np.float32([[1, 0, -2.3 * (k - count / 2)], [0, 1, 0.9 * k]]) for k in steps],
                ),
            ],
            size,
        ),
        "ramp": make_clip(
            [Layer(first, None, still)], size, lambda k: 0.6 + 0.6 * k / max(count - 1, 1)
        ),
    }  # fmt: skip


def joined(first: ExactClip, second: ExactClip) -> ExactClip:
    """Two clips with a cut between them; motion is known within each."""

    class Cut(ExactClip):
        def motion(self, number, earlier):
            n = len(first.frames)
            if number < n:
                return first.motion(number, earlier)
            if earlier >= n:
                return second.motion(number - n, earlier - n)
            places, _ = second.motion(number - n, 0)
            return places, np.zeros(places.shape[:2], bool)

    shots = [0] * len(first.frames) + [1] * len(second.frames)
    return Cut(np.concatenate([first.frames, second.frames]), (), shots)


def view(
    center: tuple[float, float], size: tuple[int, int], scale: float = 1.0, degrees: float = 0.0
) -> Map:
    """The map of a frame that shows a picture around `center`, x and y, scaled and turned."""
    angle = math.radians(degrees)
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    x, y = size[1] / 2, size[0] / 2
    return np.float32(
        [
            [cosine, -sine, center[0] - cosine * x + sine * y],
            [sine, cosine, center[1] - sine * x - cosine * y],
        ]
    )


def _reduced(picture, size):
    """The picture so that a frame shows about half of its shorter side."""
    scale = 1.6 * max(size[0] / picture.shape[0], size[1] / picture.shape[1])
    shape = round(scale * picture.shape[1]), round(scale * picture.shape[0])
    return cv2.resize(picture, shape, interpolation=cv2.INTER_AREA)


def _middle(picture, size):
    top, left = (picture.shape[0] - size[0]) // 2, (picture.shape[1] - size[1]) // 2
    return np.ascontiguousarray(picture[top : top + size[0], left : left + size[1]])


def _grid(transform, size):
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    points = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    return (points @ transform.T).astype(np.float32)


def _seen(picture, transform, size):
    return cv2.remap(
        picture, _grid(transform, size), None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )


def _opacity(layer, number, size):
    if layer.alpha is None:
        return np.ones(size, np.float32)
    return cv2.remap(layer.alpha, _grid(layer.maps[number], size), None, cv2.INTER_LINEAR)


def _inverted(transform):
    return np.linalg.inv(np.vstack([transform, [0, 0, 1]]))[:2]


def _composed(outer, inner):
    whole = np.vstack([outer, [0, 0, 1]]) @ np.vstack([inner, [0, 0, 1]])
    return whole[:2]
