"""Videos, animations and folders of frames: what is read is what is written."""

import errno
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from tests.clip_files import (
    moving_colors,
    read_frames,
    read_sound,
    read_times,
    sound_packets,
    write_clip,
)
from tfstyle import images
from tfstyle.errors import InputError
from tfstyle.video import animations, clips, conversion
from tfstyle.video.encoding import PartWriter
from tfstyle.video.parts import Parts


def copy(source, output, *, codec="auto", crf=18, stopped=lambda: False, resume=False, **clip):
    """Writes a clip again without a filter, as `video.py` does with one."""
    conversion.check_output(output, source)
    reader = conversion.open_clip(source, **clip)
    encoding = conversion.choose_encoding(output, reader, codec, crf)
    with Parts(output, {"config": {}}, resume) as parts:
        return conversion.convert(output, reader, [], parts, encoding, stopped=stopped)


@pytest.fixture
def short_parts(monkeypatch):
    monkeypatch.setattr(conversion, "LENGTH", 8)


@pytest.fixture
def clip(tmp_path):
    """A clip of 30 frames with sound."""
    write_clip(tmp_path / "clip.mp4", moving_colors(30), sound=True)
    return tmp_path / "clip.mp4"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_frames_and_their_times_are_kept(tmp_path, short_parts, suffix):
    """Also of a variable rate, in several parts, whose frames are reordered by the encoder."""
    frames, random = moving_colors(30), np.random.default_rng(0)
    times = np.cumsum(random.integers(200, 1500, 30)).tolist()
    times = [time - times[0] for time in times]
    write_clip(tmp_path / "clip.mp4", frames, times)
    output = tmp_path / f"copy{suffix}"
    assert copy(tmp_path / "clip.mp4", output, crf=1)
    tolerance = 0.0006 if suffix == ".mkv" else 0  # Matroska counts milliseconds
    expected = [float(time) for time in read_times(tmp_path / "clip.mp4")]
    assert [float(time) for time in read_times(output)] == pytest.approx(expected, abs=tolerance)
    found = read_frames(output).astype(float)
    # The chroma of half resolution changes edges of colours.
    assert np.abs(found - read_frames(tmp_path / "clip.mp4")).mean() < 2
    with av.open(str(output)) as container, av.open(str(tmp_path / "clip.mp4")) as source:
        assert container.duration == pytest.approx(source.duration, abs=2000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", output.name]


@pytest.mark.parametrize(("matrix", "span"), [(1, 1), (1, 2), (6, 1), (6, 2), (9, 1)])
def test_colors_range_and_matrix_are_kept(tmp_path, matrix, span):
    flat = np.empty((4, 32, 48, 3), np.uint8)
    flat[:] = (200, 80, 40)
    options = {"crf": "1"}.items()
    write_clip(tmp_path / "clip.mp4", flat, matrix=matrix, span=span, options=options)
    copy(tmp_path / "clip.mp4", tmp_path / "copy.mp4", crf=1)
    with av.open(str(tmp_path / "copy.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (matrix, span)
    reader = conversion.open_clip(tmp_path / "clip.mp4")
    assert np.abs(next(reader.frames()).image.astype(int) - (200, 80, 40)).max() <= 3
    assert np.abs(read_frames(tmp_path / "copy.mp4").astype(int) - (200, 80, 40)).max() <= 4


@pytest.mark.parametrize("turn", [90, -90, 180])
def test_turned_videos_become_upright(tmp_path, turn):
    frames = moving_colors(3)
    write_clip(tmp_path / "clip.mp4", frames, turn=turn, pixel_aspect=Fraction(4, 3))
    copy(tmp_path / "clip.mp4", tmp_path / "copy.mp4", crf=1)
    with av.open(str(tmp_path / "copy.mp4")) as container:
        stream = container.streams.video[0]
        (first, *_) = container.decode(video=0)
        assert first.rotation == 0
        aspect = Fraction(4, 3) if turn == 180 else Fraction(3, 4)
        assert stream.sample_aspect_ratio == aspect
    expected = np.rot90(frames, turn // 90, axes=(1, 2))
    assert np.abs(read_frames(tmp_path / "copy.mp4").astype(int) - expected).mean() < 4


def test_the_sound_is_copied(clip, tmp_path):
    assert copy(clip, tmp_path / "copy.mp4")
    assert sound_packets(tmp_path / "copy.mp4") == sound_packets(clip)
    times, samples = read_sound(clip)
    copied_times, copied = read_sound(tmp_path / "copy.mp4")
    np.testing.assert_array_equal(copied, samples)
    np.testing.assert_allclose(copied_times[[0, -1]], times[[0, -1]])


def test_a_section_has_its_frames_and_its_sound(clip, tmp_path):
    copy(clip, tmp_path / "copy.mp4", start=0.35, end=0.85, crf=1)
    times = [float(time) for time in read_times(tmp_path / "copy.mp4")]
    np.testing.assert_allclose(times, np.arange(13) / 25)  # from 0.36 s on
    found = read_frames(tmp_path / "copy.mp4")
    assert np.abs(found.astype(int) - moving_colors(30)[9:22]).mean() < 4
    times, samples = read_sound(clip)
    copied_times, copied = read_sound(tmp_path / "copy.mp4")
    assert 0 <= copied_times[0] < 0.022 and abs(copied_times[-1] - 0.49) < 0.03
    middle = np.searchsorted(copied_times, 0.2)  # decoding has settled
    same = np.searchsorted(times, copied_times[middle] + 0.36)
    np.testing.assert_allclose(copied[middle:][:8000], samples[same:][:8000], atol=1e-3)


def test_the_size_is_changed(clip, tmp_path):
    copy(clip, tmp_path / "copy.mp4", size=40)
    assert read_frames(tmp_path / "copy.mp4").shape == (30, 30, 40, 3)


@pytest.mark.parametrize("codec", ["libx265", "libvpx-vp9", "libsvtav1", "mpeg4"])
def test_other_codecs(clip, tmp_path, codec, capfd):
    copy(clip, tmp_path / "copy.mkv", codec=codec)
    copy(clip, tmp_path / "again.mkv", codec=codec)
    assert (tmp_path / "copy.mkv").read_bytes() == (tmp_path / "again.mkv").read_bytes()
    assert not capfd.readouterr().err  # encoders do not describe themselves
    with av.open(str(tmp_path / "copy.mkv")) as container:
        name = container.streams.video[0].codec_context.name
    decoders = {"libx265": "hevc", "libvpx-vp9": "vp9", "libsvtav1": "libdav1d"}
    assert name == decoders.get(codec, codec)
    assert np.abs(read_frames(tmp_path / "copy.mkv") - moving_colors(30).astype(int)).mean() < 8


def test_colors_of_a_gif_are_nearly_those_of_a_palette_of_all_pixels(tmp_path, examples):
    pictures = [
        Image.open(examples / f"{name}.jpg").convert("RGB").resize((320, 240))
        for name in ("mosaic", "astronaut")
    ]
    frames = [clips.Frame(np.asarray(one), number, 1) for number, one in enumerate(pictures)]
    clip = clips.Clip(320, 240, Fraction(1, 25), Fraction(25), 2)
    animations.write_animation(tmp_path / "clip.gif", iter(frames), clip)
    with Image.open(tmp_path / "clip.gif") as file:
        for number, picture in enumerate(pictures):
            file.seek(number)
            errors = [
                np.square(np.asarray(one.convert("RGB"), float) - picture).mean()
                for one in (file, picture.quantize())
            ]
            assert errors[0] < 1.2 * errors[1] < 40


@pytest.mark.parametrize(("source", "output"), [
    ("gif", "gif"), ("webp", "webp"), ("gif", "mp4"), ("webp", "gif"), ("gif", "webp"),
])  # fmt: skip
def test_animations_keep_their_times(tmp_path, source, output):
    frames = [Image.fromarray(frame) for frame in moving_colors(6, 33, 47)]
    durations = [100, 40, 250, 60, 30, 500]
    frames[0].save(tmp_path / f"clip.{source}", save_all=True, append_images=frames[1:],
                   duration=durations, loop=3)  # fmt: skip
    copy(tmp_path / f"clip.{source}", tmp_path / f"copy.{output}")
    if output == "mp4":
        times = read_times(tmp_path / "copy.mp4")
        assert [round(1000 * time) for time in times] == [0, 100, 140, 390, 450, 480]
        with av.open(str(tmp_path / "copy.mp4")) as container:
            assert container.duration == 980_000
            assert container.streams.video[0].width == 46
        return
    with Image.open(tmp_path / f"copy.{output}") as copied:
        assert copied.size == (47, 33) and copied.n_frames == 6
        assert copied.info["loop"] == 3
        found = []
        for number in range(6):
            copied.seek(number)
            copied.load()
            found.append(copied.info["duration"])
            error = np.asarray(copied.convert("RGB"), int) - np.asarray(frames[number], int)
            assert np.abs(error).mean() < 8
    assert found == durations


def test_a_video_becomes_an_animation_of_the_same_length(tmp_path):
    write_clip(tmp_path / "clip.mp4", moving_colors(20), [213 * number for number in range(20)])
    copy(tmp_path / "clip.mp4", tmp_path / "copy.gif")  # 60 frames a second, too fast for a GIF
    with Image.open(tmp_path / "copy.gif") as copied:
        durations = []
        for number in range(copied.n_frames):
            copied.seek(number)
            durations.append(copied.info["duration"])
    assert min(durations) >= 20 and abs(sum(durations) - 356) < 10


def test_folders_of_pictures(tmp_path, caplog):
    (tmp_path / "frames").mkdir()
    frames = moving_colors(12)
    for number, frame in enumerate(frames):
        images.write_image(tmp_path / f"frames/frame{number}.png", frame[None] / np.float32(255))
    (tmp_path / "frames" / "frame4.png").write_bytes(b"damaged")
    copy(tmp_path / "frames", tmp_path / "copy.mp4", rate=10.0)
    assert "frame4.png" in caplog.text and "the frame before it stays" in caplog.text
    times = [float(time) for time in read_times(tmp_path / "copy.mp4")]
    np.testing.assert_allclose(times, [number / 10 for number in range(12) if number != 4])
    copy(tmp_path / "frames", tmp_path / "out", rate=10.0, start=0.5)
    written = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in written] == [f"{number:06d}.png" for number in range(1, 8)]
    np.testing.assert_array_equal(np.asarray(Image.open(written[0])), frames[5])


def test_a_file_that_is_cut_off_is_reported(tmp_path, caplog):
    write_clip(tmp_path / "clip.mp4", moving_colors(60))
    copy(tmp_path / "clip.mp4", tmp_path / "whole.mp4")  # its index is at the start
    copy(tmp_path / "whole.mp4", tmp_path / "copy.mp4")
    assert not caplog.text
    data = (tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "part.mp4").write_bytes(data[: len(data) // 2])
    copy(tmp_path / "part.mp4", tmp_path / "copy.mp4")
    left = len(read_times(tmp_path / "copy.mp4"))
    assert 0 < left < 35
    seconds = f"{(60 - left) / 25:.1f}"
    assert f"part.mp4: the last {seconds} s have no frame that can be decoded" in caplog.text
    caplog.clear()
    copy(tmp_path / "part.mp4", tmp_path / "copy.mp4", end=left / 25)
    assert not caplog.text


def test_a_frame_that_cannot_be_decoded_is_bridged(tmp_path, caplog):
    options = {"g": "1", "bf": "0"}.items()  # each frame by itself
    write_clip(tmp_path / "clip.mp4", moving_colors(10), options=options, codec="mpeg4")
    data = bytearray((tmp_path / "clip.mp4").read_bytes())
    with av.open(str(tmp_path / "clip.mp4")) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][4]
        data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    (tmp_path / "clip.mp4").write_bytes(data)
    copy(tmp_path / "clip.mp4", tmp_path / "copy.mp4")
    times = [float(time) for time in read_times(tmp_path / "copy.mp4")]
    np.testing.assert_allclose(times, [number / 25 for number in range(10) if number != 4])
    assert "a frame after 0.12 s cannot be decoded" in caplog.text
    with av.open(str(tmp_path / "copy.mp4")) as container:
        assert container.duration == 400_000


def test_a_stopped_clip_is_playable_and_goes_on_to_the_same(clip, tmp_path, short_parts):
    copy(clip, tmp_path / "whole.mp4")
    calls = iter(range(1000))
    assert not copy(clip, tmp_path / "copy.mp4", stopped=lambda: next(calls) >= 20)
    assert len(read_times(tmp_path / "copy.mp4")) == 20
    sound, _ = read_sound(tmp_path / "copy.mp4")
    assert abs(sound[-1] - 0.8) < 0.03
    assert {path.name for path in (tmp_path / "copy.mp4.parts").iterdir()} == {
        "000000.nut", "000001.nut", "state.npz",
    }  # fmt: skip
    assert copy(clip, tmp_path / "copy.mp4", resume=True)
    assert (tmp_path / "copy.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert not (tmp_path / "copy.mp4.parts").exists()


def test_a_stopped_animation_is_playable(tmp_path):
    frames = [Image.fromarray(frame) for frame in moving_colors(6)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50)
    for name in ("copy.gif", "copy.mp4"):
        calls = iter(range(100))
        assert not copy(tmp_path / "a.gif", tmp_path / name, stopped=lambda c=calls: next(c) >= 3)
    assert Image.open(tmp_path / "copy.gif").n_frames == 3
    assert len(read_times(tmp_path / "copy.mp4")) == 3


def test_a_stopped_folder_is_written_when_it_is_whole(tmp_path, clip, short_parts):
    calls = iter(range(100))
    assert not copy(clip, tmp_path / "out", stopped=lambda: next(calls) >= 20)
    assert not (tmp_path / "out").exists()
    assert copy(clip, tmp_path / "out", resume=True)
    assert len(list((tmp_path / "out").iterdir())) == 30 and not (tmp_path / "out.parts").exists()


def test_folders_around_the_output_are_made_and_removed_if_empty(tmp_path, clip):
    copy(clip, tmp_path / "new" / "inner" / "out")
    assert [path.name for path in (tmp_path / "new" / "inner").iterdir()] == ["out"]
    with pytest.raises(KeyboardInterrupt), Parts(tmp_path / "a" / "b" / "out", {}, False):
        raise KeyboardInterrupt
    assert not (tmp_path / "a").exists()


def test_a_full_disk_is_one_line_and_keeps_the_whole_parts(
    tmp_path, clip, short_parts, monkeypatch
):
    write, count = PartWriter.write, iter(range(100))

    def full(writer, frame):
        if next(count) > 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(writer, frame)

    with monkeypatch.context() as patch:
        patch.setattr(PartWriter, "write", full)
        with pytest.raises(InputError, match="cannot be written .No space left on device"):
            copy(clip, tmp_path / "copy.mp4")
    assert {path.name for path in (tmp_path / "copy.mp4.parts").iterdir()} == {
        "000000.nut", "state.npz",
    }  # fmt: skip
    assert copy(clip, tmp_path / "copy.mp4", resume=True)
    assert len(read_times(tmp_path / "copy.mp4")) == 30


def test_another_run_is_not_gone_on_with(tmp_path):
    with Parts(tmp_path / "a.mp4", {"config": {"crf": 18}}, False) as parts:
        (tmp_path / "a.mp4.parts" / "unfinished.nut").touch()
        parts.last = 0
        parts.finish(1, {})
    with pytest.raises(InputError, match="differs in --crf; leave out --resume"):
        with Parts(tmp_path / "a.mp4", {"config": {"crf": 20}}, True):
            pass
    with Parts(tmp_path / "a.mp4", {"config": {"crf": 18}}, True) as parts:
        assert parts.frames == 1
        with pytest.raises(InputError, match="another program"):
            with Parts(tmp_path / "a.mp4", {"config": {"crf": 18}}, True):
                pass


def test_what_cannot_be_read(tmp_path, clip):
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        audio = av.AudioFrame.from_ndarray(np.zeros((1, 4800), "f"), format="fltp", layout="mono")
        audio.sample_rate = 48000
        container.mux(stream.encode(audio))
        container.mux(stream.encode(None))
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:2000])
    (tmp_path / "text.gif").write_text("no animation")
    for name, message in {
        "sound.mp4": "sound.mp4: holds no video",
        "text.mp4": "text.mp4: not a video that can be read, or damaged",
        "cut.mp4": "cut.mp4: not a video that can be read, or damaged",
        "text.gif": "text.gif: not an animation, or damaged",
        "none.mp4": "none.mp4: no such file",
        "none.gif": "none.gif: no such file",
    }.items():
        with pytest.raises(InputError, match=message):
            conversion.open_clip(tmp_path / name)
    with pytest.raises(InputError, match=r"clip.mp4: no frame from 7 s to 8 s can be decoded"):
        conversion.open_clip(clip, 7, 8)


def test_what_cannot_be_written(tmp_path, clip):
    reader = conversion.open_clip(clip)
    for name, codec, message in [
        ("a.mp4", "x264", "--codec: no encoder 'x264'; did you mean 'libx264'"),
        ("a.mp4", "aac", "--codec: no encoder 'aac'"),
        ("a.webm", "auto", r"--output: .*a.webm: such a file cannot hold libvpx-vp9 and .* aac"),
    ]:
        with pytest.raises(InputError, match=message):
            conversion.choose_encoding(tmp_path / name, reader, codec)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for name, message in {
        "a.avi": "--output: .*a.avi: the suffix must be one of",
        "none/a.mp4": "the folder .*none does not exist",
        "clip.mp4": "--output: .* is also read",
        "painting.webp": "--output: .* is also read",
        "full": "--output: .*full is not empty",
    }.items():
        with pytest.raises(InputError, match=message):
            conversion.check_output(tmp_path / name, clip, tmp_path / "painting.webp")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "full"]
