"""From a clip to a stylized one: reading, painting and writing, each in its own thread.

decode → `Filters` (paint, keep consistent, …) → encode. A clip is written in parts; after a whole
part the filters' state is kept, so that a run that was killed goes on from there with the same
result.
"""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from tfstyle import files
from tfstyle.errors import InputError, of_flag
from tfstyle.video import animations, encoding, joining
from tfstyle.video.clips import Clip, Frame, check_installed, even
from tfstyle.video.decoding import VideoReader
from tfstyle.video.encoding import Encoding
from tfstyle.video.parts import LENGTH, Parts
from tfstyle.video.stages import Filter, Step, background

Reader = VideoReader | animations.AnimationReader | animations.FolderReader
KINDS = (*encoding.CONTAINERS, *animations.SUFFIXES)


def open_clip(
    path: str | os.PathLike, start: float = 0.0, end: float = 0.0, size: int = 0, rate: float = 25.0
) -> Reader:
    """A reader of a video, an animation or a folder of numbered pictures.

    Args:
        path: of the file or the folder.
        start: seconds from its beginning.
        end: seconds; 0 for all.
        size: longest side of the frames in pixels; 0 for its own.
        rate: frames per second of a folder.
    Raises: InputError if it cannot be read, or holds no frame of that time.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        return animations.FolderReader(path, start, end, size, rate)
    if path.suffix.lower() in animations.SUFFIXES:
        return animations.AnimationReader(path, start, end, size)
    check_installed("av")
    return VideoReader(path, start, end, size)


def check_output(path: str | os.PathLike, *read: str | os.PathLike) -> None:
    """Raises InputError if a stylized clip cannot be written there, or is one of the files read."""
    suffix = pathlib.Path(path).suffix.lower()
    with of_flag("output"):
        if suffix and suffix not in KINDS and not pathlib.Path(path).is_dir():
            raise InputError(f"{path}: the suffix must be one of {', '.join(KINDS)}, or none for a "
                             "folder of pictures")  # fmt: skip
        if os.path.realpath(path) in map(os.path.realpath, read):
            raise InputError(f"{path} is also read; give it another name")
    if is_file(path):
        files.check_writable(path)
    else:
        files.check_new_folder("output", path)
    check_installed("av")


def is_file(output: str | os.PathLike) -> bool:
    """Whether an output is a file; otherwise it is a folder, which is written when it is whole."""
    return pathlib.Path(output).suffix.lower() in KINDS


def choose_encoding(
    path: str | os.PathLike, reader: Reader, codec: str = "auto", crf: int = 18
) -> Encoding:
    """How parts of the output are encoded; InputError if its file cannot hold that.

    Args:
        path: of the output.
        reader: of the input, whose sound is copied.
        codec: FFmpeg's name of an encoder, or "auto".
        crf: constant rate factor.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if suffix not in encoding.CONTAINERS:
        return Encoding.lossless()
    chosen = Encoding(encoding.CONTAINERS[suffix] if codec == "auto" else codec, crf)
    encoding.check_encoding(path, _as_encoded(reader.clip, chosen), chosen, reader)
    return chosen


def _as_encoded(clip: Clip, settings: Encoding) -> Clip:
    """The clip with even sides, which most codecs need."""
    if settings.is_lossless:
        return clip
    width, height = even(clip.width, clip.height)
    return dataclasses.replace(clip, width=width, height=height)


def convert(
    output: str | os.PathLike,
    reader: Reader,
    filters: Sequence[Filter],
    parts: Parts,
    settings: Encoding,
    on_progress: Callable[[int], object] | None = None,
    stopped: Callable[[], bool] = lambda: False,
    ahead: bool = True,
    length: int = 0,
) -> bool:
    """Writes a stylized clip.

    Args:
        output: file or folder.
        reader: of the clip.
        filters: what happens to its frames.
        parts: of the output; entered.
        settings: of the parts.
        on_progress: called with the number of frames written, after each.
        stopped: whether to end; a file then holds what is done, and `parts` the whole parts. A
            filter may end, too, when it is true.
        ahead: whether stages work ahead, in threads of their own; otherwise a frame is finished
            before the next one is read.
        length: frames of a part; `parts.LENGTH` if 0.
    Returns: whether the clip is complete.
    Raises: InputError if no frame can be decoded, or the output cannot be written.
    """
    for one in filters:
        one.restore(parts.state)
    stage: Callable[[Any], Any] = background if ahead else iter
    source = _Source(reader, parts, length or LENGTH)
    steps: Any = stage(source.steps())
    for one in filters:
        steps = stage(one.run(steps))
    clip = _as_encoded(reader.clip, settings)
    complete = True
    try:
        while True:
            part = _Part(steps, clip, parts.frames, on_progress, stopped)
            if not parts.write(part.frames(), clip, settings):
                break
            if not part.whole:
                break
            parts.finish(part.count, part.state)
        # A filter that ended itself has not passed on all that was read.
        complete = not stopped() or next(steps, None) is None and part.done == source.count
    finally:
        steps.close()
    if complete and parts.last is None:
        raise InputError(f"{reader.path}: no frame can be decoded")
    if complete or parts.last is not None and is_file(output):
        _write(output, reader, parts, clip, settings, complete)
    if complete:
        parts.remove()
    parts.forget_unfinished()
    return complete


class _Source:
    """The steps of a reader's frames, and how many frames there were, with those done before."""

    def __init__(self, reader, parts, length):
        self._frames, self._length = reader.frames(parts.last), length
        self.count = parts.frames

    def steps(self):
        for frame in self._frames:
            self.count += 1
            yield Step(frame, self.count % self._length == 0)


class _Part:
    """The next frames of the steps, up to the last one of their part or to a stop."""

    def __init__(self, steps, clip, done, on_progress, stopped):
        self._steps, self._clip, self._before = steps, clip, done
        self._on_progress, self._stopped = on_progress, stopped
        self.whole, self.count, self.state = False, 0, {}

    @property
    def done(self):
        """Frames of the clip so far."""
        return self._before + self.count

    def frames(self):
        while not self.whole and not self._stopped():
            step = next(self._steps, None)
            if step is None:
                return
            frame = step.frame
            yield Frame(
                frame.image[: self._clip.height, : self._clip.width], frame.time, frame.duration
            )
            self.count += 1
            if self._on_progress:
                self._on_progress(self.done)
            self.whole, self.state = step.last, step.state


def _write(output, reader, parts, clip, settings, complete):
    suffix = pathlib.Path(output).suffix.lower()
    if suffix in encoding.CONTAINERS:
        joining.join(output, parts.paths(), clip, parts.end, reader, complete)
        return
    frames = joining.read_parts(parts.paths(), clip, parts.end)
    if suffix in animations.SUFFIXES:
        animations.write_animation(output, frames, clip)
    else:
        animations.write_folder("output", output, frames)
