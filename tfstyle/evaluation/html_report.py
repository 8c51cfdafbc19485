"""The results as one HTML file that holds its pictures."""

import base64
import html
import io
import pathlib

import numpy as np

from tfstyle import __version__, files, images
from tfstyle.evaluation import summary, tables
from tfstyle.evaluation.measurement import STRENGTHS, Evaluation
from tfstyle.evaluation.pairs import Pair, read_square
from tfstyle.evaluation.results import Key
from tfstyle.evaluation.summary import MAIN, Estimate
from tfstyle.evaluation.systems import System
from tfstyle.images.sheets import to_pillow

_SIDE = 144  # pixels of a thumbnail
_EXTREMES = 4  # best and worst pictures of each system

_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1400px; color: #222 }
table { border-collapse: collapse; margin: 1em 0 } code { overflow-wrap: anywhere }
td, th { padding: 3px 9px; border-bottom: 1px solid #ddd; text-align: left; white-space: nowrap }
table.pictures td { padding: 2px; border: 0; vertical-align: top } td.text { white-space: normal }
small { color: #666; display: block } img { display: block }
"""


def write_report(
    evaluation: Evaluation, found: tables.Tables, path: pathlib.Path, command: str, machine: str
) -> None:
    """Writes `report.html`.

    Args:
        evaluation: to show.
        found: its tables.
        path: of the file.
        command: that made it.
        machine: what it was made on.
    """
    body = [
        "<h1>Style transfer, measured</h1>",
        f"<p>tfstyle {__version__}; {html.escape(machine)}.<br>"
        f"<code>{html.escape(command)}</code></p>",
        f"<p>Centre squares of {evaluation.config.size} pixels, features of "
        f"{html.escape(evaluation.encoder)}. Intervals resample photographs and paintings; "
        "differences are over the pairs that both systems have.</p>",
        _table(found.distances),
        _scatter(evaluation),
        _table(found.others),
        _table(found.clips) if found.clips else "",
        _table(found.meanings),
        "<p>Below each picture: its content distance / its style distance.</p>",
        *_extremes(evaluation),
        *_grid(evaluation),
    ]
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Style transfer, '
        f"measured</title><style>{_STYLE}</style></head><body>{''.join(body)}</body></html>"
    )
    with files.replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _table(table):
    rows = []
    for number, row in enumerate(table):
        tag = "td" if number else "th"
        cells = (
            f"<{tag}{' class=text' if len(cell) > 50 else ''}>{html.escape(cell)}</{tag}>"
            for cell in row
        )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _extremes(evaluation):
    """The best and the worst pictures of each system, but for the originals."""
    pairs = {(pair.content.stem, pair.style.stem): pair for pair in evaluation.pairs}
    for system in evaluation.systems:
        if system.is_original or len(evaluation.pairs) < 2:
            continue
        ranked = summary.ranked(evaluation.results, system.name)
        count = min(_EXTREMES, len(ranked) // 2)
        for title, keys in (("best", ranked[:count]), ("worst", ranked[len(ranked) - count :])):
            yield f"<h2>{html.escape(system.name)}: {title} by ranks in both distances</h2>"
            cells = []
            for key in keys:
                pair = pairs[key.content, key.style]
                originals = _thumbnail(read_square(pair.content, _SIDE // 2)) + _thumbnail(
                    read_square(pair.style, _SIDE // 2)
                )
                name = f"<small>{html.escape(pair.name.replace('__', ', '))}</small>"
                cells.append(
                    f"<td>{originals}{name}</td><td>{_cell(evaluation, system, pair)}</td>"
                )
            yield f'<table class="pictures"><tr>{"".join(cells)}</tr></table>'


def _grid(evaluation):
    """A row for each pair, a column for each system."""
    shown = [one for one in evaluation.systems if not one.is_original]
    pairs = evaluation.first_pairs(evaluation.config.report_pairs)
    if not pairs:
        return
    yield f"<h2>{len(pairs)} pairs, evenly spread</h2><table class='pictures'>"
    heads = ("content", "style", *(system.name for system in shown))
    yield "<tr>" + "".join(f"<th>{html.escape(name)}</th>" for name in heads) + "</tr>"
    for pair in sorted(pairs, key=lambda pair: (pair.content, pair.style)):
        originals = (pair.content, pair.style)
        cells = [
            f"{_thumbnail(read_square(one, _SIDE))}<small>{html.escape(one.stem)}</small>"
            for one in originals
        ]
        cells += [_cell(evaluation, system, pair) for system in shown]
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</table>"


def _cell(evaluation: Evaluation, system: System, pair: Pair) -> str:
    key = Key.of(system.name, pair)
    if key not in evaluation.results.rows:
        return "<small>not made</small>"
    row = evaluation.results.rows[key]
    numbers = f"{row['content_distance']:.2f} / {row['style_distance']:.3f}"
    small = images.resize(evaluation.picture(system, pair), (_SIDE, _SIDE))
    return f"{_thumbnail(small)}<small>{numbers}</small>"


def _thumbnail(picture: np.ndarray) -> str:
    data = io.BytesIO()
    to_pillow(picture).save(data, "JPEG", quality=80)
    text = base64.b64encode(data.getvalue()).decode()
    return f'<img src="data:image/jpeg;base64,{text}" alt="">'


def _scatter(evaluation):
    """Content against style distance: each system's mean with its interval, its pictures as dots.

    The curve of a model goes through its means over the pairs of the sweep, from strength 0 to 1.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 6), layout="constrained")
    sweep = {
        (pair.content.stem, pair.style.stem)
        for pair in evaluation.pairs[: evaluation.config.sweep_pairs]
    }
    right = 1.0
    for number, system in enumerate(evaluation.systems):
        color = f"C{number}"
        content, style = (
            summary.values(evaluation.results, system.name, metric) for metric in MAIN
        )
        means = [one for one in map(Estimate.of, (content, style)) if one is not None]
        if len(means) < 2 or not means[1].mean:
            continue  # the style itself: a logarithmic axis cannot show its distance of 0
        axes.scatter(
            list(content.values()), list(style.values()), 9, color, alpha=0.3, linewidths=0
        )
        right = max(right, 1.2 * means[0].mean, *np.quantile(list(content.values()), [0.95]))
        x_error, y_error = (
            np.nan_to_num([[one.mean - one.low], [one.high - one.mean]]) for one in means
        )
        axes.errorbar(
            means[0].mean, means[1].mean, xerr=x_error, yerr=y_error,
            fmt="o", color=color, capsize=3, label=system.name.replace("$", r"\$"),
        )  # fmt: skip
        if system.has_strength and sweep:
            curve = []
            for strength in (*STRENGTHS, 1.0):
                found = [
                    summary.values(evaluation.results, system.name, metric, strength)
                    for metric in MAIN
                ]
                points = [[one[pair] for pair in sweep if pair in one] for one in found]
                if all(points):
                    curve.append([float(np.mean(one)) for one in points])
            axes.plot(*np.transpose(curve), "-", color=color, marker=".", linewidth=1)
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.01)
    axes.set_xlim(-0.05, right)
    axes.set(xlabel="content distance", ylabel="style distance (logarithmic)")
    axes.grid(alpha=0.3)
    axes.legend()
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    pyplot.close(figure)
    text = base64.b64encode(data.getvalue()).decode()
    return (
        f'<img src="data:image/png;base64,{text}" alt="content against style distance">'
        "<p>Left and down is better. Small dots are pictures, large ones means with their "
        "intervals; curves go from strength 0 to 1 over the pairs of the sweep. The style itself, "
        "at 0, is below the plot; a few pictures may be to the right of it.</p>"
    )
