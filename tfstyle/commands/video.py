"""`tfstyle video`: stylizes videos, frame by frame."""

import dataclasses
import os
import time
from typing import Any

from absl import logging

from tfstyle import __version__
from tfstyle.commands import video_engines
from tfstyle.config import VideoCommand
from tfstyle.config.video import PLAYED
from tfstyle.errors import of_flag
from tfstyle.runtime import process, terminal

FLAGS = VideoCommand
_SURROUNDINGS = ("output", "resume")  # flags that do not change the frames
_SETTLED = 2.0  # seconds of painting, after which its speed is known


def main(config: VideoCommand) -> int | None:
    """Writes the stylized clip; 128 + signal number if it was stopped."""
    from tfstyle.runtime import devices
    from tfstyle.video import conversion, live
    from tfstyle.video.clips import check_installed
    from tfstyle.video.parts import Parts
    from tfstyle.video.preview import Preview

    # Errors in files and flags are reported before TensorFlow loads.
    config = video_engines.check(config)
    is_live = config.is_live
    if is_live:  # a batch would wait for its last frame
        config = dataclasses.replace(config, batch_size=1)
    played = config.input.removeprefix(PLAYED)
    conversion.check_output(config.output, played, *config.style)
    if config.consistency:
        check_installed("cv2")
    with of_flag("input"):
        if is_live:
            reader: Any = live.LiveReader(config.input, config.end, config.size)
        else:
            reader = conversion.open_clip(
                config.input, config.start, config.end, config.size, config.rate
            )
    encoding = conversion.choose_encoding(config.output, reader, config.codec, config.crf)
    paintings = video_engines.read_paintings(config, reader)
    terminal.show_progress(None, "loading TensorFlow")
    devices.start_tensorflow()
    stop = process.StopSignal()
    engine = video_engines.start(config, reader, paintings, stop.requested)
    filters, stopped = list(engine.filters), stop.requested
    if is_live:  # a signal ends the input, and the clip is complete
        live.warm_up(reader, filters)
        filters.append(Preview(reader))
        reader.should_stop, stopped = stopped, lambda: False
    identity = _identity(config, engine)
    if reader.sound and encoding.is_lossless:
        logging.info("%s has no sound.", config.output)
    with stop, Parts(config.output, identity, config.resume) as parts:
        show = _Progress(reader.clip.count, parts.frames).show
        terminal.show_progress(0.0, "painting the first frames")
        try:
            complete = conversion.convert(
                config.output, reader, filters, parts, encoding,
                filters[-1].report if is_live else show, stopped,
                ahead=not is_live, length=engine.part_length,
            )  # fmt: skip
        except KeyboardInterrupt as error:
            if parts.frames and not is_live:
                error.add_note(f"the same command with --resume goes on from {parts.folder}")
            raise
    terminal.end_progress()
    if not complete:
        logging.info("Stopped%s.", _what_is_left(config.output, parts))
        return 128 + stop.number
    logging.info("Wrote %s.", config.output)
    return 0


def _what_is_left(output, parts):
    """Of a run that was stopped, as the end of a sentence."""
    from tfstyle.video import conversion

    written = conversion.is_file(output)
    if parts.frames:
        holds = output if written else parts.folder
        return f": {holds} holds what is done; the same command with --resume goes on"
    if written and parts.last is not None:
        return f": {output} holds what is done, which is too little to go on from"
    return " before there was anything to keep"


def _identity(config, engine):
    """What must be the same in a run that goes on."""
    flags = dataclasses.asdict(config)
    status = os.stat(config.input) if os.path.exists(config.input) else None
    return {
        "config": {name: flags[name] for name in flags if name not in _SURROUNDINGS},
        "input": status and [status.st_size, status.st_mtime_ns],
        "version": __version__,
        **engine.identity,
    }


class _Progress:
    """Frames per second, and the time left.

    Args:
        count: of the clip's frames; 0 if unknown.
        done: frames that an earlier run has written.
    """

    def __init__(self, count, done):
        self._count, self._before, self._started = count, done, 0.0

    def show(self, done):
        """So many frames are written."""
        now = time.monotonic()
        if not self._started:  # the first frame, with compiling, does not count
            self._started, self._before = now, done
            return
        if now - self._started < _SETTLED:
            return
        speed = (done - self._before) / (now - self._started)
        share = min(done / self._count, 0.999) if self._count else None
        left = max(self._count - done, 0) / speed if self._count else None
        text = f"{done} of {self._count} frames" if self._count else f"{done} frames"
        terminal.show_progress(share, text, f"{speed:.2g} frames/s", remaining=left)
