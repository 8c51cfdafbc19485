"""Writes all TFLite files of an export, each with metadata, compared with the model and timed."""

import dataclasses
import functools
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tfstyle
from tfstyle.config import TFLiteCommand
from tfstyle.config.export import precisions, sizes
from tfstyle.exporting import checking, comparison, golden, metadata, profiling, report, tflite
from tfstyle.exporting.signatures import (
    ENCODE_WHOLE,
    FREE,
    STYLIZE,
    TRANSFER_TILE,
    Signatures,
)
from tfstyle.metrics.networks import load_features
from tfstyle.models import StyleTransferModel, capabilities, packaged
from tfstyle.models.capabilities import NamedStyles, Tileable
from tfstyle.models.exported import DESCRIPTION, ENCODER_FILE, TRANSFER, TRANSFER_FILE
from tfstyle.runtime.litert import Network

ROUNDS = 20  # timings of each function
THREADS = (1, 2)
# In dB; `min_psnr` for the others. Rounding to 8 bits alone gives 59.
_MIN_PSNR = {"float32": 55.0, "float16": 45.0}
_STYLIZE = "stylize.tflite"


@dataclasses.dataclass(frozen=True)
class Found:
    """Measurements of the files.

    Attributes:
        rows: of each signature.
        pairs: of style encoder and first transfer signature together, by precision.
        model_itself: the Keras model's distances at the first size.
    """

    rows: Sequence[report.Row]
    pairs: Mapping[str, checking.Likeness]
    model_itself: checking.Likeness


def write_files(
    model: StyleTransferModel,
    config: TFLiteCommand,
    samples: Sequence[Mapping[str, Any]],
    contents: Sequence[pathlib.Path],
    styles: Sequence[pathlib.Path],
    folder: pathlib.Path,
    on_progress: Callable[[float, str], object],
) -> Found:
    """Writes a folder for each precision.

    Args:
        model: to export, without what only training needs.
        config: which files.
        samples: for int8, of `calibration.read_samples`.
        contents: pictures to compare the files with the model on.
        styles: likewise.
        folder: that exists.
        on_progress: called with the share of the work and what comes next.
    """
    dtype = "uint8" if config.uint8 else "float32"
    content_sizes = sizes("size", config.size)
    (style_size,) = sizes("style_size", config.style_size)
    features, _ = load_features("lite")
    tile_sizes = sizes("tile_size", config.tile_size)
    longest = max(
        side or checking.FREE_SIDE for size in (*content_sizes, *tile_sizes, style_size)
        for side in size
    )  # fmt: skip
    pictures = checking.read_pairs(contents, styles, config.check_pairs, longest)
    checks = {
        (as_parts, size): [
            checking.Check(model, pictures, size, style_size, features, as_parts),
            *_checks_of_sizes(model, pictures[:1], size, style_size, features),
        ]
        for as_parts, its_sizes in (
            (False, [*content_sizes, *([style_size] if tile_sizes else [])]),
            (True, tile_sizes),
        )
        for size in dict.fromkeys(its_sizes)
    }
    whole = checks[False, content_sizes[0]][0]
    signatures = Signatures(model, style_size)
    plan = list(_plan(signatures, config, content_sizes, tile_sizes, style_size))
    rows, likenesses = [], {}
    done, parts = 0, 2 * len(plan) * len(precisions(config.precision))
    for precision in precisions(config.precision):
        (folder / precision).mkdir()
        networks = {}
        for file, entries in plan:
            name = f"{precision}/{file}"
            on_progress(done / parts, f"converting {name}")
            data = tflite.convert(model, entries, precision, dtype, samples)
            data = metadata.with_metadata(
                data, _description(model, signatures, config, name, dtype)
            )
            (folder / name).write_bytes(data)
            by_threads = {n: Network(data, n, name) for n in THREADS}
            networks[file] = (by_threads[THREADS[-1]], entries[0])
            least = _MIN_PSNR.get(precision, config.min_psnr)
            on_progress((done + 1) / parts, f"measuring {name}")
            for entry in entries:
                as_parts = entry.signature.name == TRANSFER_TILE
                its_checks = checks[as_parts, entry.sizes.get("content", content_sizes[0])]
                rows.append(_measure(name, data, entry, by_threads, its_checks, dtype, least))
            done += 2
        pair = checking.NetworkPair(networks.get(ENCODER_FILE), networks[TRANSFER_FILE], dtype)
        likenesses[precision] = whole.likeness_of_pair(pair)
        golden.write_golden(folder / precision / "golden", pair, whole.example())
        text = json.dumps(describe_model(model), indent=1, ensure_ascii=False) + "\n"
        (folder / precision / DESCRIPTION).write_text(text, encoding="utf-8")
    on_progress(1.0, f"{done // 2} files")
    return Found(rows, likenesses, whole.model_itself)


