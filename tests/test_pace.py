"""How long renders take, as far as it is known while they run."""

import math

import pytest

from tfstyle.config import OptimizeConfig
from tfstyle.optimization import pace, scales


def test_the_pace_is_that_of_the_last_stage_without_compiling():
    small, large = (scales.Stage((side, side), "lite", 40) for side in (128, 512))
    found = pace.Pace()
    found.begin()
    assert [found.add(small, seconds) for seconds in (9.0, 9.1)] == [False, False]
    assert math.isnan(found.rate)
    assert found.add(small, 9.3)
    assert found.rate * pace.work(small) == pytest.approx(0.15)
    found.begin()
    assert not found.add(large, 5.0) and not found.add(large, 6.0)
    assert found.rate * pace.work(small) == pytest.approx(0.15), "until the stage has had three"
    assert not found.add(large, 8.0)
    assert found.rate * pace.work(large) == pytest.approx(1.5)
    tiled = large._replace(tile=256, history=5)
    found = pace.Pace()
    assert [found.add(tiled, seconds) for seconds in (9.0, 11.0)] == [False, True]
    assert found.rate * pace.work(tiled) == pytest.approx(2.0)


def test_work_is_what_was_measured():
    """Seconds an evaluation of the default render, of benchmarks/RESULTS.md, over lite's at 512."""
    (photo,) = {
        stage.shape for stage in scales.plan_stages(OptimizeConfig(), "lite", (410, 512))[-1:]
    }
    seconds = {("lite", 256): 0.079, ("lite", 362): 0.108, ("vgg19", 128): 0.165,
               ("vgg19", 181): 0.218, ("vgg19", 512): 1.28}  # fmt: skip
    for (encoder, side), expected in seconds.items():
        shape = tuple(round(length * side / 512) for length in photo)
        share = pace.work(scales.Stage(shape, encoder, 1)) / pace.work(
            scales.Stage(photo, "lite", 1)
        )
        assert share == pytest.approx(expected / 0.19, rel=0.25)
    whole = scales.Stage((2000, 2000), "lite", 1)
    tiled = whole._replace(tile=512, history=5)
    assert pace.work(whole) < pace.work(tiled) < 2 * pace.work(whole)
    assert pace.work(tiled._replace(devices=2)) == pace.work(tiled) / 2
