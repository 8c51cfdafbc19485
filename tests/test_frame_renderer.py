"""Frames of clips rendered by optimization: the filter, and whole runs of `video.py` with it."""

import numpy as np
import pytest

from benchmarks import exact_clips
from tests.clip_files import moving_colors, read_frames, write_clip
from tests.test_video_filters import bytes_of, run
from tfstyle import images
from tfstyle.__main__ import main
from tfstyle.commands import video_engines
from tfstyle.config import OptimizeConfig
from tfstyle.errors import InputError
from tfstyle.metrics import warping_error
from tfstyle.optimization import Renderer
from tfstyle.optimization.warped import Warped
from tfstyle.runtime import process
from tfstyle.video import flow
from tfstyle.video.frame_renderer import GAPS, FrameRenderer, warped_results

SIZE = (48, 64)
CONFIG = OptimizeConfig(encoder="lite", size=64, min_size=50, iterations=8)


@pytest.fixture(scope="module")
def exact(examples):
    photos = [images.read_image(examples / f"{name}.jpg") for name in ("astronaut", "chelsea")]
    return exact_clips.standard_clips(photos, SIZE, 6)


@pytest.fixture(scope="module")
def styles(examples):
    return [images.resize(images.read_image(examples / "brushstrokes.jpg"), (64, 64))]


@pytest.fixture(scope="module")
def shared(styles):
    """A filter that compiles once for all tests, and whether it is to stop."""
    stop = []
    return FrameRenderer(CONFIG, styles, 4, should_stop=lambda: any(one() for one in stop)), stop


@pytest.fixture
def renderer(shared):
    shared[0].restore({})
    return shared[0]


def still(weight):
    """A motion that is none, with `(h, w)` weights."""
    return flow.Motion(flow._grid(SIZE), weight.astype(np.float32), False)


def rendered(renderer, pictures, length=8):
    steps = run([flow.MotionFilter(GAPS), renderer], pictures, length)
    return np.stack([step.frame.image for step in steps])


def test_a_pixel_is_that_of_the_nearest_frame_that_shows_it(random):
    results = [random.random((*SIZE, 3), np.float32) for _ in range(4)]
    frame = random.random((*SIZE, 3), np.float32)
    shown = {gap: np.zeros(SIZE, bool) for gap in GAPS}
    shown[1][:, :20] = shown[2][:, 10:40] = shown[4][:, 30:60] = True
    warped = warped_results(results, {gap: still(shown[gap]) for gap in GAPS}, frame)
    columns = [(0, 20, results[0]), (20, 40, results[1]), (40, 60, results[3])]
    for first, last, result in columns:
        np.testing.assert_allclose(warped.image[0, :, first:last], result[:, first:last], atol=1e-6)
        np.testing.assert_allclose(warped.start[0, :, first:last], result[:, first:last], atol=1e-6)
    np.testing.assert_array_equal(warped.weights[0, 0, :, 0], np.repeat([1, 0], [60, 4]))


def test_one_mean_stands_for_the_terms_of_several_frames(random):
    """Σ c (x - ω)² over frames and C (x - m)² differ by a constant, with the paper's weights c."""
    results = [random.random((*SIZE, 3)) for _ in range(4)]
    weights = {gap: (random.random(SIZE) > 0.4).astype(np.float64) for gap in GAPS}
    terms, seen = [], np.zeros(SIZE)
    for gap in GAPS:
        terms.append((np.maximum(weights[gap] - seen, 0.0), results[gap - 1]))
        seen = seen + weights[gap]
    warped = warped_results(
        [one.astype(np.float32) for one in results],
        {gap: still(weights[gap]) for gap in GAPS},
        np.zeros((*SIZE, 3), np.float32),
    )
    rests = []
    for _ in range(3):
        x = random.random((*SIZE, 3))
        paper = sum(np.sum(c[..., None] * np.square(x - omega)) for c, omega in terms)
        rests.append(paper - np.sum(warped.weights[0] * np.square(x - warped.image[0])))
    np.testing.assert_allclose(rests, rests[0], atol=1e-3)  # of float32


def test_what_is_new_starts_as_the_frame_in_the_colors_around(random):
    frame = 0.2 + 0.4 * random.random((*SIZE, 3), np.float32)
    change = np.float32([0.2, -0.1, 0.05])
    known = np.ones(SIZE)
    known[10:30, 25:50] = 0.0
    warped = warped_results([frame + change], {1: still(known)}, frame)
    np.testing.assert_allclose(warped.start[0], frame + change, atol=1e-5)
    nothing = warped_results([frame + change], {1: still(0 * known)}, frame)
    np.testing.assert_array_equal(nothing.start[0], frame)
    assert not nothing.weights.any()


@pytest.fixture(scope="module")
def results(exact, shared):
    """Frames of a pan, each by itself and each from those before it."""
    pictures = bytes_of(exact["pan"].frames)
    alone = run([shared[0]], pictures)
    return {
        "alone": np.stack([step.frame.image for step in alone]),
        "steady": rendered(shared[0], pictures),
    }


def test_frames_hold_to_those_before(exact, results):
    clip, errors = exact["pan"], {}
    for name, frames in results.items():
        errors[name] = []
        for number in range(1, 6):
            places, visible = clip.motion(number, number - 1)
            last = flow.warp(frames[number - 1] / 255.0, places, sharp=True)
            errors[name].append(warping_error(frames[number] / 255.0, last, visible))
    assert np.mean(errors["steady"]) < 0.3 * np.mean(errors["alone"])
    # Not because they stay photographs.
    changes = [
        np.abs(frames[-1] / 255.0 - clip.frames[-1]).mean() for frames in (*results.values(),)
    ]
    assert changes[1] > 0.7 * changes[0] > 0.03


