"""The filter that stylizes frames, in batches, with statistics that do not jump within a shot."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfstyle.video.stages import Step

if TYPE_CHECKING:
    from tfstyle.stylization import Stylizer

_NEWER = 0.5  # share of a frame's own statistics
_STATE = "painter/"


class Painter:
    """Stylizes frames with a trained model.

    A model may adapt to statistics of the photograph: taken from each frame by itself, they make
    colours and brightness pump when something enters. Here they follow those of the frames within
    a few frames, and begin anew at a cut.

    Args:
        stylizer: compiled, so that a batch takes little time.
        code: of the style.
        strength: from 0, the clip, to 1, the full style.
        preserve_color: as of `Stylizer.paint`.
        batch: frames painted at once, a divisor of a part's length.
        steady: whether statistics are averaged; otherwise each frame has its own.
    """

    def __init__(
        self,
        stylizer: "Stylizer",
        code: Mapping[str, Any],
        strength: float = 1.0,
        preserve_color: str = "none",
        batch: int = 1,
        steady: bool = True,
    ):
        self._stylizer, self._code, self._batch = stylizer, code, batch
        self._options: dict[str, Any] = {"strength": strength, "preserve_color": preserve_color}
        self._steady = steady
        self._statistics: dict[str, np.ndarray] = {}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """See `stages.Filter`."""
        self._statistics = {
            k.removeprefix(_STATE): v for k, v in state.items() if k.startswith(_STATE)
        }

    def run(self, steps: Iterator[Step]) -> Iterator[Step]:
        """See `stages.Filter`; notes `painted`, `(h, w, 3)` float32."""
        waiting: list[Step] = []
        for step in steps:
            waiting.append(step)
            if len(waiting) == self._batch:
                yield from self._paint(waiting)
                waiting = []
        if waiting:
            yield from self._paint(waiting)

    def _paint(self, steps):
        missing = self._batch - len(steps)  # made up for, so that there is one size to compile
        content = floats([step.frame.image for step in steps + missing * steps[-1:]])
        summary = {}
        if self._steady:
            found = self._stylizer.summarize(content, self._code, **self._options)
            summary = self._averaged(found, [bool(step.notes.get("cut")) for step in steps])
        images = self._stylizer.paint(content, self._code, **self._options, summary=summary)
        for step, image in zip(steps, images, strict=False):
            step.notes["painted"] = image
            step.frame.image = np.round(255.0 * image).astype(np.uint8)
            if step.last:
                step.state |= {f"{_STATE}{k}": part for k, part in self._statistics.items()}
            yield step

    def _averaged(self, summary, cuts):
        """The running means of a batch's statistics; the state is that of its last frame."""
        means = {name: np.array(part) for name, part in summary.items()}
        for number, cut in enumerate(cuts):
            for name, part in means.items():
                last = self._statistics.get(name)
                if last is not None and not cut:
                    part[number] = last[0] + _NEWER * (part[number] - last[0])
            self._statistics = {k: part[number : number + 1] for k, part in means.items()}
        for part in means.values():
            part[len(cuts) :] = part[len(cuts) - 1]
        return means


def floats(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """`(batch, h, w, 3)` float32 in [0, 1] of uint8 pictures."""
    return np.stack(pictures).astype(np.float32) / 255.0
