"""The functions of a model that are exported, as TensorFlow signatures.

encode_style    style                                → code_*      once for each painting
encode_index    style_index                          → code_*      of a model with named styles
transfer        content, code_*, strength            → stylized    for each photo
stylize         content, style or its index, strength → stylized   both in one
encode_whole    content, code_*, strength            → summary_*   once for a large photo
transfer_tile   content, code_*, strength, summary_* → stylized    for each part of it

`code_*` and `summary_*` stand for the arrays of the model's style code and of its summary of a
photo, each under its own name: `code_statistics`. A model has the functions that its capabilities
allow. Runtimes that know no signatures take the first by name, which is `encode_…` and `transfer`.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfstyle.models import StyleTransferModel
from tfstyle.models.capabilities import NamedStyles, StylePictures, Tileable
from tfstyle.models.exported import CODE, ENCODE_STYLE, TRANSFER, flatten, unflatten

ENCODE_INDEX = "encode_index"
STYLIZE, ENCODE_WHOLE, TRANSFER_TILE = "stylize", "encode_whole", "transfer_tile"
SUMMARY = "summary"  # before the names of its arrays, as `CODE`
PICTURES = ("content", "style", "stylized")
DTYPES = ("float32", "uint8")
Size = tuple[int | None, int | None]  # height and width in pixels; None where they are free
FREE: Size = (None, None)


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function by the names of its inputs and outputs.

    Attributes:
        name: of the function.
        inputs: pictures are called `content` and `style`.
        outputs: of a code, of a summary, or `stylized` alone.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class ArraySpec:
    """An array of a code or a summary.

    Attributes:
        shape: without the batch; None where it depends on the picture's size.
        dtype: its name.
    """

    shape: tuple[int | None, ...]
    dtype: str


class Signatures:
    """The functions of one model.

    Args:
        model: to export.
        style_size: of paintings, if fixed.

    Attributes:
        code: its arrays, by name.
        summary: likewise; empty for a model that does not paint in tiles.
        by_name: `Signature`s.
    """

    def __init__(self, model: StyleTransferModel, style_size: Size = FREE):
        self.model = model
        self.code = _specs([_code(model, size) for size in _sizes(model, style_size)])
        self.summary = {}
        if isinstance(model, Tileable):
            found = []
            for size in _sizes(model, FREE):
                content, code = np.zeros((1, *size, 3), np.float32), _code(model, size)
                found.append(model.summarize([content], [1.0], code))
            self.summary = _specs(found)
        self.by_name = {one.name: one for one in self._make()}

    def _make(self):
        code, summary = tuple(flatten(CODE, self.code)), tuple(flatten(SUMMARY, self.summary))
        source = "style" if isinstance(self.model, StylePictures) else "style_index"
        name = ENCODE_STYLE if source == "style" else ENCODE_INDEX
        if code:
            yield Signature(STYLIZE, ("content", source, "strength"), ("stylized",))
            yield Signature(name, (source,), code)
        yield Signature(TRANSFER, ("content", *code, "strength"), ("stylized",))
        if summary:
            yield Signature(ENCODE_WHOLE, ("content", *code, "strength"), summary)
        if isinstance(self.model, Tileable):
            yield Signature(TRANSFER_TILE, ("content", *code, "strength", *summary), ("stylized",))

    @property
    def encoder(self) -> Signature | None:
        """The signature that computes codes; None if codes are empty."""
        return self.by_name.get(ENCODE_STYLE) or self.by_name.get(ENCODE_INDEX)

    def function(self, name: str, dtype: str) -> Callable[..., dict[str, tf.Tensor]]:
        """The function of tensors by name, to tensors by name.

        Args:
            name: of the signature.
            dtype: "float32" for pictures in [0, 1] or "uint8" for 0 to 255; codes and strength, in
                [0, 1], have types of their own.
        """
        model = self.model

        def picture(tensor):
            return tensor if dtype == "float32" else tf.cast(tensor, tf.float32) * (1.0 / 255.0)

        def call(**inputs):
            inputs = {k: picture(v) if k in PICTURES else v for k, v in inputs.items()}
            if name in (ENCODE_STYLE, ENCODE_INDEX):
                return flatten(CODE, model.encode(inputs))
            content, strength = inputs["content"], inputs["strength"]
            code = model.encode(inputs) if name == STYLIZE else unflatten(CODE, inputs)
            if name == ENCODE_WHOLE:
                return flatten(SUMMARY, model.summarize([content], [1.0], code, strength))
            if name == TRANSFER_TILE:
                summary = unflatten(SUMMARY, inputs)
                stylized = model.stylize_tile(content, code, strength, summary)
            else:
                stylized = model.stylize(content, code, strength)
            if dtype == "uint8":
                stylized = tf.cast(stylized * 255.0 + 0.5, tf.uint8)
            return {"stylized": stylized}

        return call

    def compiled(
        self,
        name: str,
        dtype: str,
        sizes: Mapping[str, Size] | None = None,
        batch: int | None = None,
    ) -> tf.types.experimental.PolymorphicFunction:
        """`function`, compiled for the shapes and types of its inputs.

        Args:
            name: of the signature.
            dtype: of pictures.
            sizes: height and width of pictures by name; free if missing.
            batch: None for any; then one code may serve all contents.
        """
        inputs = self.by_name[name].inputs
        specs = [self.input_spec(one, dtype, sizes or {}, batch) for one in inputs]
        function = self.function(name, dtype)
        return tf.function(
            lambda *values: function(**dict(zip(inputs, values, strict=True))),
            input_signature=specs,
            autograph=False,
        )

    def input_spec(
        self, name: str, dtype: str, sizes: Mapping[str, Size], batch: int | None
    ) -> tf.TensorSpec:
        """Shape and type of an input; arguments as in `compiled`."""
        if name == "strength":
            return tf.TensorSpec((batch,), name=name)
        if name == "style_index":
            return tf.TensorSpec((batch,), tf.int32, name=name)
        if name in PICTURES:
            height, width = sizes.get(name, FREE)
            return tf.TensorSpec((batch, height, width, 3), dtype, name=name)
        arrays = {**flatten(CODE, self.code), **flatten(SUMMARY, self.summary)}
        return tf.TensorSpec((batch, *arrays[name].shape), arrays[name].dtype, name=name)


def style_inputs(
    model: StyleTransferModel, picture: np.ndarray, numbers: Sequence[int]
) -> dict[str, np.ndarray]:
    """A style in both forms, of which a model reads one: a picture, and indices.

    Args:
        model: to export.
        picture: `(batch, h, w, 3)`.
        numbers: of any size, from which the indices of a model with named styles are made.
    """
    count = len(model.style_names) if isinstance(model, NamedStyles) else 1
    return {"style": picture, "style_index": np.array(numbers, np.int32) % count}


def _sizes(model, size) -> list[tuple[int, int]]:
    """Two sizes that differ in both sides, or the fixed one."""
    height, width = size
    least = model.min_size
    return [(height, width)] if height and width else [(2 * least, 3 * least), (4 * least,) * 2]


def _code(model, size):
    return model.encode(style_inputs(model, np.zeros((1, *size, 3), np.float32), [0]))


def _specs(found: Sequence[Mapping[str, Any]]) -> dict[str, ArraySpec]:
    """Specs common to these structures, one for each size of the picture."""
    specs = {}
    for name in found[0]:
        shapes = [np.shape(one[name])[1:] for one in found]
        shape = tuple(
            lengths[0] if len(set(lengths)) == 1 else None for lengths in zip(*shapes, strict=True)
        )
        specs[name] = ArraySpec(shape, np.asarray(found[0][name]).dtype.name)
    return specs
