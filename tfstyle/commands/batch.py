"""`tfstyle batch`: stylizes very many photos, on one machine or a cluster."""

import functools
import hashlib
import json
import os
import pathlib
import re
import time
from collections.abc import Iterator
from typing import Any

from absl import logging

from tfstyle.commands.stylize_styles import GivenStyles
from tfstyle.config import BatchCommand
from tfstyle.errors import InputError
from tfstyle.runtime import process, terminal

FLAGS = BatchCommand
_MOST_PICTURES = 16  # of a task: of a photo in many styles there are several
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")  # of a path, which would be lines of the tables


def main(config: BatchCommand) -> int:
    """Paints all pictures that are not there yet; 128 + signal number if it was stopped.

    Raises: InputError, at the end, if some could not be painted.
    """
    from tfstyle import files
    from tfstyle.batch import photo_lists, ray_pool

    if config.engine == "ray":
        ray_pool.check_installed()
    styles = GivenStyles(config.stylize())
    photos = photo_lists.find_photos("input", config.input)
    files.check_folder("output", config.output)
    pathlib.Path(config.output).mkdir(parents=True, exist_ok=True)
    lock = files.lock_folder("output", config.output)
    try:
        batch = _Batch(config, styles, photos)
        stopped = batch.paint() if batch.todo else 0
        batch.finish()
    finally:
        if lock is not None:
            os.close(lock)
    if stopped:
        return stopped
    batch.check()
    logging.info("Wrote %s.", config.output)
    return 0


class _Batch:
    """The pictures of a command.

    Attributes:
        todo: numbers of the photos that need pictures, with those of the styles.
    """

    def __init__(self, config: BatchCommand, styles: GivenStyles, photos: list[str]):
        from tfstyle.batch.manifest import Failures, Manifest
        from tfstyle.images.outputs import OutputNames
        from tfstyle.stylization import engines

        self._config, self._styles, self._photos = config, styles, photos
        styles.read(engines.fastest(config.model))
        self._names = list(styles.names)
        self._outputs = OutputNames(config.output, photos, self._names)
        self._check_inputs()
        folder = pathlib.Path(config.output)
        self._failures = Failures(folder)
        self._manifest = Manifest(folder)
        self._settings = _settings(styles)
        self.todo = [(n, left) for n, path in enumerate(photos) if (left := self._left(n, path))]
        self._total = sum(len(left) for _, left in self.todo)
        there = len(photos) * len(self._names) - self._total
        if there:
            logging.info("%d pictures are there already.", there)

    def _check_inputs(self):
        """Raises InputError for a file that is read and would be written."""
        folder = os.path.realpath(self._config.output)
        read = [*self._photos, *map(str, self._styles.paintings), self._config.style_library]
        parents: dict[str, bool] = {}  # whether it is the folder of the pictures
        for path in filter(None, read):
            parent, name = os.path.split(path)
            if parent not in parents:
                parents[parent] = os.path.realpath(parent or ".") == folder
            if parents[parent] and self._outputs.find(name):
                raise InputError(f"--output: {path} is also read; give another folder")

    def _left(self, number, path):
        """The styles that a photo is not painted in yet."""
        return tuple(
            style
            for style, settings in enumerate(self._settings)
            if not self._manifest.has(self._outputs.file(number, style), path, settings)
        )

    def paint(self) -> int:
        """Paints what is to do; the exit status if it was stopped, else 0."""
        from tfstyle.batch.dispatching import dispatch

        job = self._job()
        show = _Progress(self._total)
        pool = _pool(self._config, job)
        try:
            with process.StopSignal() as stop:
                for task, result in dispatch(pool, self._tasks(job), stop.requested):
                    self._take(task, result)
                    show.passed(len(task.pictures))
        finally:
            pool.close()
        if not stop.number:
            return 0
        terminal.end_progress()
        logging.info(
            "Stopped: %d of %d pictures are done; the same command paints the others.",
            show.done, self._total,
        )  # fmt: skip
        return 128 + stop.number

    def _job(self):
        from tfstyle.batch.manifest import NAME
        from tfstyle.batch.tasks import Job
        from tfstyle.stylization import engines

        engine = engines.fastest(self._config.model)
        self._styles.load(engines.start(engine))
        known = dict(zip(self._styles.names, self._styles.codes().of(), strict=True))
        return Job(
            config=self._styles.config, names=self._names,
            codes=[known.get(name) for name in self._names],  # none of a painting that is too small
            folder=os.path.abspath(self._config.output), marker=NAME, directory=os.getcwd(),
        )  # fmt: skip

    def _tasks(self, job) -> Iterator[Any]:
        from tfstyle.batch.tasks import Task

        for number, left in self.todo:
            path = self._photos[number]
            if _CONTROLS.search(path):
                error = f"--input: {path!r}: a name with a line break, tab or the like; rename it"
                self._fail(number, error)
                continue
            usable = [style for style in left if job.codes[style] is not None]
            for start in range(0, len(usable), _MOST_PICTURES):
                group = usable[start : start + _MOST_PICTURES]
                pictures = tuple((style, self._outputs.file(number, style)) for style in group)
                yield Task(number, path, pictures)

    def _take(self, task, result):
        """Notes what became of a task."""
        for one in result.pictures if result else ():
            self._manifest.add(
                one.output, task.photo, self._names[one.style], one.size, one.sha256, one.modified,
                self._settings[one.style],
            )  # fmt: skip
        if result is None:
            self._fail(task.number, f"--input: {task.photo}: it ends the program that paints it")
        elif result.error:
            self._fail(task.number, result.error)

    def _fail(self, number, error):
        logging.error("error: %s", error)
        self._failures.add(number, self._photos[number], error)

    def finish(self) -> None:
        """Puts the tables in order."""
        for number, (path, error) in enumerate(self._styles.errors):
            self._failures.add(number - self._styles.given, str(path), str(error))
        styles = range(len(self._names))
        self._manifest.finish(
            self._outputs.file(number, style)
            for number in range(len(self._photos))
            for style in styles
        )
        self._failures.finish()

    def check(self) -> None:
        """Raises InputError if there are not all pictures."""
        from tfstyle.batch.manifest import FAILED

        paintings = len(self._styles.errors)
        photos = len(self._failures) - paintings
        bad = {"--input": (photos, len(self._photos), "photos"),
               "--style": (paintings, self._styles.given, "paintings")}  # fmt: skip
        found = [f"{flag}: {n} of {count} {kind}" for flag, (n, count, kind) in bad.items() if n]
        if found:
            table = pathlib.Path(self._config.output) / FAILED
            raise InputError(
                f"{' and '.join(found)} could not be painted; {table} says why, and the others are "
                "beside it"
            )