def _plan(signatures, config, content_sizes, tile_sizes, style_size):
    """The files, each with its entries."""

    def entries(name, sizes):
        found = signatures.by_name.get(name)
        return tflite.entries_of(found, sizes, style_size) if found else []

    encoder = []
    if signatures.encoder:
        encoder += tflite.entries_of(signatures.encoder, [], style_size)
    if tile_sizes:
        encoder += entries(ENCODE_WHOLE, [style_size])
    if encoder:
        yield ENCODER_FILE, encoder
    yield TRANSFER_FILE, [*entries(TRANSFER, content_sizes), *entries(TRANSFER_TILE, tile_sizes)]
    if config.single_file and STYLIZE in signatures.by_name:
        yield _STYLIZE, entries(STYLIZE, content_sizes)


def describe_model(model: StyleTransferModel) -> dict[str, Any]:
    """What an app needs to know of a model besides its signatures, JSON-compatible."""
    about: dict[str, Any] = {
        "architecture": type(model).__name__,
        "capabilities": [
            name
            for name, kind in vars(capabilities).items()
            if isinstance(kind, type) and hasattr(kind, "purpose") and isinstance(model, kind)
        ],
        "codes": model.code_identity(),
        "min_size": model.min_size,
    }
    if isinstance(model, NamedStyles):
        about["style_names"] = list(model.style_names)
        for name in ("style_credits", "style_thumbnails"):
            if getattr(model, name):
                about[name] = list(getattr(model, name))
    if isinstance(model, Tileable):
        about["receptive_field"] = model.receptive_field
        about["tile_stride"] = model.tile_stride
    return about


def _checks_of_sizes(model, pictures, content_size, style_size, features):
    """More checks of a file that takes any size: each with pictures of another size."""
    if FREE not in (content_size, style_size):
        return []
    return [
        checking.Check(
            model,
            pictures,
            size if content_size == FREE else content_size,
            size[::-1] if style_size == FREE else style_size,
            features,
        )
        for size in comparison.sizes_to_check(model)
    ]


def _measure(name, data, entry, by_threads, checks, dtype, least_psnr):
    inputs = profiling.random_inputs(by_threads[1], entry.key, checking.FREE_SIDE)
    is_first = entry.key == by_threads[1].signatures[0]
    runs = {n: functools.partial(one.run, entry.key, inputs) for n, one in by_threads.items()}
    seconds = profiling.median_seconds(runs, ROUNDS)
    likeness, *others = (check.likeness(by_threads[THREADS[-1]], entry, dtype) for check in checks)
    psnr = min([likeness.psnr, *(other.psnr for other in others)])
    return report.Row(
        file=name,
        key=entry.key,
        size=len(data),
        operations=profiling.operations_of(by_threads[1]) if is_first else None,
        gpu_problems=profiling.gpu_problems(data),
        milliseconds={n: 1000.0 * one for n, one in seconds.items()},
        likeness=dataclasses.replace(likeness, psnr=psnr),
        least_psnr=least_psnr,
    )


def _description(model, signatures, config, name, dtype):
    values = "float32 from 0 to 1" if dtype == "float32" else "bytes from 0 to 255"
    ours = config.model in packaged.PACKAGED_MODELS
    picture = f"RGB picture (1, height, width, 3), {values}"
    return metadata.FileDescription(
        name=f"tfstyle {pathlib.Path(config.model).stem} {name}",
        text=(
            "Style transfer: encode_style computes the code of a painting once, transfer paints "
            f"photographs with it. Codes are those of {model.code_identity()}."
        ),
        version=tfstyle.__version__ if ours else "",
        author="The tfstyle authors" if ours else "",
        license="Apache-2.0" if ours else "",
        tensors={
            "content": f"The photograph: {picture}.",
            "style": f"The painting: {picture}.",
            "style_index": "Index (1,) of the style among the model's names, int32.",
            **{f"code_{key}": f"The style code's {key}." for key in signatures.code},
            **{
                f"summary_{key}": f"The whole photograph's {key}, of encode_whole."
                for key in signatures.summary
            },
            "strength": "(1,) float32 from 0, the photograph, to 1, the full style.",
            "stylized": f"The painted photograph: {picture}.",
        },
    )
