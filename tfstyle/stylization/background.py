"""Reads the next file and writes the last ones while a picture is painted."""

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST_WAITING = 2  # pictures that are painted and not yet written


class Background:
    """Two threads, one to read and one to write; all is written when the block ends.

    An error of writing is raised by the next call of `write`, or at the end.
    """

    def __init__(self) -> None:
        self._reader = concurrent.futures.ThreadPoolExecutor(1)
        self._writer = concurrent.futures.ThreadPoolExecutor(1)
        self._waiting: list[concurrent.futures.Future] = []

    def __enter__(self) -> "Background":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._reader.shutdown(cancel_futures=True)
        self._writer.shutdown()
        if error is None:
            self._finish(0)

    def read_ahead(
        self, read: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Callable[[], Result]]]:
        """Yields each item with a function that returns what `read` returns for it, or raises."""
        pending: tuple[Item, concurrent.futures.Future] | None = None
        for item in items:
            following = item, self._reader.submit(read, item)
            if pending:
                yield pending[0], pending[1].result
            pending = following
        if pending:
            yield pending[0], pending[1].result

    def write(self, write: Callable[..., object], *arguments: Any, **options: Any) -> None:
        """Calls `write` later, in order."""
        self._finish(_MOST_WAITING - 1)
        self._waiting.append(self._writer.submit(write, *arguments, **options))

    def _finish(self, most):
        while len(self._waiting) > most:
            self._waiting.pop(0).result()
