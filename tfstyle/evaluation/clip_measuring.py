"""Paints the frames of a clip, and measures how much they flicker: a row of numbers."""

import functools
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tfstyle import metrics

if TYPE_CHECKING:
    from tfstyle.stylization import Stylizer

ISOLATED, CONSISTENT = "frames by themselves", "video.py"  # ways to paint a clip
LONG = 6  # frames
_LOOKED_AT = 3  # frames, whose features are compared


class MovingFrames(Protocol):
    """Frames of which it is known, or estimated, how they move.

    Attributes:
        frames: `(n, h, w, 3)` float32 in [0, 1].
    """

    frames: np.ndarray

    def motion(self, number: int, earlier: int) -> tuple[np.ndarray, np.ndarray]:
        """Where a frame's pixels were in an earlier frame, and whether they were visible there.

        Returns: `(h, w, 2)` float32 x and y in pixels, and `(h, w)` bool.
        """


class FilmedFrames:
    """The first frames of a file; optical flow estimates their motion.

    Args:
        path: as of `conversion.open_clip`.
        size: longest side that they are reduced to, in pixels.
        count: how many, if there are as many.
    """

    def __init__(self, path: str | os.PathLike, size: int, count: int):
        from tfstyle.video import conversion, flow

        clip = conversion.open_clip(path).clip
        reader = conversion.open_clip(path, size=min(size, max(clip.width, clip.height)))
        found = zip(range(count), reader.frames(), strict=False)
        self._pictures = [frame.image for _, frame in found]
        self._estimator = flow.FlowEstimator()
        self.frames = np.asarray(self._pictures, np.float32) / np.float32(255.0)
        self._motion = functools.cache(self._estimate)

    def motion(self, number: int, earlier: int) -> tuple[np.ndarray, np.ndarray]:
        """See `MovingFrames`; what is not visible is what the flow does not explain."""
        return self._motion(number, earlier)

    def _estimate(self, number, earlier):
        found = self._estimator.motion(self._pictures[earlier], self._pictures[number])
        return found.places, (found.weight > 0.5) & (not found.cut)


def paint(
    stylizer: "Stylizer", code: Mapping[str, Any], frames: np.ndarray
) -> dict[str, np.ndarray]:
    """The frames in a style, `(n, h, w, 3)` float32 in [0, 1], by the way in which they are made.

    Args:
        stylizer: of the model.
        code: of the style.
        frames: of `MovingFrames`.
    """
    from tfstyle.video import clips, consistency, flow, painters, stages

    def run(*filters):
        pictures = np.round(255.0 * frames).astype(np.uint8)
        steps = (
            stages.Step(clips.Frame(picture, number, 1), False)
            for number, picture in enumerate(pictures)
        )
        for one in filters:
            steps = one.run(steps)
        return np.stack([step.frame.image for step in steps]).astype(np.float32) / 255.0

    return {
        ISOLATED: run(painters.Painter(stylizer, code, steady=False)),
        CONSISTENT: run(
            flow.MotionFilter(), painters.Painter(stylizer, code), consistency.ConsistencyFilter()
        ),
    }


def flicker(frames: np.ndarray, isolated: np.ndarray, clip: MovingFrames) -> dict[str, float]:
    """The `metrics.CLIP_METRICS` of painted frames, each a mean over frames.

    Args:
        frames: `(n, h, w, 3)` in [0, 1].
        isolated: the same frames, painted by themselves.
        clip: what was painted.
    """
    from tfstyle.video.flow import warp

    found: dict[str, list[float]] = {name: [] for name in metrics.CLIP_METRICS}
    for name, gap in (("warping_error", 1), ("long_warping_error", LONG)):
        for number in range(gap, len(frames)):
            places, visible = clip.motion(number, number - gap)
            last = warp(frames[number - gap], places, sharp=True)
            found[name].append(metrics.warping_error(frames[number], last, visible))
            if gap == 1:
                light = metrics.flat_flicker(frames[number], last, visible, clip.frames[number])
                found["flat_flicker"].append(light)
    found["sharpness_to_isolation"] = [
        metrics.sharpness(one[None]) / metrics.sharpness(other[None])
        for one, other in zip(frames, isolated, strict=True)
    ]
    return {name: _mean(values) for name, values in found.items()}


def distances(
    frames: np.ndarray, clip: MovingFrames, style: np.ndarray, features: Callable[[Any], Any]
) -> dict[str, float]:
    """Content and style distance, means over a few frames.

    Args:
        frames: painted, `(n, h, w, 3)` in [0, 1].
        clip: what was painted.
        style: the painting, `(1, h2, w2, 3)`.
        features: from `metrics.networks.load_features`.
    """
    target = metrics.gram_matrices(features(style))
    rows = []
    for number in np.linspace(0, len(frames) - 1, _LOOKED_AT).round().astype(int):
        found, content = (features(one[number][None]) for one in (frames, clip.frames))
        grams = metrics.gram_matrices(found)
        rows.append(
            (metrics.content_distance(found, content), metrics.style_distance(grams, target))
        )
    content_distance, style_distance = np.mean(rows, axis=0)
    return {"content_distance": float(content_distance), "style_distance": float(style_distance)}


def _mean(values):
    """Over those that are numbers; NaN if none is."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