def test_the_first_frame_is_rendered_as_a_photo(exact, results, styles):
    photo = bytes_of(exact["pan"].frames[:1]).astype(np.float32) / 255.0
    painted = Renderer(CONFIG).render(photo, styles).image
    for frames in results.values():
        np.testing.assert_array_equal(frames[0], bytes_of(painted[0]))


def test_nothing_of_the_last_shot_stays_after_a_cut(exact, renderer):
    shots = [exact["pan"].frames[:2], exact["cut-out"].frames[:2, ::-1]]
    found = rendered(renderer, bytes_of(np.concatenate(shots)))
    again = rendered(renderer, bytes_of(shots[1]))
    np.testing.assert_array_equal(found[2:], again)


def test_only_the_first_frame_compiles_and_computes_targets_of_styles(exact, renderer):
    """Of all frames that the shared filter has rendered."""
    rendered(renderer, bytes_of(exact["pan"].frames[:1]))
    inner = renderer._renderer
    targets, styles = [*inner._styles._targets.values()], inner._styles
    rendered(renderer, bytes_of(exact["pan"].frames[:3]))
    ((*_, optimizer),) = inner._made.values()
    functions = [one for pair in optimizer._functions.values() for one in pair]
    assert [one.experimental_get_tracing_count() for one in functions] == [1, 1]
    assert inner._styles is styles and len(targets) == len(styles._targets) == 1
    assert targets[0] is [*styles._targets.values()][0]


def test_a_run_that_goes_on_has_the_same_frames(exact, renderer):
    pictures = bytes_of(exact["zoom"].frames)
    whole, motion = run([flow.MotionFilter(GAPS), renderer], pictures, 3), flow.MotionFilter(GAPS)
    for one in (motion, renderer):
        one.restore(whole[2].state)
    again = run([motion, renderer], pictures[3:], 3)
    for one, other in zip(whole[3:], again, strict=True):
        np.testing.assert_array_equal(one.frame.image, other.frame.image)


def test_luminance_keeps_the_colors_of_the_frames(exact, renderer, monkeypatch):
    monkeypatch.setattr(renderer, "_luminance", True)
    pictures = bytes_of(exact["pan"].frames[:2])
    found = rendered(renderer, pictures)
    for frame, picture in zip(found, pictures, strict=True):
        red, green, blue = np.moveaxis(frame - picture.astype(float), -1, 0)
        inside = ((frame > 0) & (frame < 255)).all(-1)
        assert np.abs(red - green)[inside].max() <= 1 and np.abs(blue - green)[inside].max() <= 1
        assert np.abs(green).mean() > 4


def test_a_stop_ends_within_a_frame_without_it(exact, shared, renderer):
    calls = []
    shared[1].append(lambda: calls.append(1) or len(calls) > 20)
    found = rendered(renderer, bytes_of(exact["pan"].frames))
    shared[1].clear()
    assert 1 <= len(found) < 6 and len(calls) == 21


def test_frames_that_need_tiles_are_refused_at_once(styles):
    small = OptimizeConfig(encoder="lite", size=256, max_memory=1.0)
    frame = np.zeros((1, 192, 256, 3), np.float32)
    with pytest.raises(InputError, match="--size=256: frames of a clip are not rendered in tiles"):
        Renderer(small, temporal_weight=1.0).render(frame, styles)


def test_results_of_another_size_are_a_value_error(shared, styles):
    frame = np.zeros((1, *SIZE, 3), np.float32)
    other = frame[:, ::2, ::2]
    with pytest.raises(ValueError, match=r"size \(48, 64\). Received: \(24, 32\)"):
        shared[0]._renderer.render_next(frame, styles, Warped(other, other[..., :1], other), 1)


FLAGS = (
    "--engine=optimize", "--encoder=lite", "--iterations=3", "--next_iterations=1", "--size=64",
)  # fmt: skip


@pytest.fixture
def clip(tmp_path, monkeypatch, examples):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(video_engines, "_RENDERED_PART", 2)
    frames = moving_colors(7)
    frames[4:] = 255 - frames[4:, ::-1]  # a cut
    write_clip(tmp_path / "clip.mp4", frames, sound=True)
    return ["--input=clip.mp4", f"--style={examples / 'mosaic.jpg'}", *FLAGS]


class StopLater(process.StopSignal):
    """A SIGTERM when it is asked for the n-th time."""

    calls = 12

    def requested(self):
        self.calls -= 1
        self.number = 15 if self.calls < 0 else 0
        return super().requested()


def test_a_stopped_run_goes_on_to_the_same_video(clip, tmp_path, monkeypatch, capfd):
    assert main(["video", *clip, "--output=whole.mp4"]) == 0
    assert capfd.readouterr().err.splitlines()[-1] == "Wrote whole.mp4."
    whole = read_frames(tmp_path / "whole.mp4")
    assert len(whole) == 7

    with monkeypatch.context() as patch:
        patch.setattr(process, "StopSignal", StopLater)
        assert main(["video", *clip, "--output=copy.mp4"]) == 128 + 15
    assert "Stopped: copy.mp4 holds what is done" in capfd.readouterr().err
    assert 2 <= len(read_frames(tmp_path / "copy.mp4")) < 7
    assert main(["video", *clip, "--output=copy.mp4", "--resume"]) == 0
    assert "Going on from copy.mp4.parts: " in capfd.readouterr().err
    assert (tmp_path / "copy.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert not (tmp_path / "copy.mp4.parts").exists()
