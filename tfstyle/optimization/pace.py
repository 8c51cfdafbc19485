"""How long a render takes: the work of its stages, and the time of what it has done."""

import math

from tfstyle.optimization.scales import Stage

# Of an evaluation: work per pixel, relative, and pixels as many as its fixed part is worth. See
# benchmarks/RESULTS.md.
_COSTS = {"lite": 1.0, "vgg19": 8.0}
_FIXED_PIXELS = {"lite": 60_000, "vgg19": 16_000}
_IN_TILES = 1.5  # times as long
_LEAST = 3  # iterations of a stage until its pace is known; in tiles one fewer. The first compiles


def work(stage: Stage) -> float:
    """That of an iteration of a stage; the unit is a pixel by lite."""
    pixels = math.prod(stage.shape) + _FIXED_PIXELS[stage.encoder]
    return _COSTS[stage.encoder] * pixels * (_IN_TILES / stage.devices if stage.tile else 1.0)


class Pace:
    """Seconds a unit of work, by the last stage that has had some iterations.

    Attributes:
        rate: seconds; NaN until it is known.
    """

    def __init__(self):
        self.rate = math.nan
        self._times: list[float] = []

    def begin(self):
        """A stage begins, or goes on."""
        self._times = []

    def add(self, stage: Stage, seconds: float) -> bool:
        """Counts an iteration that ended `seconds` after the stage's start.

        Returns: whether the pace is known only now.
        """
        unknown = math.isnan(self.rate)
        self._times.append(seconds)
        if len(self._times) >= _LEAST - bool(stage.tile):
            spent = self._times[-1] - self._times[0]
            self.rate = spent / (len(self._times) - 1) / work(stage)
        return unknown and not math.isnan(self.rate)
