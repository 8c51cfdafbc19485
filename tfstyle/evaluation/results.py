"""The rows measured so far, on disk: files are written atomically, and a run resumes from them.

metrics.csv      a row for each picture
embeddings.npz   what Fréchet distances of sets are computed from
run.json         the settings, and each system's fingerprint and memory
"""

import csv
import json
import os
import pathlib
from collections.abc import Iterable
from typing import Any, NamedTuple, TypedDict

import numpy as np
from absl import logging

from tfstyle import files
from tfstyle.errors import InputError, brief
from tfstyle.evaluation.pairs import Pair
from tfstyle.metrics import METRICS
from tfstyle.parsing import archives, json_text

STATE = "run.json"
_MOST_PICTURES = 1_000_000


class _System(TypedDict):
    fingerprint: str
    peak_memory: int


class _State(TypedDict):
    """What run.json holds."""

    settings: dict
    pictures: dict[str, str]
    systems: dict[str, _System]


class Key(NamedTuple):
    """Which picture a row is about."""

    system: str
    strength: float
    content: str
    style: str

    @classmethod
    def of(cls, system: str, pair: Pair, strength: float = 1.0) -> "Key":
        """The key of a pair's picture."""
        return cls(system, strength, pair.content.stem, pair.style.stem)


class Results:
    """The results in a folder.

    Attributes:
        rows: `{Key: {metric: value}}`.
        embeddings: `{Key: {kind: vector}}`.
        systems: `{name: {"fingerprint": str, "peak_memory": bytes}}`.

    Args:
        folder: created if it does not exist.
        settings: JSON-compatible; must equal those of the rows in the folder.
        pictures: `{name: digest}` of the originals.
    Raises: InputError for a folder of another program, of other settings or other pictures.
    """

    def __init__(self, folder: pathlib.Path, settings: dict[str, Any], pictures: dict[str, str]):
        self.folder = folder
        self.rows: dict[Key, dict[str, float]] = {}
        self.embeddings: dict[Key, dict[str, np.ndarray]] = {}
        self.systems: dict[str, dict[str, Any]] = {}
        self._settings, self._pictures = settings, pictures
        if (folder / STATE).exists():
            self._load()
        elif folder.exists() and any(folder.iterdir()):
            raise InputError(f"--output_dir: {folder} holds other files; give another folder")
        folder.mkdir(parents=True, exist_ok=True)
        self._handle = files.lock_folder("output_dir", folder)
        self.save()

    def register(self, name: str, fingerprint: str) -> None:
        """Adds a system; drops rows of that name if the fingerprint has changed."""
        if self.systems.get(name, {}).get("fingerprint") not in (None, fingerprint):
            logging.info("%s has changed since it was measured; measuring it again.", name)
            for key in [key for key in self.rows if key.system == name]:
                del self.rows[key], self.embeddings[key]
            del self.systems[name]
        if name not in self.systems:
            self.systems[name] = {"fingerprint": fingerprint, "peak_memory": 0}
            self.save()  # before any rows, so that none has an old fingerprint

    def close(self) -> None:
        """Unlocks the folder."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def show_only(self, keys: Iterable[Key]) -> None:
        """Drops all other rows from memory; the files keep them for later runs."""
        self.rows = {key: self.rows[key] for key in list(keys) if key in self.rows}
        self.embeddings = {key: self.embeddings[key] for key in self.rows}

    def put_in_order(self, keys: Iterable[Key]) -> None:
        """Saves the rows with those of some keys at the end, in this order."""
        for key in keys:
            if key in self.rows:
                self.rows[key] = self.rows.pop(key)
                self.embeddings[key] = self.embeddings.pop(key)
        self.save()

    def save(self) -> None:
        """Writes the three files, the one that describes the others last."""
        found = {name for row in self.rows.values() for name in row}
        columns = [name for name in METRICS if name in found]
        with (
            files.replacing(self.folder / "metrics.csv") as temporary,
            open(temporary, "w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            writer.writerow([*Key._fields, *columns])
            for key, row in self.rows.items():
                writer.writerow([*key, *(row.get(name, "") for name in columns)])
        kinds = {kind for found in self.embeddings.values() for kind in found}
        arrays = {
            kind: np.stack([found[kind] for found in self.embeddings.values()]) for kind in kinds
        }
        with files.replacing(self.folder / "embeddings.npz") as temporary:
            arrays["keys"] = np.array([list(map(str, key)) for key in self.rows]).reshape(-1, 4)
            np.savez(temporary, **arrays)  # type: ignore[arg-type]
        state = {"settings": self._settings, "pictures": self._pictures, "systems": self.systems}
        with files.replacing(self.folder / STATE) as temporary:
            temporary.write_text(json.dumps(state, indent=1), encoding="utf-8")

    def _load(self):
        try:
            state = json_text.check(
                json_text.read(self.folder / STATE), _State, most_items=_MOST_PICTURES
            )
            settings, pictures = state["settings"], state["pictures"]
            self.systems = state["systems"]
            with open(self.folder / "metrics.csv", newline="", encoding="utf-8") as file:
                for found in csv.DictReader(file):
                    system, strength, content, style = (found.pop(name) for name in Key._fields)
                    row = {name: float(value) for name, value in found.items() if value != ""}
                    self.rows[Key(system, float(strength), content, style)] = row
            # NaN where a kind of embedding was not computed.
            arrays = archives.read_arrays(self.folder / "embeddings.npz", finite=False)
            keys = arrays.pop("keys")
            for number, (system, strength, content, style) in enumerate(keys):
                key = Key(str(system), float(strength), str(content), str(style))
                self.embeddings[key] = {name: array[number] for name, array in arrays.items()}
        except files.UNREADABLE as error:
            raise InputError(
                f"--output_dir: {self.folder}: its results are damaged ({brief(error)}); give "
                "another folder"
            ) from error
        # Rows that a run killed between two of the files left incomplete are measured again.
        self.show_only(key for key in self.rows if key in self.embeddings)
        if not self.rows:
            self.systems = {}
            return
        for name, value in self._settings.items():
            found = settings.get(name)
            if found != value and name == "metrics":
                raise InputError(
                    f"--output_dir: {self.folder} was measured by another version of this program; "
                    "give another folder"
                )
            if found != value:
                raise InputError(
                    f"--output_dir: {self.folder} holds results with --{name}={brief(found)}, not "
                    f"{value}; give another folder"
                )
        for name, digest in self._pictures.items():
            if pictures.get(name, digest) != digest:
                raise InputError(
                    f"--output_dir: {self.folder} holds results of another picture {name}; give "
                    "another folder"
                )
        self._pictures = {**pictures, **self._pictures}
