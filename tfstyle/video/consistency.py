"""The filter that keeps painted frames consistent: the last one, moved along, is blended in.

Strokes that appear and vanish from frame to frame are averaged. That alone would smear: each warp
loses some detail, strokes that differ cancel out, and what is wrong stays. So the blend is kept
within the colours around each pixel of the frame that was painted, and what is shown, not what is
kept for the next frame, gets back the local energy of that frame's detail: amplified again and
again, single pixels would grow to dots.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from tfstyle import colors
from tfstyle.video.flow import Motion, warp
from tfstyle.video.stages import Step

_MOST = 0.9  # share of the last frame: a stroke's half-life is seven frames
_DETAIL = 15  # pixels: what a mean over so many leaves is detail, and its energy is local to them
_LARGEST_GAIN = 1.5
_AROUND = 9  # pixels
_FLOOR = 1e-5  # of energies: a deviation below a grey level
_STATE = "consistency/last"


class ConsistencyFilter:
    """Blends each painted frame with the last result, where `MotionFilter` trusts the flow.

    Args:
        consistency: from 0, no change, to 1.
    """

    def __init__(self, consistency: float = 1.0):
        self._share = _MOST * consistency
        self._last: np.ndarray | None = None

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """See `stages.Filter`."""
        self._last = state.get(_STATE)

    def run(self, steps: Iterator[Step]) -> Iterator[Step]:
        """See `stages.Filter`; takes `painted` and `motions` from the notes."""
        for step in steps:
            image, motion = step.notes.pop("painted"), step.notes.pop("motions").get(1)
            kept = image
            if self._last is not None and motion is not None:
                image, kept = blend(image, self._last, motion, self._share)
            self._last = kept
            step.frame.image = np.round(255.0 * image).astype(np.uint8)
            if step.last:
                step.state[_STATE] = kept
            yield step


def blend(
    image: np.ndarray, last: np.ndarray, motion: Motion, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """A painted frame, blended with the last one.

    Args:
        image: `(h, w, 3)` float32 in [0, 1].
        last: what was kept of the last one, likewise.
        motion: from the frame to the last one.
        share: of the last one where the motion is sure, from 0 to 1.
    Returns: the frame to show, with the painted one's local energy of detail, and what to keep.
    """
    import cv2

    around, window = np.ones((_AROUND, _AROUND), np.uint8), (_DETAIL, _DETAIL)
    least, most = cv2.erode(image, around), cv2.dilate(image, around)
    weight = (share * motion.weight)[..., None]
    blended = image + weight * (warp(last, motion.places, sharp=True) - image)
    blended = np.clip(blended, least, most)
    detail = blended - cv2.blur(blended, window)
    energies = [
        cv2.blur(np.square(colors.luma(one)), window) + _FLOOR
        for one in (image - cv2.blur(image, window), detail)
    ]
    gain = np.clip(np.sqrt(energies[0] / energies[1]), 1.0, _LARGEST_GAIN)
    return np.clip(blended + (gain - 1.0)[..., None] * detail, least, most), blended
