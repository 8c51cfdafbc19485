"""Measures trained models and writes the results into `docs/architectures.md`, with pictures.

    python -m tools.architectures_page --content_dir photos --style_dir paintings \
        --model sanet=runs/sanet/model.keras --model wct=runs/wct/model.keras --output_dir measured

What is hand-written stays: only the text between `<!-- measured -->`, or `<!-- measured: NAME -->`
of a model's section, and the next `<!-- end -->` is replaced. Metrics are those of `evaluate.py`,
whose folder is `--output_dir`: the same command goes on from there. Times are of all models in
turn, in one process.
"""

import functools
import pathlib
import re
import urllib.parse

import numpy as np
from absl import app, flags, logging

from tfstyle import files, images
from tfstyle.config import DEFAULT_MODEL, EvaluateCommand
from tfstyle.errors import InputError
from tfstyle.evaluation import summary, tables
from tfstyle.evaluation.measurement import evaluate
from tfstyle.evaluation.pairs import find_pairs, read_square
from tfstyle.exporting.profiling import median_seconds
from tfstyle.images.sheets import contact_sheet
from tfstyle.metrics import METRICS
from tfstyle.models.capabilities import NamedStyles
from tfstyle.runtime import devices
from tfstyle.stylization import Stylizer

_CONTENT = flags.DEFINE_string("content_dir", None, "Folder of photographs.", required=True)
_STYLE = flags.DEFINE_string("style_dir", None, "Folder of paintings.", required=True)
_MODEL = flags.DEFINE_multi_string(
    "model", None, "NAME=FILE: a section's name and a .keras file or a packaged name; repeat it.",
    required=True,
)  # fmt: skip
_OUTPUT = flags.DEFINE_string("output_dir", None, "Folder of the evaluation.", required=True)
_PAGE = flags.DEFINE_string("page", "docs/architectures.md", "Page to write the results into.")
_PAIRS = flags.DEFINE_integer("pairs", 40, "Pairs to measure, evenly spread; 0 for all.")
_ENCODER = flags.DEFINE_string("encoder", "vgg19", "As in evaluate.py.")
_SIZE = flags.DEFINE_integer("size", 384, "Side of the pictures that are measured, in pixels.")
_TIMED_SIZE = flags.DEFINE_integer("timed_size", 512, "Side of the picture timed, in pixels.")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Timings of each model.")

SHOWN = 8  # pairs, the same for all models
_SIDE = 144  # pixels of a shown picture
_METRICS = (
    "content_distance", "style_distance", "color_distance", "color_explained", "structure",
)  # fmt: skip
_END = "<!-- end -->"


def marker(name: str = "") -> str:
    """The line before a measured part: a model's, or the table's."""
    return f"<!-- measured: {name} -->" if name else "<!-- measured -->"


def filled(text: str, parts: dict[str, str], path: pathlib.Path) -> str:
    """A page with new measured parts.

    Args:
        text: of the page.
        parts: by the marker's name.
        path: of the page, for errors.
    Raises: InputError for a part without its marker.
    """
    for name, part in parts.items():
        pattern = re.compile(rf"({re.escape(marker(name))}\n).*?^{_END}$", re.DOTALL | re.MULTILINE)
        if not pattern.search(text):
            raise InputError(f"{path}: has no '{marker(name)}' followed by '{_END}'; add both")
        text = pattern.sub(lambda found, part=part: f"{found[1]}{part}\n{_END}", text)
    return text


