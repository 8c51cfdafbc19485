"""The clips of an evaluation: which are measured, what is kept of an earlier run, and the table.

clips.csv holds a row for each system, way of painting, clip and style; rows whose fingerprint is
still the same are not measured again.
"""

import contextlib
import csv
import dataclasses
import hashlib
import itertools
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from absl import logging

from tfstyle import files, images, metrics
from tfstyle.config import EvaluateCommand
from tfstyle.errors import InputError, brief, of_flag
from tfstyle.evaluation.clip_measuring import (
    ISOLATED,
    LONG,
    FilmedFrames,
    distances,
    flicker,
    paint,
)
from tfstyle.evaluation.pairs import Pair
from tfstyle.evaluation.systems import System, TrainedModel, code_digest, encode_style

_MEASURED = (*metrics.CLIP_METRICS, "content_distance", "style_distance")


@dataclasses.dataclass(frozen=True)
class ClipRow:
    """What was measured of a clip in a style.

    Attributes:
        system: its name.
        way: of `clip_measuring.paint`.
        clip: the file's stem.
        style: likewise.
        fingerprint: changes whenever the values could change.
        values: by metric.
    """

    system: str
    way: str
    clip: str
    style: str
    fingerprint: str
    values: dict[str, float]


_NAMES = [field.name for field in dataclasses.fields(ClipRow)][:-1]


def check_clips(config: EvaluateCommand, systems: Sequence[System]) -> None:
    """Raises InputError, before any work, for clips that cannot be read, or no model to measure."""
    from tfstyle.video import clips, conversion

    if not config.clip:
        return
    clips.check_installed("av", "cv2")
    if not _models(systems):
        raise InputError("--clip: is measured for each --model; give one")
    names = [pathlib.Path(path).stem for path in config.clip]
    for path, name in zip(config.clip, names, strict=True):
        if names.count(name) > 1:
            raise InputError(f"--clip: two clips are called {name}; rename one")
        with of_flag("clip"):
            if os.path.isdir(path):
                raise InputError(f"{path}: is a folder; give a video file")
            found = [*itertools.islice(conversion.open_clip(path).frames(), LONG + 1)]
            if len(found) <= LONG:
                raise InputError(
                    f"{path}: {len(found)} of {LONG + 1} frames or more; give a longer video"
                )


def measure_clips(
    config: EvaluateCommand,
    systems: Sequence[System],
    pairs: Sequence[Pair],
    on_progress: Callable[[float, str], Any],
    should_stop: Callable[[], bool],
) -> tuple[list[ClipRow], bool]:
    """Paints and measures the clips of `config.clip` with each model.

    Args:
        config: the flags.
        systems: of the evaluation.
        pairs: likewise; the styles are those of the first ones.
        on_progress: called with the share of the work and a text.
        should_stop: called before each clip in each style; True ends the work.
    Returns: the rows, and whether they are complete.
    Raises: InputError for a clip that cannot be read, or whose frames are too small for a model.
    """
    folder = pathlib.Path(config.output_dir)
    styles = list(dict.fromkeys(pair.style for pair in pairs))[: config.clip_styles]
    tasks = [
        (system, path, style) for system in _models(systems) for path in config.clip
        for style in styles
    ]  # fmt: skip
    handle = files.lock_folder("output_dir", folder)
    try:
        known = _read(folder / "clips.csv")
        found: list[ClipRow] = []
        measurer = _ClipMeasurer(config)
        for number, (system, path, style) in enumerate(tasks):
            if should_stop():
                return found, False
            on_progress(number / len(tasks), f"{system.name}: {pathlib.Path(path).stem}")
            fingerprint = measurer.fingerprint(system, path, style)
            rows = [row for row in known if row.fingerprint == fingerprint]
            if not rows:
                rows = measurer.measure(system, path, style, fingerprint)
                about = {_about(row) for row in rows}
                known = [row for row in known if _about(row) not in about] + rows
                _write(folder / "clips.csv", known)
            found += rows
        return found, True
    finally:
        if handle is not None:
            os.close(handle)


def table(rows: Sequence[ClipRow]) -> list[list[str]]:
    """Means over clips and styles: a row for each system and way; empty if nothing was measured."""
    if not rows:
        return []
    about = {**metrics.METRICS, **metrics.CLIP_METRICS}
    names = [name for name in _MEASURED if any(name in row.values for row in rows)]
    lines = [["system", "clips", *(name.replace("_", " ") for name in names)]]
    for system, way in dict.fromkeys((row.system, row.way) for row in rows):
        own = [row.values for row in rows if (row.system, row.way) == (system, way)]
        cells = []
        for name in names:
            values = [one[name] for one in own if not np.isnan(one.get(name, np.nan))]
            cells.append(f"{np.mean(values):.{about[name].digits}f}" if values else "–")
        lines.append([f"{system}, {way}", str(len(own)), *cells])
    return lines


class _ClipMeasurer:
    """Measures clips in the order of systems, and loads what it needs when it needs it."""

    def __init__(self, config):
        from tfstyle.metrics.networks import load_features

        self._config = config
        self._features, self._encoder = load_features(config.encoder, config.vgg_weights)
        self._code = code_digest("tfstyle.evaluation.clip_measuring")
        self._frames: dict[str, FilmedFrames] = {}
        self._loaded: tuple[str, Any] = ("", None)

    def fingerprint(self, system, path, style):
        config = self._config
        parts = [
            system.name, pathlib.Path(path).stem, style.stem, system.fingerprint(), self._encoder,
            files.file_digest(path), files.file_digest(style), config.size, config.clip_frames,
            self._code,
        ]  # fmt: skip
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def measure(self, system, path, style, fingerprint):
        if path not in self._frames:
            with of_flag("clip"):
                self._frames[path] = FilmedFrames(path, self._config.size, self._config.clip_frames)
        clip = self._frames[path]
        if self._loaded[0] != system.name:
            self._loaded = system.name, system.stylizer(self._config.size)
        stylizer = self._loaded[1]
        stylizer.check_photo(clip.frames[:1], f"--clip: {path}")
        painting = images.read_image(style, self._config.size, enlarge=False)
        painted = paint(stylizer, encode_style(stylizer, painting, style.stem), clip.frames)
        return [
            ClipRow(
                system.name, way, pathlib.Path(path).stem, style.stem, fingerprint,
                flicker(frames, painted[ISOLATED], clip)
                | distances(frames, clip, painting, self._features),
            )
            for way, frames in painted.items()
        ]  # fmt: skip


def _about(row):
    return row.system, row.way, row.clip, row.style


def _models(systems):
    return [system for system in systems if isinstance(system, TrainedModel)]


def _write(path, rows):
    with (
        files.replacing(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow([*_NAMES, *_MEASURED])
        for row in rows:
            cells = (getattr(row, name) for name in _NAMES)
            writer.writerow([*cells, *(row.values[name] for name in _MEASURED)])


def _read(path):
    """The rows of an earlier run."""
    rows = []
    try:
        with contextlib.suppress(FileNotFoundError), open(path, newline="", encoding="utf-8") as f:
            for found in csv.DictReader(f):
                values = {name: float(found[name]) for name in _MEASURED}
                rows.append(ClipRow(**{name: found[name] for name in _NAMES}, values=values))
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        logging.warning("%s is damaged (%s); measuring the clips again.", path, brief(error))
        return []
    return rows