class _Progress:
    """The progress of all workers.

    Attributes:
        done: number of pictures.
    """

    def __init__(self, total):
        self._total, self.done = total, 0
        terminal.show_progress(None, "starting the workers")
        self._started = time.monotonic()

    def passed(self, count):
        self.done += count
        spent = time.monotonic() - self._started
        share, rate = self.done / self._total, self.done / max(spent, 1e-9)
        terminal.show_progress(
            share, f"{self.done} of {self._total} pictures", f"{rate:.3g} a second",
            remaining=spent * (1.0 / share - 1.0),
        )  # fmt: skip


def _pool(config, job):
    import dataclasses

    from tfstyle.batch import local_pool, ray_pool
    from tfstyle.batch.photo_worker import PhotoWorker
    from tfstyle.runtime import devices

    if config.engine == "ray":
        return ray_pool.RayPool(functools.partial(PhotoWorker, job), config.workers)
    size = config.workers or local_pool.usual_size()
    job = dataclasses.replace(job, threads=max(1, devices.processors() // size))
    return local_pool.LocalPool(functools.partial(PhotoWorker, job), size)


def _settings(styles: GivenStyles) -> list[str]:
    """For each style a text that differs for all that its pictures depend on besides the photo."""
    from tfstyle import files
    from tfstyle.models import packaged
    from tfstyle.stylization.photo_painting import stored

    model = files.file_digest(packaged.model_path(styles.config.model))
    sources: list[Any] = [files.file_digest(path) for path in styles.paintings]
    if styles.library:
        sources = [_digest_of(styles.library.code(name)) for name in styles.parts]
    if styles.config.style_weights:
        sources = [sources]
    found = []
    for number, name in enumerate(styles.names):
        source = sources[number] if sources else None
        text = json.dumps([model, source, stored(styles.config, name)], sort_keys=True)
        found.append(hashlib.sha256(text.encode()).hexdigest()[:16])
    return found


def _digest_of(code):
    digest = hashlib.sha256()
    for name, part in sorted(code.items()):
        digest.update(f"{name} {part.dtype} {part.shape} ".encode())
        digest.update(part.tobytes())
    return digest.hexdigest()[:16]
