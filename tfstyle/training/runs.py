"""The folder of a run: its config, its checkpoints, its model."""

import dataclasses
import json
import os
import pathlib
import re
from typing import Any, TypedDict

import numpy as np
from absl import logging

from tfstyle import __version__, checkpoints, files
from tfstyle.config import TrainConfig
from tfstyle.errors import InputError

KEPT = 3  # checkpoints, the newest
# Flags that may change when a run resumes: those that do not affect a step, and, with a log line,
# those that a user may want to adjust.
_ADJUSTABLE = ("steps", "learning_rate", "schedule", "warmup_steps", "clip_norm", "precision")
_FREE = (
    "content_dir", "style_dir", "style", "add_style", "output_dir", "vgg_weights", "init_model",
    "teacher", "strategy", "checkpoint_every", "sample_every", "log_every", "resume", *_ADJUSTABLE,
)  # fmt: skip

_FIELDS = {field.name: field for field in dataclasses.fields(TrainConfig)}
_Flags: Any = TypedDict("_Flags", {name: _FIELDS[name].type for name in _ADJUSTABLE})  # type: ignore
# Runs from before they existed had what are now their defaults.
_ADDED_LATER = (
    "style_loss", "model_arguments", "style_size", "content_min_crop", "style_min_crop",
    "recolored_share", "identity_share", "photo_share", "temporal_weight",
)  # fmt: skip


class _Meta(TypedDict):
    """What a checkpoint holds besides arrays."""

    step: int
    flags: _Flags


class RunFolder:
    """Files of a run: `config.json`, `checkpoints/`, `logs/`, `samples/` and `model.keras`.

    Args:
        config: of the run; `output_dir` is the folder.
        identity: what else must match to resume, such as the encoder's.
    Raises: InputError for a folder of another run, or one that cannot be written.
    """

    def __init__(self, config: TrainConfig, identity: dict[str, Any]):
        self.path = pathlib.Path(config.output_dir)
        self.config = config
        self._handle: int | None = None
        settings = dataclasses.asdict(config)
        flags = {
            name: value
            for name, value in settings.items()
            if name not in _FREE and (name not in _ADDED_LATER or value != _FIELDS[name].default)
        }
        # As a checkpoint holds it: JSON has lists, no tuples.
        self._identity = json.loads(json.dumps({"config": flags, **identity}))

    @property
    def model_path(self) -> pathlib.Path:
        return self.path / "model.keras"

    @property
    def logs(self) -> pathlib.Path:
        return self.path / "logs"

    @property
    def samples(self) -> pathlib.Path:
        return self.path / "samples"

    def prepare(self) -> None:
        """Creates the folders and writes `config.json`; for the chief only."""
        try:
            for folder in (self.path / "checkpoints", self.logs, self.samples):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"--output_dir: {error.filename} cannot be created ({error.strerror})"
            ) from error
        self._handle = files.lock_folder("output_dir", self.path)
        record = {**dataclasses.asdict(self.config), "version": __version__}
        with files.replacing(self.path / "config.json") as temporary:
            temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

    def release(self) -> None:
        """Unlocks the folder."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def checkpoints(self) -> list[tuple[int, pathlib.Path]]:
        """Steps and files of the checkpoints, oldest first."""
        found = []
        for path in (self.path / "checkpoints").glob("step-*.npz"):
            match = re.fullmatch(r"step-(\d+)\.npz", path.name)
            if match:
                found.append((int(match[1]), path))
        return sorted(found)

    def write(self, step: int, variables: dict[str, Any]) -> None:
        """Writes the checkpoint of a step atomically, and removes old ones."""
        path = self.path / "checkpoints" / f"step-{step:08d}.npz"
        arrays = {name: np.asarray(variable.numpy()) for name, variable in variables.items()}
        meta = {"step": step, "flags": {name: getattr(self.config, name) for name in _ADJUSTABLE}}
        checkpoints.write_checkpoint(path, self._identity, meta, arrays)
        for _, old in self.checkpoints()[:-KEPT]:
            old.unlink(missing_ok=True)

    def restore(self, variables: dict[str, Any]) -> int:
        """Restores the variables from the newest checkpoint; its step, or 0 if there is none."""
        found = self.checkpoints()
        if not found:
            return 0
        path = found[-1][1]
        if self.config.resume == "never":
            raise InputError(
                f"--resume=never: {self.path} holds a run; give another --output_dir, or "
                "--resume=auto to resume it"
            )
        meta, arrays = checkpoints.read_checkpoint(
            path, self._identity, _Meta, "training run",
            "give the same flags, or another --output_dir",
        )  # fmt: skip
        expected = {
            name: (variable.shape, variable.dtype.as_numpy_dtype)
            for name, variable in variables.items()
        }
        checkpoints.check_arrays(path, arrays, expected)
        if meta["step"] != found[-1][0]:
            raise InputError(f"{path}: of step {meta['step']}; its name has another")
        if self.config.precision == "mixed_float16" != meta["flags"]["precision"]:
            raise InputError(
                "--precision=mixed_float16: this run has no loss scale; resume with "
                f"{meta['flags']['precision']}, or give another --output_dir"
            )
        for name, variable in variables.items():
            variable.assign(arrays[name])
        for name, before in meta["flags"].items():
            if getattr(self.config, name) != before:
                logging.info("--%s is %s from here on, %s before.", name,
                             getattr(self.config, name), before)  # fmt: skip
        return meta["step"]
