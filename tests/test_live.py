"""Live input: frames are dropped rather than delayed, and shown with their latency."""

import sys
import time

import numpy as np
import pytest

from tests.clip_files import RATE, moving_colors, read_times, write_clip
from tfstyle.__main__ import main
from tfstyle.config import VideoCommand
from tfstyle.errors import InputError
from tfstyle.video import live, preview
from tfstyle.video.clips import Frame
from tfstyle.video.stages import Step

COUNT = 20  # frames of the clip: 0.8 s


@pytest.fixture
def clip(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_clip("clip.mp4", moving_colors(COUNT))
    return "live:clip.mp4"


def test_a_file_is_played_in_its_own_time(clip):
    reader = live.LiveReader(clip)
    started, frames = time.monotonic(), []
    for frame in reader.frames():
        frames.append(frame)
        assert reader.age(frame) < 0.3
    assert time.monotonic() - started > (COUNT - 2) / RATE
    assert len(frames) + reader.dropped == COUNT and len(frames) > COUNT / 2
    times = [frame.time for frame in frames]
    assert times[0] == 0 and times == sorted(set(times))
    assert 600 < times[-1] < 1500  # ms
    assert (reader.clip.width, reader.clip.height, reader.clip.count) == (64, 48, 0)


def test_slow_painting_drops_frames_and_does_not_delay_them(clip):
    reader = live.LiveReader(clip)
    ages, pictures = [], []
    for frame in reader.frames():
        ages.append(reader.age(frame))
        pictures.append(frame.image)
        time.sleep(0.2)  # five frames
    assert 3 <= len(pictures) <= 7 and reader.dropped == COUNT - len(pictures)
    # Waiting in a queue, the last one would be 0.8 s old and more; it is as new as the first.
    assert max(ages) < 0.25
    exact = moving_colors(COUNT)[-1].astype(int)
    assert np.abs(pictures[-1] - exact).mean() < 8  # the last frame is not dropped


def test_it_ends_after_some_seconds_or_when_it_is_told(clip):
    reader = live.LiveReader(clip, end=0.3)
    assert [frame.time < 300 for frame in reader.frames()].count(False) == 0
    reader = live.LiveReader(clip)
    found = []
    for frame in reader.frames():
        found.append(frame)
        reader.should_stop = lambda: len(found) == 2
    assert len(found) == 2


def test_sizes_are_reduced(clip):
    reader = live.LiveReader(clip, size=32)
    frame = next(reader.frames())
    assert frame.image.shape == (24, 32, 3) and reader.clip.width == 32


def test_what_a_source_raises_is_raised(clip, monkeypatch):
    def broken():
        yield np.zeros((48, 64, 3), np.uint8)
        raise InputError("gone")

    reader = live.LiveReader(clip)
    monkeypatch.setattr(reader, "_pictures", broken)
    frames = reader.frames()
    assert next(frames).image.max() == 0
    with pytest.raises(InputError, match="gone"):
        next(frames)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("camera:99", "camera:99: there is no such camera"),
        ("camera:front", "camera:front: give the camera's number"),
        ("live:none.mp4", "none.mp4: no such file"),
    ],
)
def test_what_is_no_live_input(path, text):
    with pytest.raises(InputError, match=text):
        live.LiveReader(path)


@pytest.mark.parametrize("flag", [{"start": 1.0}, {"resume": True}])
def test_flags_that_are_not_for_live_input(flag):
    with pytest.raises(InputError, match="--start, --resume: are not for a live --input"):
        VideoCommand(input="camera:0", **flag)


class FakeCamera:
    """An OpenCV camera that gives four orange pictures, with a failure between, and then none."""

    def __init__(self, number):
        assert number == 3
        self.pictures = [np.full((31, 40, 3), (0, 128, 255), np.uint8)] * 4  # BGR
        self.pictures.insert(2, None)

    def set(self, name, value):
        pass

    def get(self, name):
        return 0.0  # it does not say its rate

    def isOpened(self):  # noqa: N802
        return True

    def read(self):
        picture = self.pictures.pop(0) if self.pictures else None
        return picture is not None, picture


def test_a_camera_gives_pictures_until_it_is_gone(monkeypatch):
    monkeypatch.setattr("cv2.VideoCapture", FakeCamera)
    reader = live.LiveReader("camera:3", size=20)
    assert (reader.clip.width, reader.clip.height, reader.clip.rate) == (20, 16, 30)
    frames = [*reader.frames()]
    assert 1 <= len(frames) and len(frames) + reader.dropped == 3  # the first one told the size
    for frame in frames:
        assert frame.image.shape == (16, 20, 3)
        np.testing.assert_array_equal(frame.image[5, 5], (255, 128, 0))


class FakeWindow:
    """A window that the user closes after some frames."""

    frames = 3

    def __init__(self):
        self.shown, self.closed, self.removed = [], False, False

    def show(self, image, title):
        self.shown.append((image, title))
        self.closed = len(self.shown) == self.frames

    def close(self):
        self.removed = True


class FakeReader:
    """Frames that are a quarter of a second old."""

    dropped = 7

    def should_stop(self):
        return False

    def age(self, frame):
        return 0.25


def test_a_preview_shows_frames_and_their_latency():
    reader, image = FakeReader(), np.zeros((8, 8, 3), np.uint8)
    shown = preview.Preview(reader, FakeWindow)

    def steps():
        for number in range(3):
            assert not reader.should_stop()
            time.sleep(0.05)
            yield Step(Frame(image, number, 1), False)

    assert len([*shown.run(steps())]) == 3
    titles = [title for _, title in shown._window.shown]
    assert titles[0] == "the first frame"
    assert "frames/s, 250 ms behind, 7 dropped" in titles[2]
    assert 3 < float(titles[2].split()[0]) < 21
    assert reader.should_stop() and shown._window.removed


def test_without_a_display_there_is_no_preview():
    def none():
        raise RuntimeError("no display")

    shown = preview.Preview(FakeReader(), none)
    step = Step(Frame(np.zeros((8, 8, 3), np.uint8), 0, 1), False)
    assert [*shown.run(iter([step]))] == [step]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_a_window_needs_a_display(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(RuntimeError):
        preview.Window()


def test_the_program_paints_live_until_the_window_is_closed(
    clip, examples, tmp_path, monkeypatch, capfd
):
    write_clip("clip.mp4", moving_colors(10 * COUNT))
    opened = []
    monkeypatch.setattr(preview, "Window", lambda: opened.append(FakeWindow()) or opened[-1])
    flags = [f"--input={clip}", f"--style={examples / 'mosaic.jpg'}", "--style_size=64"]
    assert main(["video", *flags, "--output=live.mp4"]) == 0
    (window,) = opened
    assert len(window.shown) == 3 and window.removed
    times = read_times("live.mp4")
    assert len(times) == 3 and times[0] == 0
    assert not (tmp_path / "live.mp4.parts").exists()
    clip_frames = moving_colors(1)[0]
    assert np.abs(window.shown[0][0].astype(int) - clip_frames).mean() > 10  # painted
    assert "Wrote live.mp4." in capfd.readouterr().err
