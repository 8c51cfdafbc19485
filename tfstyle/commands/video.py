"""`tfstyle video`: stylizes videos with a trained model."""

import dataclasses
import hashlib
import os
import time

from absl import logging

from tfstyle import __version__, files
from tfstyle.config import VideoCommand
from tfstyle.errors import of_flag
from tfstyle.runtime import process, terminal

FLAGS = VideoCommand
_SURROUNDINGS = ("output", "resume")  # flags that do not change the frames
_SETTLED = 2.0  # seconds of painting, after which its speed is known
_BATCH_PIXELS = 4_000_000  # at once on a GPU


def main(config: VideoCommand) -> int | None:
    """Writes the stylized clip; 128 + signal number if it was stopped."""
    from tfstyle import images
    from tfstyle.models import packaged
    from tfstyle.runtime import devices
    from tfstyle.video import conversion
    from tfstyle.video.clips import check_installed
    from tfstyle.video.parts import Parts

    # Errors in files and flags are reported before TensorFlow loads.
    packaged.model_path(config.model)
    if not (config.style or config.style_name):
        config = dataclasses.replace(config, style_name=packaged.only_style(config.model))
    conversion.check_output(config.output, config.input, *config.style)
    if config.consistency:
        check_installed("cv2")
    with of_flag("input"):
        reader = conversion.open_clip(
            config.input, config.start, config.end, config.size, config.rate
        )
    encoding = conversion.choose_encoding(config.output, reader, config.codec, config.crf)
    with of_flag("style"):
        paintings = [
            images.read_image(path, config.style_size, enlarge=False) for path in config.style
        ]
    terminal.show_progress(None, "loading TensorFlow")
    devices.start_tensorflow()
    stylizer, code = _style(config, reader, paintings)
    filters = _filters(config, reader, stylizer, code)
    identity = _identity(config, code)
    if reader.sound and encoding.is_lossless:
        logging.info("%s has no sound.", config.output)
    with process.StopSignal() as stop, Parts(config.output, identity, config.resume) as parts:
        show = _Progress(reader.clip.count, parts.frames).show
        terminal.show_progress(0.0, "painting the first frames")
        try:
            complete = conversion.convert(
                config.output, reader, filters, parts, encoding, show, stop.requested
            )
        except KeyboardInterrupt as error:
            if parts.frames:
                error.add_note(f"the same command with --resume goes on from {parts.folder}")
            raise
    terminal.end_progress()
    if not complete:
        if parts.last is None:
            logging.info("Stopped before the first frame.")
        else:
            written = conversion.is_file(config.output)
            logging.info(
                "Stopped: %s holds what is done; the same command with --resume goes on.",
                config.output if written else parts.folder,
            )
        return 128 + stop.number
    logging.info("Wrote %s.", config.output)
    return 0


def _style(config, reader, paintings):
    """The model, and the style's code: of the paintings, mixed, or of a name."""
    from tfstyle.stylization import Stylizer
    from tfstyle.video.painters import floats

    terminal.show_progress(None, "encoding the style")
    stylizer = Stylizer(config.model, config.tile_size, compiled=True)
    frame = next(reader.frames())
    content = floats([frame.image])
    stylizer.check_photo(content, config.input)
    if not paintings:
        return stylizer, stylizer.named_style(config.style_name)
    for path, painting in zip(config.style, paintings, strict=True):
        stylizer.model.check_picture(painting, f"--style: {path}")
    codes = stylizer.encode_styles(paintings, content, config.preserve_color)
    return stylizer, stylizer.mix(codes, config.style_weights)


def _filters(config, reader, stylizer, code):
    from tfstyle.runtime import devices
    from tfstyle.video.painters import Painter

    pixels = reader.clip.width * reader.clip.height
    batch = config.batch_size
    if not batch:
        batch = 8 if devices.has_gpu() else 1
        while batch > 1 and batch * pixels > _BATCH_PIXELS:
            batch //= 2
    painter = Painter(
        stylizer, code, config.strength, config.preserve_color, batch, config.consistency > 0
    )
    if not config.consistency:
        return [painter]
    from tfstyle.video.consistency import ConsistencyFilter
    from tfstyle.video.flow import MotionFilter

    return [MotionFilter(), painter, ConsistencyFilter(config.consistency)]


def _identity(config, code):
    """What must be the same in a run that goes on."""
    from tfstyle.models import packaged

    digest = hashlib.sha256()
    for name in sorted(code):
        digest.update(name.encode() + code[name].tobytes())
    flags = dataclasses.asdict(config)
    status = os.stat(config.input)
    return {
        "config": {name: flags[name] for name in flags if name not in _SURROUNDINGS},
        "input": [status.st_size, status.st_mtime_ns],
        "model": files.file_digest(packaged.model_path(config.model)),
        "style": digest.hexdigest()[:16],
        "version": __version__,
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
