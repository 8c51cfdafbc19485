"""The report on exported files, as JSON and as a page."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from tfstyle.exporting.checking import Likeness
from tfstyle.exporting.profiling import Operations, names_of


@dataclasses.dataclass(frozen=True)
class Row:
    """A signature of a file.

    Attributes:
        file: its name in the folder.
        key: of the signature.
        size: of the file in bytes.
        operations: its nodes; None but for the file's first, the only one that LiteRT lists.
        gpu_problems: what the GPU delegate cannot run.
        milliseconds: median time by number of threads.
        likeness: to the Keras model; if the file takes any size, with the least PSNR of several
            sizes.
        least_psnr: the lower limit of its PSNR in dB.
    """

    file: str
    key: str
    size: int
    operations: Operations | None
    gpu_problems: Sequence[str]
    milliseconds: Mapping[int, float]
    likeness: Likeness
    least_psnr: float

    @property
    def passes(self) -> bool:
        """Whether its PSNR to the Keras model reaches the limit."""
        return self.likeness.psnr >= self.least_psnr


def write_report(
    folder: pathlib.Path,
    rows: Sequence[Row],
    pairs: Mapping[str, Likeness],
    model_itself: Likeness,
    about: Mapping[str, Any],
) -> None:
    """Writes `report.json` and `report.md`.

    Args:
        folder: that the files are in.
        rows: of all signatures.
        pairs: of style encoder and transfer one after the other, by precision.
        model_itself: the Keras model's distances.
        about: model, flags, date and machine.
    """
    record = {
        **about,
        "model_itself": dataclasses.asdict(model_itself),
        "files": [
            {
                "file": row.file,
                "signature": row.key,
                "bytes": row.size,
                **_operations(row.operations),
                "gpu_delegate_problems": list(row.gpu_problems),
                "milliseconds_by_threads": dict(row.milliseconds),
                **dataclasses.asdict(row.likeness),
                "least_psnr": row.least_psnr,
            }
            for row in rows
        ],
        "pairs": {name: dataclasses.asdict(likeness) for name, likeness in pairs.items()},
    }
    (folder / "report.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(markdown(rows, pairs, model_itself, about), encoding="utf-8")


def markdown(
    rows: Sequence[Row],
    pairs: Mapping[str, Likeness],
    model_itself: Likeness,
    about: Mapping[str, Any],
) -> str:
    """The page of `write_report`."""
    threads = sorted({count for row in rows for count in row.milliseconds})
    lines = ["# Exported files", ""]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    lines += [
        "",
        "Pictures are compared with those of the Keras model in float32: PSNR in dB, mean over",
        "the pairs, and the largest difference of a value in [0, 1]. For codes they are those",
        "that the Keras model paints with them. The PSNR of a file that takes any size is the",
        "least of several sizes.",
        "",
        "| file | signature | MB | "
        + " | ".join(f"ms, {n} thread{'s' * (n > 1)}" for n in threads)
        + " | PSNR | largest | content distance | style distance | nodes | on XNNPACK "
        "| GPU delegate |",
        "| --- | --- |" + " --- |" * (len(threads) + 8),
    ]
    for row in rows:
        found = row.likeness
        lines.append(
            f"| {row.file} | {row.key} | {row.size / 1e6:.2f} | "
            + " | ".join(f"{row.milliseconds[n]:.1f}" for n in threads)
            + f" | {found.psnr:.1f}{'' if row.passes else f' (below {row.least_psnr:g})'} "
            f"| {found.largest:.3f} | {found.content_distance:.3f} | {found.style_distance:.3f} "
            f"| {_nodes(row.operations)} "
            f"| {'all' if not row.gpu_problems else 'not all'} |"
        )
    lines += ["", "## Style encoder and transfer together", ""]
    lines += ["| precision | PSNR | largest | content distance | style distance |"]
    lines += ["| --- | --- | --- | --- | --- |"]
    for name, found in {**pairs, "the Keras model": model_itself}.items():
        psnr = "" if name == "the Keras model" else f"{found.psnr:.1f}"
        largest = "" if name == "the Keras model" else f"{found.largest:.3f}"
        lines.append(
            f"| {name} | {psnr} | {largest} | {found.content_distance:.3f} "
            f"| {found.style_distance:.3f} |"
        )
    lines += ["", "## Operations", ""]
    for row in rows:
        if row.operations is not None:
            left = names_of(row.operations.left) or "none"
            lines.append(
                f"- `{row.file}`: {names_of(row.operations.all)}. Not on XNNPACK: {left}"
                + "".join(f". {problem}" for problem in row.gpu_problems)
            )
    return "\n".join(lines) + "\n"


def _operations(operations):
    if operations is None:
        return {}
    return {
        "operations": dict(operations.all),
        "nodes": sum(operations.all.values()),
        "xnnpack_share": operations.share,
        "not_on_xnnpack": dict(operations.left),
        "xnnpack_partitions": operations.partitions,
    }


def _nodes(operations):
    if operations is None:
        return "– | –"
    return f"{sum(operations.all.values())} | {100 * operations.share:.1f} %"
