"""Painting, motion and consistency of clips, and the threads that they are in."""

import threading

import numpy as np
import pytest

from benchmarks import exact_clips
from tfstyle import images
from tfstyle.metrics import sharpness
from tfstyle.stylization import Stylizer
from tfstyle.video import clips, consistency, flow, painters, stages

SIZE = (96, 128)


@pytest.fixture(scope="module")
def photos(examples):
    return [images.read_image(examples / f"{name}.jpg") for name in ("astronaut", "chelsea")]


@pytest.fixture(scope="module")
def exact(photos):
    return exact_clips.standard_clips(photos, SIZE, 6)


def bytes_of(frames):
    return np.round(255.0 * np.asarray(frames)).astype(np.uint8)


def steps_of(pictures, length=8):
    """Steps of uint8 pictures in parts of `length`."""
    for number, image in enumerate(pictures, 1):
        yield stages.Step(clips.Frame(image, number - 1, 1), number % length == 0)


def run(filters, pictures, length=8):
    steps = steps_of(pictures, length)
    for one in filters:
        steps = one.run(steps)
    return list(steps)


def test_stages_keep_the_order_and_few_items():
    made = []

    def numbers():
        for number in range(50):
            made.append(number)
            yield number

    doubled = (2 * number for number in stages.background(numbers()))
    items = stages.background(doubled)
    assert [next(items) for _ in range(10)] == list(range(0, 20, 2))
    assert len(made) <= 10 + 8  # two queues of two, and what the threads hold
    items.close()


def test_the_error_of_a_stage_arrives_and_all_threads_end():
    before = threading.active_count()

    def failing():
        yield 1
        raise ValueError("of a stage")

    items = stages.background(one for one in stages.background(failing()))
    assert next(items) == 1
    with pytest.raises(ValueError, match="of a stage"):
        next(items)
    assert threading.active_count() == before


@pytest.mark.parametrize("kind", ["pan", "zoom", "rotation", "cut-out"])
def test_flow_is_that_of_the_clip(exact, kind):
    clip = exact[kind]
    pictures = bytes_of(clip.frames)
    motion = flow.FlowEstimator().motion(pictures[2], pictures[3])
    places, visible = clip.motion(3, 2)
    errors = np.hypot(*np.moveaxis(motion.places - places, -1, 0))
    assert np.median(errors[visible]) < 0.2  # pixels
    assert motion.weight[visible].mean() > 0.8 and not motion.cut
    if kind == "cut-out":  # what the cut-out has uncovered
        hidden = ~visible
        hidden[:4] = hidden[-4:] = hidden[:, :4] = hidden[:, -4:] = False
        assert motion.weight[hidden].mean() < 0.5


def test_flow_of_large_frames_is_computed_at_half_the_size(photos):
    picture = bytes_of(images.resize(photos[0], (270, 480))[0])
    motion = flow.FlowEstimator().motion(picture, np.roll(picture, (3, 5), (0, 1)))
    inside = motion.places[40:-40, 40:-40] - flow._grid((270, 480))[40:-40, 40:-40]
    np.testing.assert_allclose(np.median(inside, axis=(0, 1)), (-5, -3), atol=0.1)


def test_a_cut_is_found_and_nothing_else(exact):
    pictures = bytes_of(np.concatenate([exact["pan"].frames, exact["cut-out"].frames[:, ::-1]]))
    steps = run([flow.MotionFilter()], pictures)
    assert [bool(step.notes.get("cut")) for step in steps] == [number == 6 for number in range(12)]
    steps = run([flow.MotionFilter()], bytes_of(exact["ramp"].frames))
    assert not any(step.notes.get("cut") for step in steps)


class Flickering:
    """A filter that paints with strokes that differ from frame to frame."""

    def restore(self, state):
        self.random = np.random.default_rng(0)

    def run(self, steps):
        for step in steps:
            noise = self.random.normal(0, 0.08, step.frame.image.shape).astype(np.float32)
            image = step.frame.image.astype(np.float32) / 255.0
            step.notes["painted"] = np.clip(image + images.resize(noise[None], SIZE)[0], 0, 1)
            yield step


def test_flicker_is_taken_away_and_sharpness_stays(exact):
    clip = exact["pan"]
    errors, sharp = {}, {}
    for share in (0.0, 0.5, 1.0):
        painter = Flickering()
        painter.restore({})
        filters = [flow.MotionFilter(), painter, consistency.ConsistencyFilter(share)]
        found = np.stack([one.frame.image for one in run(filters, bytes_of(clip.frames))]) / 255.0
        differences = []
        for number in range(3, 6):
            places, visible = clip.motion(number, number - 1)
            last = flow.warp(found[number - 1], places, sharp=True)
            differences.append(np.square(found[number] - last)[visible].mean())
        errors[share], sharp[share] = np.mean(differences), sharpness(found[-1:])
    assert errors[1.0] < 0.4 * errors[0.0] and errors[1.0] < errors[0.5] < errors[0.0]
    assert sharp[1.0] > 0.9 * sharp[0.0]


