"""The results as tables of text, for the terminal, for Markdown and for HTML."""

import csv
import dataclasses
import math
import pathlib
from collections.abc import Sequence

import numpy as np

from tfstyle import files
from tfstyle.evaluation import clip_results, summary
from tfstyle.evaluation.measurement import Evaluation
from tfstyle.evaluation.summary import MAIN, Estimate
from tfstyle.metrics import CLIP_METRICS, METRICS, SET_METRICS

Table = list[list[str]]  # the first row is the head
_MIB = 2**20


@dataclasses.dataclass(frozen=True)
class Tables:
    """The tables of the terminal, the page and the report.

    Attributes:
        distances: content and style distance of the systems.
        others: the other metrics.
        clips: metrics of clips; empty if none was measured.
        meanings: definitions of the metrics.
    """

    distances: Table
    others: Table
    clips: Table
    meanings: Table

    @classmethod
    def of(cls, evaluation: Evaluation, clips: Sequence[clip_results.ClipRow] = ()) -> "Tables":
        """The tables; Fréchet distances of sets take a moment."""
        others, of_clips = _others(evaluation), clip_results.table(clips)
        return cls(_distances(evaluation), others, of_clips, _meanings(others, of_clips))


def _distances(evaluation: Evaluation) -> Table:
    """Content and style distance: mean, median, interval, difference to the baseline."""
    head = ["system", "pairs"]
    for metric in MAIN:
        name = metric.replace("_", " ")
        head += [name, "median", "95 % interval", f"minus {evaluation.baseline}"]
    rows = [head]
    for system in evaluation.systems:
        row = [system.name]
        for metric in MAIN:
            found = Estimate.of(summary.values(evaluation.results, system.name, metric))
            row += [] if len(row) > 1 else [str(found.count if found else 0)]
            row += _estimate_cells(evaluation, system.name, metric, found)
        rows.append(row)
    return rows


def _others(evaluation: Evaluation) -> Table:
    """The means of all other metrics: a row for each, a column for each system."""
    results = evaluation.results
    rows = [["metric", "better", *(system.name for system in evaluation.systems)]]
    for metric, about in METRICS.items():
        if metric in MAIN:
            continue
        cells = []
        for system in evaluation.systems:
            found = list(summary.values(results, system.name, metric).values())
            # A first picture of a busy machine may take ten times as long as the others.
            middle = np.median if metric == "seconds" else np.mean
            cells.append(format_number(float(middle(found)), about.digits) if found else "–")
        if any(cell != "–" for cell in cells):
            name = "seconds, median" if metric == "seconds" else metric.replace("_", " ")
            rows.append([name, about.better, *cells])
    counts = {
        system.name: len(summary.values(results, system.name, MAIN[0]))
        for system in evaluation.systems
    }
    sets = {
        name: summary.set_distances(results, name)
        if count == max(counts.values())  # sets of other sizes are not comparable
        else {}
        for name, count in counts.items()
    }
    for metric, about in SET_METRICS.items():
        cells = [
            format_number(found[metric], about.digits) if metric in found else "–"
            for found in sets.values()
        ]
        if any(cell != "–" for cell in cells):
            rows.append([metric.replace("_", " "), about.better, *cells])
    memory = [results.systems[system.name]["peak_memory"] for system in evaluation.systems]
    cells = [f"{value / _MIB:.0f}" if value else "–" for value in memory]
    return [*rows, ["peak memory, MiB", "lower", *cells]]


def _meanings(others: Table, clips: Table) -> Table:
    """Definitions of the metrics in tables of `others` and of clips."""
    every = {**METRICS, **SET_METRICS, **CLIP_METRICS}
    known = {name.replace("_", " "): about for name, about in every.items()}
    known["seconds, median"] = METRICS["seconds"]
    names = [*(name.replace("_", " ") for name in MAIN), *(row[0] for row in others[1:])]
    names += [name for name in (clips[0] if clips else ()) if name not in names]
    return [
        ["metric", "range", "meaning"],
        *([name, known[name].range, known[name].meaning] for name in names if name in known),
        ["peak memory, MiB", "0 …", "peak memory of the whole process that makes the pictures"],
    ]


def markdown(table: Table) -> str:
    """A table in Markdown, with columns of one width."""
    widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
    lines = [
        "| " + " | ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) + " |"
        for row in table
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def write_summary(evaluation: Evaluation, path: pathlib.Path) -> None:
    """`summary.csv`: every metric of every system, with intervals and differences."""
    with (
        files.replacing(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        names = [field.name for field in dataclasses.fields(Estimate)]
        changes = [f"difference_{name}" for name in names]
        writer.writerow(["system", "metric", *names, *changes])
        for system in evaluation.systems:
            for metric in METRICS:
                found = Estimate.of(summary.values(evaluation.results, system.name, metric))
                change = summary.difference(
                    evaluation.results, system.name, evaluation.baseline, metric
                )
                if found:
                    row = [system.name, metric, *dataclasses.astuple(found)]
                    writer.writerow([*row, *(dataclasses.astuple(change) if change else ())])


def _estimate_cells(evaluation, name, metric, found):
    """Mean, median, interval and difference to the baseline."""
    if found is None:
        return ["–"] * 4
    digits = METRICS[metric].digits
    cells = [format_number(found.mean, digits), format_number(found.median, digits)]
    cells.append(_interval(found, digits))
    change = None
    if name != evaluation.baseline:
        change = summary.difference(evaluation.results, name, evaluation.baseline, metric)
    if change is None:
        return [*cells, "–"]
    return [*cells, f"{change.mean:+.{digits}f} ({_interval(change, digits, '+')})"]


def _interval(estimate, digits, sign=""):
    if math.isnan(estimate.low):
        return "–"
    return f"{estimate.low:{sign}.{digits}f} … {estimate.high:{sign}.{digits}f}"


def format_number(value: float, digits: int) -> str:
    """A number with `digits` decimals, or three significant digits if it is very large."""
    if math.isinf(value):
        return "∞"
    if abs(value) < 1e5:
        return f"{value:.{digits}f}"
    return f"{value:.2e}".replace("e+0", "e")
