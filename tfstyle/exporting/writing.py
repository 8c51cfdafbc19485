"""All TFLite files of an export, each converted, described, compared and timed."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from absl import logging

import tfstyle
from tfstyle import models, weights
from tfstyle.config import TFLiteCommand
from tfstyle.config.export import precisions, sizes
from tfstyle.evaluation.features import load_features
from tfstyle.exporting import checking, golden, litert, metadata, report, tflite
from tfstyle.exporting.signatures import (
    ENCODE_STYLE,
    ENCODE_WHOLE,
    STYLIZE,
    TRANSFER,
    TRANSFER_TILE,
)

ROUNDS = 20  # timings of each function
THREADS = (1, 2)
# Of the others, `min_psnr`. Rounding to bytes leaves 59.
_LEAST_PSNR = {"float32": 55.0, "float16": 45.0}
_FILES = {
    "encode_style": "style_encoder.tflite",
    "transfer": "transfer.tflite",
    "stylize": "stylize.tflite",
}


@dataclasses.dataclass(frozen=True)
class Found:
    """What is known of the files.

    Attributes:
        rows: of each signature.
        pairs: by precision, of style encoder and first transfer signature together.
        model_itself: the Keras model's distances at the first size.
    """

    rows: Sequence[report.Row]
    pairs: Mapping[str, checking.Likeness]
    model_itself: checking.Likeness


def write_files(
    model: models.StyleTransferModel,
    config: TFLiteCommand,
    samples: Sequence[Mapping[str, np.ndarray]],
    contents: Sequence[pathlib.Path],
    styles: Sequence[pathlib.Path],
    folder: pathlib.Path,
) -> Found:
    """Writes a folder for each precision.

    Args:
        model: to export, without what only training needs.
        config: which files.
        samples: for int8, of `tflite.read_samples`.
        contents: pictures to compare the files with the model on.
        styles: likewise.
        folder: that exists.
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
        (as_parts, size): checking.Check(model, pictures, size, style_size, features, as_parts)
        for as_parts, its_sizes in (
            (False, [*content_sizes, *([style_size] if tile_sizes else [])]),
            (True, tile_sizes),
        )
        for size in dict.fromkeys(its_sizes)
    }
    whole = checks[False, content_sizes[0]]
    signatures = [ENCODE_STYLE, TRANSFER, *([STYLIZE] if config.single_file else [])]
    rows, likenesses = [], {}
    for precision in precisions(config.precision):
        (folder / precision).mkdir()
        networks = {}
        for signature in signatures:
            name = f"{precision}/{_FILES[signature.name]}"
            logging.info("Converting %s.", name)
            entries = tflite.entries_of(signature, content_sizes, style_size)
            if signature is ENCODE_STYLE and tile_sizes:
                entries += tflite.entries_of(ENCODE_WHOLE, [style_size], style_size)
            if signature is TRANSFER and tile_sizes:
                entries += tflite.entries_of(TRANSFER_TILE, tile_sizes, style_size)
            data = tflite.convert(model, entries, precision, dtype, samples)
            data = metadata.with_metadata(data, _description(model, config, name, dtype))
            (folder / name).write_bytes(data)
            by_threads = {n: litert.Network(data, n, name) for n in THREADS}
            networks[signature.name] = (by_threads[THREADS[-1]], entries[0])
            least = _LEAST_PSNR.get(precision, config.min_psnr)
            for entry in entries:
                as_parts = entry.signature is TRANSFER_TILE
                check = checks[as_parts, entry.sizes.get("content", content_sizes[0])]
                rows.append(_measure(name, data, entry, by_threads, check, dtype, least))
        pair = checking.Pair(networks["encode_style"], networks["transfer"], dtype)
        likenesses[precision] = whole.likeness_of_pair(pair)
        golden.write_golden(folder / precision / "golden", pair, *whole.example())
    return Found(rows, likenesses, whole.model_itself)


def _measure(name, data, entry, by_threads, check, dtype, least_psnr):
    inputs = by_threads[1].random_inputs(entry.key, checking.FREE_SIDE)
    is_first = entry.key == by_threads[1].signatures[0]
    runs = {n: functools.partial(one.run, entry.key, inputs) for n, one in by_threads.items()}
    seconds = litert.median_seconds(runs, ROUNDS)
    return report.Row(
        file=name,
        key=entry.key,
        size=len(data),
        operations=by_threads[1].operations() if is_first else None,
        gpu_problems=litert.gpu_problems(data),
        milliseconds={n: 1000.0 * one for n, one in seconds.items()},
        likeness=check.likeness(by_threads[THREADS[-1]], entry, dtype),
        least_psnr=least_psnr,
    )


def _description(model, config, name, dtype):
    values = "float32 from 0 to 1" if dtype == "float32" else "bytes from 0 to 255"
    ours = config.model in weights.PACKAGED_MODELS
    picture = f"RGB picture (1, height, width, 3), {values}"
    return metadata.Description(
        name=f"tfstyle {pathlib.Path(config.model).stem} {name}",
        text=(
            "Arbitrary style transfer: encode_style computes the code of a painting once, transfer "
            f"paints photographs with it. Codes are those of {model.code_identity()}."
        ),
        version=tfstyle.__version__ if ours else "",
        author="The tfstyle authors" if ours else "",
        license="Apache-2.0" if ours else "",
        tensors={
            "content": f"The photograph: {picture}.",
            "style": f"The painting: {picture}.",
            "code": "The painting's style code (1, n), float32; weighted means of codes are codes.",
            "content_code": "The whole photograph's code (1, n), float32, of encode_whole.",
            "strength": "(1,) float32 from 0, the photograph, to 1, the full style.",
            "stylized": f"The painted photograph: {picture}.",
        },
    )