def main(_):
    """Measures, and writes the page and its pictures."""
    path = pathlib.Path(_PAGE.value)
    named = {name: file for name, _, file in (text.partition("=") for text in _MODEL.value)}
    if not all(named.values()):
        raise InputError("--model: give NAME=FILE")
    text = path.read_text(encoding="utf-8")
    filled(text, dict.fromkeys(["", *named], ""), path)  # a missing marker is an error at once
    pairs = find_pairs(_CONTENT.value, _STYLE.value)[: _PAIRS.value or None]
    devices.start_tensorflow()
    stylizers = {name: Stylizer(file, compiled=True) for name, file in named.items()}
    fixed = {k: one for k, one in stylizers.items() if isinstance(one.model, NamedStyles)}
    measured = {k: file for k, file in named.items() if k not in fixed}
    measured.setdefault(DEFAULT_MODEL, DEFAULT_MODEL)
    config = EvaluateCommand(
        content_dir=_CONTENT.value,
        style_dir=_STYLE.value,
        output_dir=_OUTPUT.value,
        model=tuple(f"{name}={file}" for name, file in measured.items()),
        baseline=DEFAULT_MODEL,
        size=_SIZE.value,
        pairs=_PAIRS.value,
        sweep_pairs=0,
        encoder=_ENCODER.value,
    )
    evaluation = evaluate(config, lambda done, what, left: logging.info("%s", what), lambda: False)
    stylizers.setdefault(DEFAULT_MODEL, Stylizer(DEFAULT_MODEL, compiled=True))
    shown = pairs[:SHOWN]
    pictures = {
        system.name: [evaluation.picture(system, pair) for pair in shown]
        for system in evaluation.systems
        if system.name in named
    }
    captions = {name: "" for name in named}
    for name, stylizer in fixed.items():
        styles = [
            stylizer.model.style_names[k % len(stylizer.model.style_names)] for k in range(SHOWN)
        ]
        captions[name] = f" Styles, of its own: {', '.join(dict.fromkeys(styles))}."
        pictures[name] = [
            stylizer.paint(read_square(pair.content, _SIZE.value), stylizer.named_style(style))
            for pair, style in zip(shown, styles, strict=False)
        ]
    inputs = [
        [read_square(getattr(pair, kind), _SIDE) for pair in shown] for kind in ("content", "style")
    ]
    folder = path.parent / "pictures"
    folder.mkdir(exist_ok=True)
    for name, rows in {"pairs": inputs, **{k: [row] for k, row in pictures.items()}}.items():
        with files.replacing(folder / f"{name}.jpg") as temporary:
            contact_sheet(rows, [""] * len(shown), _SIDE).save(temporary, "JPEG", quality=85)
    seconds = _seconds(stylizers, shown[0])
    rows = [_row(name, stylizer, seconds, evaluation) for name, stylizer in stylizers.items()]
    head = ["model", "parameters", "of these trained", f"time at {_TIMED_SIZE.value} px"]
    table = tables.markdown([[*head, *(one.replace("_", " ") for one in _METRICS)], *rows])
    parts = {"": f"{table}\n\n{_about(evaluation, shown)}"}
    for name in named:
        place = urllib.parse.quote(f"pictures/{name}.jpg")
        parts[name] = f"![Eight pairs painted by {name}]({place}){captions[name]}"
    with files.replacing(path) as temporary:
        temporary.write_text(filled(text, parts, path), encoding="utf-8")
    logging.info("Wrote %s.", path)


def _seconds(stylizers, pair):
    """Median time of a picture, the style's code given."""
    size = (_TIMED_SIZE.value,) * 2
    content, style = (
        images.cover(images.read_image(one), size) for one in (pair.content, pair.style)
    )
    runs = {}
    for name, stylizer in stylizers.items():
        if isinstance(stylizer.model, NamedStyles):
            code = stylizer.named_style(stylizer.model.style_names[0])
        else:
            code = stylizer.encode_style(style)
        runs[name] = functools.partial(stylizer.paint, content, code)
    return median_seconds(runs, _ROUNDS.value)


def _row(name, stylizer, seconds, evaluation):
    """The cells of a model; time relative to `quality`'s."""
    trained = sum(int(np.prod(one.shape)) for one in stylizer.model.trainable_variables)
    total = stylizer.model.for_inference().count_params()
    cells = [name, f"{total:,}", f"{trained:,}", f"{seconds[name] / seconds[DEFAULT_MODEL]:.2f}"]
    for metric in _METRICS:
        found = list(summary.values(evaluation.results, name, metric).values())
        mean = tables.format_number(float(np.mean(found)), METRICS[metric].digits) if found else "–"
        cells.append(mean)
    return cells


def _about(evaluation, shown):
    names = ", ".join(f"{pair.content.stem} in {pair.style.stem}" for pair in shown)
    return f"""Parameters are those that painting needs; a time of 1 is that of `{DEFAULT_MODEL}`,
the style's code given. Means over {len(evaluation.pairs)} pairs, {_SIZE.value} pixels square, with
features of `{evaluation.encoder}`; [evaluation.md](evaluation.md) explains the metrics.

The pairs of the pictures below, contents above styles: {names}.

![Contents and styles of the eight pairs](pictures/pairs.jpg)"""


if __name__ == "__main__":
    app.run(main)