def test_what_differs_once_does_not_stay_and_nothing_grows(random):
    """The last frame's colours are used within those around each pixel; also after many frames."""
    motion = flow.Motion(flow._grid(SIZE), np.ones(SIZE, np.float32), False)
    flat = np.full((*SIZE, 3), 0.5, np.float32)
    ghost = flat.copy()
    ghost[30:60, 30:60] = 1.0
    shown, _ = consistency.blend(flat, ghost, motion, 0.9)
    assert np.abs(shown - flat).max() < 1e-6
    kept = flat
    for _ in range(60):  # strokes that differ each time, some stronger than others
        painted = flat + random.normal(0, 0.03, flat.shape).astype(np.float32)
        shown, kept = consistency.blend(painted, kept, motion, 0.9)
    assert np.abs(shown - flat).max() < 0.12  # what is painted has up to 0.13


def test_at_a_cut_nothing_stays(exact):
    pictures = bytes_of([exact["pan"].frames[0], exact["cut-out"].frames[0, ::-1]])
    painter = Flickering()
    painter.restore({})
    painted = [s.notes["painted"] for s in run([flow.MotionFilter(), painter], pictures)]
    painter.restore({})
    filters = [flow.MotionFilter(), painter, consistency.ConsistencyFilter()]
    found = [step.frame.image for step in run(filters, pictures)]
    np.testing.assert_array_equal(found, bytes_of(painted))


@pytest.fixture(scope="module")
def stylizer():
    return Stylizer("mobile", compiled=True)


@pytest.fixture(scope="module")
def code(stylizer, examples):
    return stylizer.encode_style(images.read_image(examples / "mosaic.jpg", 96))


def test_a_run_that_goes_on_has_the_same_frames(stylizer, code, exact):
    pictures = bytes_of(np.concatenate([exact["pan"].frames, exact["zoom"].frames]))

    def filters():
        painter = painters.Painter(stylizer, code, batch=2)
        return [flow.MotionFilter(), painter, consistency.ConsistencyFilter()]

    whole = run(filters(), pictures, 4)
    later = filters()
    for one in later:
        one.restore(whole[7].state)
    again = run(later, pictures[8:], 4)
    for one, other in zip(whole[8:], again, strict=True):
        np.testing.assert_array_equal(one.frame.image, other.frame.image)


def test_each_frame_by_itself_is_what_stylize_paints(stylizer, code, exact):
    """The last batch is filled up."""
    pictures = bytes_of(exact["pan"].frames)[:3]
    painter = painters.Painter(stylizer, code, 0.7, batch=2, steady=False)
    for step, picture in zip(run([painter], pictures), pictures, strict=True):
        alone = stylizer.paint(painters.floats([picture]), code, 0.7)
        np.testing.assert_allclose(step.notes["painted"], alone[0], atol=2e-5)


def test_statistics_follow_slowly_and_begin_anew_at_a_cut():
    class Model:
        def summarize(self, content, code, **_):
            return {"mean": content.mean(axis=(1, 2))}

        def paint(self, content, code, *, summary, **_):
            return np.broadcast_to(summary["mean"][:, None, None], content.shape)

    levels = [100, 200, 200, 200, 200, 50, 50]
    pictures = [np.full((4, 4, 3), level, np.uint8) for level in levels]

    class Cut:
        def run(self, steps):
            for number, step in enumerate(steps):
                step.notes["cut"] = number == 5
                yield step

    found = {}
    for batch in (1, 2, 4):
        steps = run([Cut(), painters.Painter(Model(), {}, batch=batch)], pictures)
        found[batch] = [int(step.frame.image[0, 0, 0]) for step in steps]
    assert found[1] == [100, 150, 175, 188, 194, 50, 50]
    assert found[2] == found[4] == found[1]


def test_statistics_of_several_photos_are_those_of_each(stylizer, code, exact):
    content = exact["zoom"].frames[:2]
    both = stylizer.summarize(content, code)
    for number in range(2):
        one = stylizer.summarize(content[number : number + 1], code)
        for name, part in one.items():
            np.testing.assert_allclose(both[name][number], part[0], atol=1e-4)
    images_of = stylizer.paint(content, code, summary=both)
    np.testing.assert_allclose(images_of, stylizer.paint(content, code), atol=1e-3)
    tiled = Stylizer(stylizer.model, 768)
    large = np.pad(content[:1], [(0, 0), (0, 700), (0, 0), (0, 0)], mode="reflect")
    summary = tiled.summarize(large, code)
    np.testing.assert_allclose(
        tiled.paint(large, code, summary=summary), tiled.paint(large, code), atol=1e-5
    )
