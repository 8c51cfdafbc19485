"""Stages of work on a stream of frames: each in its thread, in order, in bounded memory."""

import dataclasses
import queue
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeVar

import numpy as np

from tfstyle.video.clips import Frame

Item = TypeVar("Item")
_PATIENCE = 0.1  # seconds after which a full queue's thread looks whether it is to end


@dataclasses.dataclass
class Step:
    """A frame on its way through the filters.

    Attributes:
        frame: of the input; the last filter's output has the stylized image.
        last: whether the filters' state after it is to be kept.
        state: the filters' arrays by name, if it is.
        notes: what filters tell later ones, by name.
    """

    frame: Frame
    last: bool
    state: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    notes: dict[str, Any] = dataclasses.field(default_factory=dict)


class Filter(Protocol):
    """What happens to the frames of a clip, in order."""

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes over a state that it added to a step, before any frame."""

    def run(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The steps, changed; adds its state to those that are `last` of their part."""


def background(items: Iterator[Item], size: int = 2) -> Iterator[Item]:
    """The items, which a thread makes ahead while the caller works on earlier ones.

    What it raises is raised here, in its place. The thread ends with this iterator, at its end or
    when it is closed, and closes `items` then; so stages can be chained.

    Args:
        items: used by the thread alone.
        size: of the queue: as many items wait at most.
    """
    waiting: queue.Queue = queue.Queue(size)
    ended = threading.Event()

    def put(what):
        while not ended.is_set():
            try:
                return waiting.put(what, timeout=_PATIENCE)
            except queue.Full:
                pass

    def work():
        try:
            for item in items:
                put((item, None))
                if ended.is_set():
                    break
            put((None, StopIteration()))
        except BaseException as error:
            put((None, error))
        finally:
            if hasattr(items, "close"):
                items.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item
    finally:
        ended.set()
        thread.join()
