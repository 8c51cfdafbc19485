"""Makes, measures and stores every system's picture of every pair."""

import collections
import contextlib
import dataclasses
import os
import pathlib
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from absl import logging

from tfstyle import files
from tfstyle.config import EvaluateCommand
from tfstyle.evaluation import cluster
from tfstyle.evaluation.making import Maker, Measured, load_measurer, picture_path
from tfstyle.evaluation.painting import Painting, WorkerEnded
from tfstyle.evaluation.pairs import Pair, by_block, by_content, find_pairs, read_square
from tfstyle.evaluation.results import STATE, Key, Results
from tfstyle.evaluation.systems import (
    Optimization,
    Style,
    System,
    code_digest,
    make_systems,
)

STRENGTHS = (0.0, 0.25, 0.5, 0.75)  # of the sweep, which full strength completes
_SAVE_SECONDS = 15.0


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        config: the flags.
        encoder: name of the network whose features were compared.
        pairs: evenly spread.
        systems: in the order of the flags.
        results: their rows.
        complete: whether nothing is missing.
    """

    config: EvaluateCommand
    encoder: str
    pairs: list[Pair]
    systems: list[System]
    results: Results
    complete: bool

    def picture(self, system: System, pair: Pair) -> np.ndarray:
        """A system's picture of a pair, `(1, size, size, 3)`."""
        return read_square(picture_path(self.results.folder, system, pair), self.config.size)

    @property
    def baseline(self) -> str:
        """The name of the system that the others are compared with."""
        return self.config.baseline or self.systems[0].name

    def first_pairs(self, count: int) -> list[Pair]:
        """The first pairs that every system has a picture of."""
        names = [system.name for system in self.systems]
        rows = self.results.rows
        shared = [p for p in self.pairs if all(Key.of(name, p) in rows for name in names)]
        return shared[:count]


def evaluate(
    config: EvaluateCommand,
    on_progress: Callable[[float, str, float], None],
    should_stop: Callable[[], bool],
    pairs: Sequence[Pair] | None = None,
) -> Evaluation:
    """Makes and measures what is missing in `config.output_dir`.

    Args:
        config: the flags.
        on_progress: called with the share of the work, a text, and an estimate of the seconds
            left.
        should_stop: called before each picture; True ends the evaluation.
        pairs: those of `find_pairs`, if it was called before.
    Raises: InputError for any error in the flags or the files that they name.
    """
    pairs = list(pairs or find_pairs(config.content_dir, config.style_dir))[: config.pairs or None]
    systems = make_systems(config)
    files.check_folder("output_dir", config.output_dir)
    plans = [_plan(config, system, pairs) for system in systems]
    for system, plan in zip(systems, plans, strict=True):
        system.check([pair for pair, _ in plan])
    measurer, identity = load_measurer(config)
    contents = sorted({pair.content for pair in pairs})
    styles = sorted({pair.style for pair in pairs})
    results = Results(
        pathlib.Path(config.output_dir),
        {
            "metrics": code_digest("tfstyle.evaluation.measuring", "tfstyle.metrics.networks"),
            "size": config.size,
            **identity,
        },
        {
            f"{kind}/{path.stem}": files.file_digest(path)
            for kind, paths in (("content", contents), ("style", styles))
            for path in paths
        },
    )
    with contextlib.closing(results):
        for system in systems:
            results.register(system.name, system.fingerprint())
        missing = [
            [
                (pair, strength)
                for pair, strength in plan
                if Key.of(system.name, pair, strength) not in results.rows
                or not picture_path(results.folder, system, pair, strength).exists()
            ]
            for system, plan in zip(systems, plans, strict=True)
        ]
        planned = sum(map(len, plans))
        reused = planned - sum(map(len, missing))
        if reused:
            logging.info(
                "Going on from %s: %d of %d pictures are measured (%d %%).",
                results.folder, reused, planned, 100 * reused / planned,
            )  # fmt: skip
        clock = _Clock(systems, missing, on_progress)
        if config.engine == "ray":
            folder = results.folder.absolute()
            job = cluster.Job(config, systems, folder, STATE, os.getcwd())
            measured = cluster.measure(job, missing, should_stop)
        else:
            measured = _measure_here(systems, missing, measurer, results.folder, should_stop)
        complete = _store(measured, systems, missing, results, clock)
        keys = [
            Key.of(system.name, *planned)
            for system, plan in zip(systems, plans, strict=True)
            for planned in plan
        ]
        if config.engine == "ray":  # whose workers are done in any order
            results.put_in_order(keys)
    results.show_only(keys)
    encoder = identity["encoder"].rsplit(" ", 1)[0]
    return Evaluation(config, encoder, pairs, systems, results, complete)


def _plan(config, system, pairs):
    """The system's pairs with strengths, in an order that describes few originals twice."""
    count = config.optimize_pairs if isinstance(system, Optimization) else 0
    order = by_block if isinstance(system, Style) else by_content
    plan = [(pair, 1.0) for pair in order(pairs[: count or None])]
    if system.has_strength:
        for strength in STRENGTHS:
            plan += [(pair, strength) for pair in by_content(pairs[: config.sweep_pairs])]
    return plan


class _Clock:
    """Reports the share of all systems' work, and the time left."""

    def __init__(self, systems, plans, on_progress):
        self._total = sum(
            system.cost * len(plan) for system, plan in zip(systems, plans, strict=True)
        )
        self._on_progress = on_progress
        self._done = 0.0
        self._started = time.monotonic()

    def count(self, system, number, of):
        """One more picture of a system, the `number`th of so many, is measured."""
        self._done += system.cost
        left = (time.monotonic() - self._started) * (self._total / self._done - 1.0)
        self._on_progress(
            self._done / self._total, f"{system.name}: {number} of {of} pictures", left
        )


def _measure_here(
    systems, missing, measurer, folder, should_stop
) -> Iterator[tuple[int, tuple[Pair, float], Measured]]:
    """As `cluster.measure`, by a process of this machine for each system."""
    for number, (system, plan) in enumerate(zip(systems, missing, strict=True)):
        if not plan:
            continue
        painting = Painting(system, measurer.size) if system.paints else None
        maker = Maker(system, painting, measurer, folder)
        try:
            for planned in plan:
                if should_stop():
                    return
                yield number, planned, maker.measure(*planned)
        except WorkerEnded:
            if should_stop():  # by a signal that the worker got, too
                return
            raise
        finally:
            if painting:
                painting.close()


def _store(measured, systems, missing, results, clock):
    """Stores what is measured; returns whether all is."""
    saved, counts = time.monotonic(), collections.Counter[int]()
    try:
        for number, (pair, strength), found in measured:
            system = systems[number]
            key = Key.of(system.name, pair, strength)
            results.rows[key], results.embeddings[key] = found.row, found.embeddings
            about = results.systems[system.name]
            about["peak_memory"] = max(about["peak_memory"], found.peak_memory)
            counts[number] += 1
            clock.count(system, counts[number], len(missing[number]))
            now = time.monotonic()
            if now - saved > _SAVE_SECONDS:
                results.save()
                saved = now
        return counts.total() == sum(map(len, missing))
    finally:
        measured.close()
        results.save()
