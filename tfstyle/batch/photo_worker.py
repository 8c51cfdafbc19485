"""A model in a process of its own, which paints tasks."""

import errno
import os
import pathlib
import threading

from tfstyle import colors, files
from tfstyle.batch.dispatching import enter
from tfstyle.batch.tasks import Job, Painted, Result, Task
from tfstyle.errors import InputError, brief
from tfstyle.runtime import devices
from tfstyle.stylization import engines
from tfstyle.stylization.photo_painting import PhotoPainter, load_stylizer


class PhotoWorker:
    """Paints tasks, several at a time: one is painted while others are read and written.

    The model is loaded at once, for what most photos need; another engine with the first photo
    that `engines.choose` says it for.

    Args:
        job: of the tasks.
        flag: that named the photos, for errors.
    Raises: InputError if the model or the folder cannot be used on this machine.
    """

    def __init__(self, job: Job, flag: str = "input"):
        self._job, self._flag = job, flag
        self._folder = pathlib.Path(job.folder)
        enter(job.directory, self._folder, job.marker, "output")
        self._painting = threading.Lock()
        self._painters: dict[str, PhotoPainter] = {}
        self._painter(engines.fastest(job.config.model))

    def paint(self, task: Task) -> Result:
        """Writes a task's pictures.

        Raises: InputError if pictures cannot be written, which is no fault of the photo.
        """
        done: list[Painted] = []
        try:
            self._paint(task, done)
        except _OutputError as error:
            raise error.error from error
        except InputError as error:
            return Result(done, str(error))
        except Exception as error:  # a photo must not end the work on all others
            kind = type(error).__name__
            return Result(done, f"--{self._flag}: {task.photo}: {kind}: {brief(error)}")
        return Result(done)

    def _paint(self, task, done):
        config = self._job.config
        painter = self._painter(engines.choose(config, [task.photo]))
        content, alpha = painter.read(task.photo)
        modified = os.stat(task.photo).st_mtime_ns
        photo = colors.adjust_contrast(content, (), config.prepare)
        for style, name in task.pictures:
            with self._painting:
                image = painter.paint(photo, self._job.codes[style], strength=config.strength)
            output = self._folder / name
            try:
                painter.write(output, task.photo, self._job.names[style], image, alpha)
            except InputError as error:
                cause = error.__cause__
                if isinstance(cause, OSError) and cause.errno != errno.ENAMETOOLONG:
                    raise _OutputError(error) from error
                raise
            size = output.stat().st_size
            done.append(Painted(style, name, size, files.sha256(output), modified))

    def _painter(self, engine):
        with self._painting:
            if engine not in self._painters:
                if engine == "keras":
                    devices.start_tensorflow()
                stylizer = load_stylizer(self._job.config, engine, self._job.threads)
                self._painters[engine] = PhotoPainter(self._job.config, stylizer, self._flag)
            return self._painters[engine]


class _OutputError(Exception):
    """The folder cannot be written, for instance because the disk is full."""

    def __init__(self, error):
        super().__init__(str(error))
        self.error = error
