"""How much a stylized clip flickers: distances of a frame to the last one, moved along.

The caller moves it: by known motion in clips that are made for it, otherwise by estimated flow.
"""

import numpy as np

from tfstyle.metrics.pictures import luminance

_BOX = 8  # pixels
_FLAT = 4.0 / 255.0  # standard deviation of luminance in a box of the photograph


def warping_error(image: np.ndarray, last: np.ndarray, visible: np.ndarray) -> float:
    """Mean squared difference to the last frame, where that is known; NaN if it is nowhere.

    Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018, section 4.2. A blank or
    blurred clip has a small one, too: read it beside the sharpness.

    Args:
        image: `(h, w, 3)` in [0, 1].
        last: an earlier frame's colours at the places of this one's pixels.
        visible: `(h, w)` bool, whether they were visible there.
    """
    if not visible.any():
        return float("nan")
    difference = np.subtract(image, last, dtype=np.float64)[visible]
    return float(np.square(difference).mean())


def flat_flicker(
    image: np.ndarray, last: np.ndarray, visible: np.ndarray, content: np.ndarray
) -> float:
    """Mean change of the brightness of boxes of 8 pixels in which the photograph is flat.

    In grey levels of 255; NaN if no box is flat and visible. Skies and walls show flicker most.

    Args:
        image: as of `warping_error`, as are `last` and `visible`.
        last: likewise.
        visible: likewise.
        content: the frame of the photographed clip, `(h, w, 3)` in [0, 1].
    """
    light = _boxes(luminance(content))
    flat = (light.std(axis=(1, 3)) < _FLAT) & _boxes(visible).all(axis=(1, 3))
    if not flat.any():
        return float("nan")
    change = _boxes(luminance(image) - luminance(last)).mean(axis=(1, 3))
    return float(255.0 * np.abs(change[flat]).mean())


def _boxes(plane):
    """`(rows, 8, columns, 8)` views of whole boxes."""
    rows, columns = (side // _BOX for side in plane.shape)
    return plane[: rows * _BOX, : columns * _BOX].reshape(rows, _BOX, columns, _BOX)
