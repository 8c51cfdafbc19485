"""The state and the identity of a render or training run in one .npz file."""

import dataclasses
import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfstyle import files
from tfstyle.config import OptimizeConfig
from tfstyle.errors import InputError


def render_identity(
    config: OptimizeConfig,
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    init: np.ndarray | None,
) -> dict[str, Any]:
    """What must match to resume a checkpoint: the config, and the pictures' shapes and sums.

    The picture of `init="fast"` does not count: it differs in its last bits between machines, and a
    checkpoint holds what became of it.
    """
    pictures = [content, *styles]
    if init is not None and config.init != "fast":
        pictures.append(init)
    sums = [[*picture.shape, float(picture.sum(dtype=np.float64))] for picture in pictures]
    return json.loads(json.dumps({"config": dataclasses.asdict(config), "pictures": sums}))


def write_checkpoint(
    path: str | os.PathLike,
    identity: dict[str, Any],
    meta: dict[str, Any],
    arrays: dict[str, np.ndarray],
) -> None:
    """Writes arrays and JSON-compatible `meta`, replacing the file atomically."""
    text = np.array(json.dumps({**meta, "identity": identity}))
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **{"meta": text, **arrays})  # type: ignore[arg-type]


def read_checkpoint(
    path: str | os.PathLike,
    identity: dict[str, Any],
    kind: str = "render",
    remedy: str = "remove it or name another file",
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """`meta` and arrays as they were written.

    Args:
        path: of the file.
        identity: JSON-compatible; its `config` holds flags by name.
        kind: what the checkpoint is of, for errors.
        remedy: advice, for errors.
    Raises: InputError if the file is no checkpoint or has another identity.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        meta = json.loads(str(arrays.pop("meta")))
        found = meta.pop("identity")
    except files.UNREADABLE as error:
        raise InputError(f"{path}: not a checkpoint of a {kind}; {remedy}") from error
    if found != identity:
        changed = [
            f"--{name}"
            for name, value in identity["config"].items()
            if found.get("config", {}).get(name) != value
        ]
        parts = [
            f"its {name}"
            for name in identity
            if name != "config" and found.get(name) != identity[name]
        ]
        raise InputError(
            f"{path}: of another {kind}, which differs in {', '.join(changed or parts)}; {remedy}"
        )
    return meta, arrays
