"""Makes, measures and stores every system's picture of every pair."""

import contextlib
import dataclasses
import pathlib
import time
from collections.abc import Callable, Sequence

import numpy as np
from absl import logging

from tfstyle import files, metrics
from tfstyle.config import EvaluateCommand
from tfstyle.evaluation.litert_painter import load_style_network
from tfstyle.evaluation.measuring import Measurer
from tfstyle.evaluation.painting import Painting, WorkerEnded
from tfstyle.evaluation.pairs import Pair, by_block, by_content, find_pairs, read_square
from tfstyle.evaluation.results import Key, Results
from tfstyle.evaluation.systems import (
    Optimization,
    Style,
    System,
    code_digest,
    make_systems,
)
from tfstyle.metrics.lpips import LPIPS
from tfstyle.metrics.networks import load_features, load_fid_network

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
        return read_square(_path(self.results.folder, system, pair, 1.0), self.config.size)

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
    features, encoder = load_features(config.encoder, config.vgg_weights)
    fid, fid_identity = load_fid_network(config.fid_network) if config.fid_network else (None, "")
    lpips = LPIPS(config.lpips_weights) if config.lpips_weights else None
    style_network = None
    if config.style_network:
        style_network = load_style_network(pathlib.Path(config.style_network), config.size)
    contents = sorted({pair.content for pair in pairs})
    styles = sorted({pair.style for pair in pairs})
    results = Results(
        pathlib.Path(config.output_dir),
        {
            "metrics": code_digest("tfstyle.evaluation.measuring", "tfstyle.metrics.networks"),
            "size": config.size,
            "encoder": encoder,
            "lpips_weights": lpips and files.file_digest(config.lpips_weights),
            "fid_network": fid_identity,
            "style_network": style_network
            and files.file_digest(pathlib.Path(config.style_network)),
        },
        {
            f"{kind}/{path.stem}": files.file_digest(path)
            for kind, paths in (("content", contents), ("style", styles))
            for path in paths
        },
    )
    measurer = Measurer(features, config.size, lpips, fid, style_network)
    with contextlib.closing(results):
        for system in systems:
            results.register(system.name, system.fingerprint())
        missing = [
            [
                (pair, strength)
                for pair, strength in plan
                if Key.of(system.name, pair, strength) not in results.rows
                or not _path(results.folder, system, pair, strength).exists()
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
        complete = all(
            _run(system, plan, measurer, results, clock, should_stop)
            for system, plan in zip(systems, missing, strict=True)
        )
    results.show_only(
        Key.of(system.name, *planned)
        for system, plan in zip(systems, plans, strict=True)
        for planned in plan
    )
    return Evaluation(config, encoder.rsplit(" ", 1)[0], pairs, systems, results, complete)


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


def _run(system, plan, measurer, results, clock, should_stop):
    """Makes and measures the system's pictures; returns whether all are done."""
    if not plan:
        return True
    saved = time.monotonic()
    painting = Painting(system, measurer.size) if system.paints else None
    try:
        for number, (pair, strength) in enumerate(plan, 1):
            if should_stop():
                return False
            path = _path(results.folder, system, pair, strength)
            painted = None
            if painting:
                path.parent.mkdir(parents=True, exist_ok=True)
                painted = painting.paint(pair, strength, path)
            row, embeddings = measurer.measure(pair, path)
            if painted:
                row["seconds"] = painted.seconds
                row["broken"] = max(row["broken"], float(not painted.finite))
                about = results.systems[system.name]
                about["peak_memory"] = max(about["peak_memory"], painted.peak_memory)
            key = Key.of(system.name, pair, strength)
            results.rows[key] = {name: row[name] for name in metrics.METRICS if name in row}
            results.embeddings[key] = embeddings
            now = time.monotonic()
            clock.count(system, number, len(plan))
            if now - saved > _SAVE_SECONDS:
                results.save()
                saved = now
        return True
    except WorkerEnded:
        if should_stop():  # by a signal that the worker got, too
            return False
        raise
    finally:
        if painting:
            painting.close()
        results.save()


def _path(folder, system, pair, strength):
    """The file of a system's picture of a pair."""
    if not system.paints:
        return system.find(pair)
    name = system.name if strength == 1.0 else f"{system.name}@{strength:g}"
    return folder / "pictures" / name / f"{pair.name}.png"
