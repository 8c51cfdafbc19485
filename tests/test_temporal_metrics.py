"""Metrics of clips, and the clips with exact motion that they are tried on."""

import numpy as np
import pytest

from benchmarks import exact_clips
from tfstyle import images, metrics
from tfstyle.video.flow import warp

SIZE = (96, 128)


@pytest.fixture(scope="module")
def exact(examples):
    photos = [images.read_image(examples / f"{name}.jpg") for name in ("astronaut", "chelsea")]
    return exact_clips.standard_clips(photos, SIZE, 6)


@pytest.mark.parametrize("gap", [1, 4])
@pytest.mark.parametrize("kind", ["pan", "zoom", "rotation", "cut-out"])
def test_a_clip_itself_has_no_warping_error(exact, kind, gap):
    """But for interpolation; without its motion, it has."""
    clip = exact[kind]
    places, visible = clip.motion(5, 5 - gap)
    assert visible.mean() > 0.6
    last = warp(clip.frames[5 - gap], places, sharp=True)
    error = metrics.warping_error(clip.frames[5], last, visible)
    assert error < 4e-4
    assert metrics.warping_error(clip.frames[5], clip.frames[5 - gap], visible) > 10 * error


def test_what_the_cut_out_uncovers_is_not_visible(exact):
    clip = exact["cut-out"]
    places, visible = clip.motion(5, 1)
    last = warp(clip.frames[1], places, sharp=True)
    wrong = np.square(clip.frames[5] - last).mean(axis=-1) > 0.01
    assert wrong[~visible].mean() > 0.1 and wrong[visible].mean() < 0.005


def test_nothing_is_visible_across_a_cut(exact):
    cut = exact_clips.joined(exact["pan"], exact["zoom"])
    assert not cut.motion(6, 5)[1].any() and not cut.motion(7, 4)[1].any()
    for number, clip, own in ((5, exact["pan"], 5), (7, exact["zoom"], 1)):
        np.testing.assert_array_equal(
            cut.motion(number, number - 1)[0], clip.motion(own, own - 1)[0]
        )
    assert np.isnan(metrics.warping_error(cut.frames[6], cut.frames[5], cut.motion(6, 5)[1]))


def test_the_ramp_is_of_brightness(exact):
    light = exact["ramp"].frames.mean(axis=(1, 2, 3))
    assert (np.diff(light) > 0).all() and light[-1] > 1.5 * light[0]


def test_warping_error_is_a_mean_square(random):
    image = random.random((8, 16, 3))
    visible = np.zeros((8, 16), bool)
    visible[:, :8] = True
    last = image + 0.1
    last[:, 8:] += 1.0
    assert metrics.warping_error(image, last, visible) == pytest.approx(0.01)


def test_flicker_counts_in_flat_boxes_alone(random):
    content = np.full((16, 32, 3), 0.5)
    content[:, 16:] = random.random((16, 16, 3))  # structure
    last = np.full_like(content, 0.5)
    image = last.copy()
    image[:, 16:] += 0.3
    visible = np.ones((16, 32), bool)
    assert metrics.flat_flicker(image, last, visible, content) == 0
    image[:, :8] += 10 / 255
    assert metrics.flat_flicker(image, last, visible, content) == pytest.approx(5)
    visible[:, :8] = False
    assert metrics.flat_flicker(image, last, visible, content) == 0
    assert np.isnan(metrics.flat_flicker(image, last, visible & False, content))
