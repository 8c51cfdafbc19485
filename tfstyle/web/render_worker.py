"""The process that renders: TensorFlow loads in it, and its memory and its end are its own."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import time
import traceback
from multiprocessing.connection import Connection
from typing import NamedTuple

import numpy as np

from tfstyle import images
from tfstyle.config import OptimizeCommand
from tfstyle.errors import InputError
from tfstyle.images import sheets
from tfstyle.runtime import devices
from tfstyle.web import messages
from tfstyle.web.settings import Settings
from tfstyle.web.shelf import jpeg

_NICENESS = 5  # the page paints beside it
_PREVIEW_SECONDS = 0.7  # between previews
_REPORT_EVERY = 2  # iterations


class Task(NamedTuple):
    """A render; the command's files are those of a picture's parameters.

    Attributes:
        number: of the render.
        settings: what the page asks for.
        command: the flags.
        content, styles: files to read; the last of the styles may be that of the region alone.
        names: of the styles' files.
        region_style: of `Settings.render_regions`.
        region_name: the name of that style; "" for None.
        output: PNG file to write, and a TIFF of 16 bits beside it.
    """

    number: int
    settings: Settings
    command: OptimizeCommand
    content: pathlib.Path
    styles: list[pathlib.Path]
    names: list[str]
    region_style: int | None
    region_name: str
    output: pathlib.Path


class Stop(NamedTuple):
    """Asks for the end of a render, with the picture so far."""

    number: int


class Report(NamedTuple):
    """A render's progress.

    Attributes:
        done: share of the work, None while things are loaded.
        remaining: seconds; NaN while it is unknown.
        note: what it is doing.
        preview: JPEG file, or empty.
    """

    done: float | None
    remaining: float
    note: str
    preview: bytes = b""


class End(NamedTuple):
    """A render is done, or has failed.

    Attributes:
        complete: False if it was stopped.
        error: why there is no picture; empty if there is one.
    """

    complete: bool
    error: str = ""


def serve(connection: Connection) -> None:
    """Renders the tasks received, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the server, which ends this process
    with contextlib.suppress(AttributeError, OSError):
        os.nice(_NICENESS)
    worker = _Worker(connection)
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            if isinstance(task, Task):
                connection.send(worker.render(task))


class _Worker:
    def __init__(self, connection):
        self._connection = connection
        self._renderer = None

    def render(self, task):
        try:
            return self._render(task)
        except InputError as error:
            text = str(error)
            paths, names = [task.content, *task.styles], [*task.command.content, *task.names]
            for path, name in zip(paths, names, strict=True):  # the page knows files by their names
                text = text.replace(str(path), name)
            return End(False, messages.of_page(text))
        except MemoryError:
            return End(False, "not enough memory; a smaller size needs less")
        except (EOFError, BrokenPipeError):
            raise
        except Exception as error:
            traceback.print_exc()
            exhausted = type(error).__name__ == "ResourceExhaustedError"  # TensorFlow's
            return End(False, "not enough memory; a smaller size needs less" if exhausted
                       else "the render has failed; the server's terminal says why")  # fmt: skip

    def _render(self, task):
        content = images.read_ample(task.content, task.command.size)
        alpha = images.read_alpha(task.content, task.command.size)
        shape = images.fit(content.shape[1:3], task.command.size)
        regions = task.settings.render_regions(shape, task.region_style)
        # All was erased if there is no region: its style is not one of the picture's.
        paths = task.styles if regions else task.styles[: len(task.command.style)]
        styles = [images.read_ample(path, task.command.size) for path in paths]
        renderer, reported = self._load(task.command, regions), 0.0

        def report(progress):
            nonlocal reported
            if time.monotonic() - reported > _PREVIEW_SECONDS:
                reported = time.monotonic()
                pixels = np.asarray(sheets.to_pillow(images.resize(progress.image, shape)))
                note = f"{progress.width} × {progress.height}"
                self._connection.send(Report(progress.done, progress.remaining, note, jpeg(pixels)))

        stopped = False

        def should_stop():
            nonlocal stopped
            while self._connection.poll():
                asked = self._connection.recv()
                stopped |= isinstance(asked, Stop) and asked.number == task.number
            return stopped

        self._connection.send(Report(None, 0.0, "preparing"))
        found = renderer.render(
            content, styles, regions=regions, on_progress=report, should_stop=should_stop,
            report_every=_REPORT_EVERY,
        )  # fmt: skip
        parameters = task.settings.render_parameters(task.command, task.region_name)
        parameters["encoder"] = renderer.config.encoder
        for path, bits in ((task.output.with_suffix(".tif"), 16), (task.output, 8)):
            images.write_image(path, found.image, alpha=alpha, bits=bits, parameters=parameters)
        return End(found.complete)

    def _load(self, command, regions):
        """The renderer of the command; the one of before, if it has the same options."""
        if self._renderer is None:
            self._connection.send(Report(None, 0.0, "loading TensorFlow"))
            devices.start_tensorflow()
        from tfstyle import optimization

        config = command.render_config()
        if regions:  # whose shares count
            config = dataclasses.replace(config, style_weights=())
        if self._renderer is None or self._renderer[0] != config:
            self._renderer = None  # its memory is freed first
            self._renderer = config, optimization.Renderer(config)
        return self._renderer[1]
