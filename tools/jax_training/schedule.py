"""The learning rate of a run that has so many minutes, whatever its speed."""

import dataclasses
import math

FLOOR = 0.02  # of the peak, at the end


@dataclasses.dataclass(frozen=True)
class Clock:
    """The share of a schedule that is done, by time.

    Attributes:
        start: time of the first step, in seconds.
        end: time at which to end.
        done: share at the start, above 0 for a resumed run.
    """

    start: float
    end: float
    done: float = 0.0

    def share(self, now: float) -> float:
        """From `done` to 1."""
        if now >= self.end:
            return 1.0
        passed = max(0.0, now - self.start) / (self.end - self.start)
        return self.done + (1.0 - self.done) * passed


def learning_rate(peak: float, share: float, step: int, warmup: int) -> float:
    """A linear warm-up by steps times a cosine by the share of the time.

    Args:
        peak: of the rate.
        share: of `Clock`.
        step: since the program's start; 0 for the first.
        warmup: steps over which the rate rises.
    """
    cosine = FLOOR + (1.0 - FLOOR) * 0.5 * (1.0 + math.cos(math.pi * share))
    return peak * min(1.0, (step + 1) / (warmup + 1)) * cosine
