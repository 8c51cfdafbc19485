"""Where the pixels of a frame were in the frame before, by OpenCV's dense inverse search (DIS).

Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016; where the flow cannot be
trusted, after Ruder, Dosovitskiy and Brox, "Artistic Style Transfer for Videos", GCPR 2016.
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tfstyle.video.stages import Step

_HALVED = 400  # pixels of the longest side, from which flow is computed at half the size
_CUT_SHARE = 0.3  # of pixels that have a match in the last frame; a cut has fewer
_CUT_CHANGE = 0.06  # mean difference of luma to what the flow predicts; a cut has more
_MATCH = 0.06  # difference of colours in [0, 1] at which a pixel's weight is 1/e
_STATE = "flow/"


@dataclasses.dataclass(frozen=True)
class Motion:
    """From a frame back to the last one.

    Attributes:
        places: `(h, w, 2)` float32, x and y in the last frame of each pixel.
        weight: `(h, w)` float32 in [0, 1]: how far the match can be trusted; 0 where the pixel was
            hidden or outside.
        cut: whether another shot begins.
    """

    places: np.ndarray
    weight: np.ndarray
    cut: bool


class MotionFilter:
    """Notes the `motions` of each frame, and whether it is a `cut`, for the filters after it.

    Args:
        gaps: to how many frames before; the least first, which is 1.
    """

    def __init__(self, gaps: Sequence[int] = (1,)) -> None:
        self._gaps = tuple(gaps)
        self._estimator = FlowEstimator()
        self._shot: list[np.ndarray] = []  # frames of it, the last first

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """See `stages.Filter`."""
        self._shot = restored(state, _STATE)

    def run(self, steps: Iterator[Step]) -> Iterator[Step]:
        """See `stages.Filter`; notes `motions`, by gap, `Motion`s; none at a cut."""
        for step in steps:
            image = step.frame.image
            motions = {
                gap: self._estimator.motion(self._shot[gap - 1], image)
                for gap in self._gaps
                if gap <= len(self._shot)
            }
            if motions and motions[1].cut:
                motions, self._shot = {}, []
                step.notes["cut"] = True
            step.notes["motions"] = motions
            self._shot = [image, *self._shot][: self._gaps[-1]]
            if step.last:
                step.state |= stored(self._shot, _STATE)
            yield step


def stored(pictures: Sequence[np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The state of a filter that keeps pictures, the last first; `restored` is the inverse."""
    return {f"{name}{number}": picture for number, picture in enumerate(pictures)}


def restored(state: Mapping[str, np.ndarray], name: str) -> list[np.ndarray]:
    """See `stored`."""
    found = {k.removeprefix(name): picture for k, picture in state.items() if k.startswith(name)}
    return [found[number] for number in sorted(found, key=int)]


class FlowEstimator:
    """Motion between successive frames."""

    def __init__(self) -> None:
        import cv2

        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def motion(self, last: np.ndarray, frame: np.ndarray) -> Motion:
        """The motion from a frame back to the last one.

        Args:
            last: `(h, w, 3)` uint8.
            frame: likewise.
        """
        import cv2

        grey, last_grey = (cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) for one in (frame, last))
        height, width = grey.shape
        if max(height, width) > _HALVED:
            half = width // 2, height // 2
            grey, last_grey = (
                cv2.resize(one, half, interpolation=cv2.INTER_AREA) for one in (grey, last_grey)
            )
        back = self._dis.calc(grey, last_grey, None)
        forth = self._dis.calc(last_grey, grey, None)
        places = _grid(grey.shape) + back
        weight = _consistent(back, warp(forth, places), places)
        changed = cv2.absdiff(warp(last_grey, places), grey).mean() / 255.0
        cut = weight.mean() < _CUT_SHARE and changed > _CUT_CHANGE
        if grey.shape != (height, width):
            weight = cv2.resize(weight, (width, height))
            back = cv2.resize(back, (width, height))
            back *= np.array([width / grey.shape[1], height / grey.shape[0]], np.float32)
            places = _grid((height, width)) + back
        difference = cv2.blur(cv2.absdiff(warp(last, places), frame), (5, 5))
        largest = np.maximum.reduce(cv2.split(difference))
        weight *= np.exp(-np.square(largest / np.float32(255.0 * _MATCH)))
        weight = cv2.blur(cv2.erode(weight, np.ones((3, 3), np.uint8)), (3, 3))
        return Motion(places, weight, bool(cut))


def warp(picture: np.ndarray, places: np.ndarray, sharp: bool = False) -> np.ndarray:
    """A picture's values at places.

    Args:
        picture: `(h, w, c)` or `(h, w)`.
        places: `(h2, w2, 2)` float32, x and y; outside, the nearest value is taken.
        sharp: whether to interpolate by a cubic instead of linearly.
    """
    import cv2

    how = cv2.INTER_CUBIC if sharp else cv2.INTER_LINEAR
    return cv2.remap(picture, places, None, how, borderMode=cv2.BORDER_REPLICATE)


@functools.lru_cache(4)  # in full and at half the size
def _grid(shape):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.stack([columns, rows], axis=-1).astype(np.float32)


def _consistent(back, forth, places):
    """1 where there and back leads to the same place, inside of the picture, and not at an edge."""
    height, width = back.shape[:2]
    length, other = _square(back), _square(forth)
    hidden = _square(back + forth) > 0.01 * (length + other) + 0.5
    slopes = [np.gradient(back[..., axis]) for axis in (0, 1)]
    steep = sum(np.square(one) for pair in slopes for one in pair) > 0.01 * length + 0.002
    x, y = places[..., 0], places[..., 1]
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    return (inside & ~hidden & ~steep).astype(np.float32)


def _square(flow):
    return np.square(flow[..., 0]) + np.square(flow[..., 1])
