"""The finished parts of a clip, in a folder beside its file, from which a stopped run goes on."""

import contextlib
import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

import numpy as np
from absl import logging

from tfstyle import checkpoints, files
from tfstyle.video.clips import Clip, Frame
from tfstyle.video.encoding import PART_SUFFIX, Encoding, PartWriter

LENGTH = 48  # frames of a part; a multiple of any batch
_STATE = "state.npz"
_UNFINISHED = f"unfinished{PART_SUFFIX}"


class _Meta(TypedDict):
    parts: int
    frames: int
    last: int
    end: int


class Parts:
    """Parts of `LENGTH` frames, and the state of the filters after the last whole one.

    Use it as a context manager: nobody else may work in the folder meanwhile.

    Args:
        output: file or folder that they are of; theirs is called OUTPUT.parts.
        identity: JSON-compatible; what must match to go on, see `checkpoints`.
        resume: whether to go on with what is there; otherwise it is removed.

    Attributes:
        folder: of the parts.
        frames: number of frames in the whole parts.
        last: time of the last one, in ticks; None if there is none.
        end: when it ends.
        state: arrays by name that were given with it.

    Raises: InputError if the parts are of another run.
    """

    def __init__(self, output: str | os.PathLike, identity: dict[str, Any], resume: bool):
        self.folder = pathlib.Path(f"{os.path.normpath(output)}.parts")
        self._made: list[pathlib.Path] = []  # folders, to be removed if they stay empty
        self._identity = json.loads(json.dumps(identity))
        self._count = self.frames = self.end = 0
        self.last: int | None = None
        self.state: dict[str, np.ndarray] = {}
        self._resume = resume

    def __enter__(self) -> "Parts":
        self._made = [self.folder, *(one for one in self.folder.parents if not one.exists())]
        self.folder.mkdir(parents=True, exist_ok=True)  # as those of a folder of frames are made
        self._lock = files.lock_folder("output", self.folder)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        if not self._resume:
            self.remove()
        elif (self.folder / _STATE).exists():
            meta, self.state = checkpoints.read_checkpoint(
                self.folder / _STATE, self._identity, _Meta, "video",
                "leave out --resume to begin anew",
            )  # fmt: skip
            self._count, self.frames = meta["parts"], meta["frames"]
            self.last, self.end = meta["last"], meta["end"]
            logging.info("Going on from %s: %d frames.", self.folder, self.frames)
        else:
            logging.info("There is nothing to go on from in %s.", self.folder)

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            os.close(self._lock)
        with contextlib.suppress(OSError):
            for folder in self._made:
                folder.rmdir()  # fails, as it should, if there are parts

    def write(self, frames: Iterator[Frame], clip: Clip, encoding: Encoding) -> bool:
        """Writes frames as the part after the whole ones; not a whole part until `finish`.

        Returns: whether there was any.
        """
        first = next(frames, None)
        if first is None:
            return False
        with files.replacing(self.folder / _UNFINISHED) as temporary:
            writer = PartWriter(temporary, clip, encoding)
            try:
                while first is not None:
                    writer.write(first)
                    last, first = first, next(frames, None)
            except BaseException:
                writer.abandon()
                raise
            writer.close()
        self.last, self.end = last.time, last.time + last.duration
        return True

    def finish(self, frames: int, state: Mapping[str, np.ndarray]) -> None:
        """Makes what was last written a whole part, after which a run can go on.

        Args:
            frames: number of frames in it.
            state: arrays by name, which a run that goes on gets.
        """
        os.replace(self.folder / _UNFINISHED, self.folder / _name(self._count))
        self._count, self.frames = self._count + 1, self.frames + frames
        meta = {"parts": self._count, "frames": self.frames, "last": self.last, "end": self.end}
        checkpoints.write_checkpoint(self.folder / _STATE, self._identity, meta, {**state})

    def paths(self) -> list[pathlib.Path]:
        """Files of all parts, also of the unfinished one if there is."""
        found = [self.folder / _name(number) for number in range(self._count)]
        unfinished = self.folder / _UNFINISHED
        return [*found, unfinished] if unfinished.exists() else found

    def forget_unfinished(self) -> None:
        """Removes the part that is not whole."""
        (self.folder / _UNFINISHED).unlink(missing_ok=True)

    def remove(self) -> None:
        """Removes what a run leaves in the folder, and nothing else."""
        self.forget_unfinished()
        for path in [*self.folder.glob(f"{'[0-9]' * 6}{PART_SUFFIX}"), self.folder / _STATE]:
            path.unlink(missing_ok=True)


def _name(number):
    return f"{number:06d}{PART_SUFFIX}"
