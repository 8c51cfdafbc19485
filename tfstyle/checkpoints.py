"""The state and the identity of a render or training run in one .npz file."""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from tfstyle import files
from tfstyle.config import OptimizeConfig
from tfstyle.errors import InputError, brief
from tfstyle.parsing import archives, json_text

MOST_LOSSES = 1_000_000  # in the list of a stage


class _Identified(TypedDict):
    identity: dict


def render_identity(
    config: OptimizeConfig,
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    init: np.ndarray | None,
    regions: str = "",
) -> dict[str, Any]:
    """What must match to resume a checkpoint: the config, the pictures' shapes and sums, regions.

    The memory and the devices to take do not count: a checkpoint says how its stage uses them.
    The picture of `init="fast"` does not count: it differs in its last bits between machines, and a
    checkpoint holds what became of it.
    """
    pictures = [content, *styles]
    if init is not None and config.init != "fast":
        pictures.append(init)
    sums = [[*picture.shape, float(picture.sum(dtype=np.float64))] for picture in pictures]
    flags = dataclasses.asdict(config)
    del flags["max_memory"], flags["strategy"]
    return json.loads(json.dumps({"config": flags, "pictures": sums, "regions": regions}))


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
    meta_kind: Any,
    kind: str = "render",
    remedy: str = "remove it or name another file",
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """`meta` and arrays as they were written; floats are finite.

    Args:
        path: of the file.
        identity: JSON-compatible; its `config` holds flags by name.
        meta_kind: TypedDict of what `meta` holds.
        kind: what the checkpoint is of, for errors.
        remedy: advice, for errors.
    Raises: InputError if the file is no checkpoint, is damaged or has another identity.
    """
    try:
        arrays = archives.read_arrays(path)
        record = json_text.parse(str(arrays.pop("meta")))
        found = json_text.check(record, _Identified)["identity"]
        if found == identity:
            return json_text.check(record, meta_kind, most_items=MOST_LOSSES), arrays
        found_config = json_text.check(found["config"], dict, "config")
    except files.UNREADABLE as error:
        raise InputError(
            f"{path}: not a checkpoint of a {kind}, or damaged ({brief(error)}); {remedy}"
        ) from error
    changed = [
        f"--{name}" for name, value in identity["config"].items() if found_config.get(name) != value
    ]
    parts = [
        f"its {name}" for name in identity if name != "config" and found.get(name) != identity[name]
    ]
    raise InputError(
        f"{path}: of another {kind}, which differs in "
        f"{', '.join(changed or parts) or 'other parts'}; {remedy}"
    )


def check_arrays(
    path: str | os.PathLike,
    arrays: Mapping[str, np.ndarray],
    expected: Mapping[str, tuple[Sequence[int], Any]],
) -> None:
    """Raises InputError, which names the file, unless it has the expected arrays.

    Args:
        path: of the checkpoint.
        arrays: found there.
        expected: shapes and NumPy types by name.
    """
    for name, (shape, dtype) in expected.items():
        wanted = f"{np.dtype(dtype)} {tuple(shape)}"
        found = f"{arrays[name].dtype} {arrays[name].shape}" if name in arrays else "missing"
        if found != wanted:
            raise InputError(
                f"{path}: does not fit this version, or is damaged: {name} is {found}, not {wanted}"
            )
