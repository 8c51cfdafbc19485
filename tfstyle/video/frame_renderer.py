"""The filter that renders frames by optimization, each from the results of those before it.

Ruder, Dosovitskiy and Brox, "Artistic Style Transfer for Videos", GCPR 2016,
https://arxiv.org/abs/1604.08610: the first frame of a shot is rendered as a photo is; each next one
starts from the last result, moved along, and a term of its loss holds it to results before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from tfstyle import colors
from tfstyle.config import OptimizeConfig
from tfstyle.optimization import Progress, Renderer
from tfstyle.optimization.warped import Warped
from tfstyle.video.flow import Motion, restored, stored, warp
from tfstyle.video.painters import floats
from tfstyle.video.stages import Step

GAPS = (1, 2, 4)  # frames to those that a frame is held to; of the paper's, the least
TEMPORAL_WEIGHT = 100.0  # more keeps strokes that fit no longer, as benchmarks/RESULTS.md has it
_COARSEST = 4  # pixels of a side, over which the mean is taken
_LEAST = 1e-6  # of weights that are divided by
_STATE = "renderer/"


class FrameRenderer:
    """Renders frames, each from those before it in its shot if `MotionFilter` noted their motion.

    Args:
        config: of the renders.
        styles: `(1, h, w, 3)` style images, in [0, 1].
        next_iterations: of a frame after others.
        consistency: share of the temporal term's weight.
        luminance: whether frames keep their own colours, the luminance apart.
        on_progress: called with the `Progress` of frames that begin a shot.
        should_stop: called after each iteration; after True the filter ends, without the frame.
    """

    def __init__(
        self,
        config: OptimizeConfig,
        styles: Sequence[np.ndarray],
        next_iterations: int,
        consistency: float = 1.0,
        luminance: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ):
        self._renderer = Renderer(config, temporal_weight=consistency * TEMPORAL_WEIGHT)
        self._styles, self._iterations, self._luminance = styles, next_iterations, luminance
        self._on_progress, self._should_stop = on_progress, should_stop
        self._results: list[np.ndarray] = []  # of the shot, the last first

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """See `stages.Filter`."""
        self._results = restored(state, _STATE)

    def run(self, steps: Iterator[Step]) -> Iterator[Step]:
        """See `stages.Filter`; takes `motions` from the notes."""
        for step in steps:
            frame = floats([step.frame.image])
            result = self._render(frame, step.notes.pop("motions", {}))
            if not result.complete:
                return
            shown = colors.with_chroma(result.image, frame) if self._luminance else result.image
            step.frame.image = np.round(255.0 * shown[0]).astype(np.uint8)
            if step.last:
                step.state |= stored(self._results, _STATE)
            yield step

    def _render(self, frame, motions):
        content = colors.luminance(frame) if self._luminance else frame
        if motions:
            warped = warped_results(self._results, motions, content[0])
            result = self._renderer.render_next(
                content, self._styles, warped, self._iterations, self._should_stop
            )
        else:
            self._results = []
            result = self._renderer.render(
                content, self._styles, on_progress=self._on_progress, should_stop=self._should_stop
            )
        self._results = [result.image[0], *self._results][: GAPS[-1]]
        return result


def warped_results(
    results: Sequence[np.ndarray], motions: Mapping[int, Motion], frame: np.ndarray
) -> Warped:
    """What a frame has from those before it.

    Each pixel is that of the nearest frame that shows it, as in section 4.4 of Ruder et al. A sum
    of terms for several frames is, up to a constant, one for their mean, with their total weight.

    Args:
        results: `(h, w, 3)` in [0, 1], the last first.
        motions: by gap, to the frames of the results.
        frame: likewise, as it is rendered.
    """
    image, known = np.zeros_like(frame), np.zeros((*frame.shape[:2], 1), np.float32)
    for gap, motion in sorted(motions.items()):
        weight = np.maximum(motion.weight[..., None] - known, 0.0)
        image += weight * np.clip(warp(results[gap - 1], motion.places, sharp=True), 0.0, 1.0)
        known += weight
    # Elsewhere the frame itself, with the colours that the results near by have.
    start = np.clip(frame + _spread(image - known * frame, known), 0.0, 1.0)
    return Warped((image / np.maximum(known, _LEAST))[None], known[None], start[None])


def _spread(values, weights):
    """A smooth continuation to where nothing is known of `(h, w, c)` values, times the weights.

    The pull-push algorithm of Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4.
    """
    import cv2

    if max(values.shape[:2]) <= _COARSEST:
        mean = values.sum((0, 1)) / max(weights.sum(), _LEAST)
        return values + (1.0 - weights) * mean
    less, share = cv2.pyrDown(values), cv2.pyrDown(weights)[..., None]
    gain = np.minimum(1.0, 4.0 * share) / np.maximum(share, _LEAST)  # four pixels' in one
    coarse = _spread(gain * less, gain * share)
    return values + (1.0 - weights) * cv2.pyrUp(coarse, dstsize=values.shape[1::-1])
