"""Work on several devices at once."""

import collections
import concurrent.futures
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import tensorflow as tf

Item = TypeVar("Item")

_AHEAD = 2  # items a device that wait or are done, so that none has to wait for the slowest


class Workers:
    """A thread for each device; each has its share of the items, whatever the others do.

    So results do not depend on how fast the devices are.

    Args:
        devices: names, such as "/device:GPU:1". Without, or with one, there is no thread.
    """

    def __init__(self, devices: Sequence[str] = ()):
        several = devices if len(devices) > 1 else ()
        self._threads = [(name, concurrent.futures.ThreadPoolExecutor(1)) for name in several]

    def map(
        self, function: Callable[[Item], Any], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Any]]:
        """Yields each item with what `function` returns for it, in the items' order."""
        if not self._threads:
            yield from ((item, function(item)) for item in items)
            return
        waiting: collections.deque = collections.deque()
        for number, item in enumerate(items):
            if len(waiting) == _AHEAD * len(self._threads):
                yield _result(waiting.popleft())
            name, thread = self._threads[number % len(self._threads)]
            waiting.append((item, thread.submit(_on_device, name, function, item)))
        while waiting:
            yield _result(waiting.popleft())


def _on_device(name, function, item):
    with tf.device(name):
        return function(item)


def _result(pair):
    item, future = pair
    return item, future.result()
