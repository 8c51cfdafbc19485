"""The functions of a model that exported files have, as TensorFlow sees them.

encode_style    style                                   → code       once for each painting
transfer        content, code, strength                 → stylized   for each photo
stylize         content, style, strength                → stylized   both in one
encode_whole    content, code, strength                 → content_code   once for a large photo
transfer_tile   content, content_code, code, strength   → stylized       for each part of it

Runtimes that know no signatures take the first by name, which is `encode_style` and `transfer`.
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tfstyle import models


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function by the names of what goes in and comes out.

    Attributes:
        name: of the function.
        inputs: pictures are called `content` and `style`.
        output: `code`, `content_code` or `stylized`.
    """

    name: str
    inputs: tuple[str, ...]
    output: str


ENCODE_STYLE = Signature("encode_style", ("style",), "code")
TRANSFER = Signature("transfer", ("content", "code", "strength"), "stylized")
ENCODE_WHOLE = Signature("encode_whole", ("content", "code", "strength"), "content_code")
TRANSFER_TILE = Signature(
    "transfer_tile", ("content", "content_code", "code", "strength"), "stylized"
)
STYLIZE = Signature("stylize", ("content", "style", "strength"), "stylized")
SIGNATURES = (STYLIZE, ENCODE_STYLE, TRANSFER, ENCODE_WHOLE, TRANSFER_TILE)
CODES = ("code", "content_code")
PICTURES = ("content", "style", "stylized")
DTYPES = ("float32", "uint8")


def function_of(
    model: models.StyleTransferModel, signature: Signature, dtype: str
) -> Callable[..., dict[str, tf.Tensor]]:
    """The model's function of tensors by name, whose pictures have that type.

    Args:
        model: to export.
        signature: which function.
        dtype: "float32" for pictures in [0, 1] or "uint8" for 0 to 255; codes and strength, in
            [0, 1], are float32.
    Returns: a function to `{output: tensor}`.
    """

    def picture(tensor):
        return tensor if dtype == "float32" else tf.cast(tensor, tf.float32) * (1.0 / 255.0)

    def encode_style(style):
        return {"code": model.encode_style(picture(style))}

    def encode_whole(content, code, strength):
        return {"content_code": model.encode_content(picture(content), code, strength)}

    def paint(content, code, strength, content_code=None):
        stylized = model.stylize(picture(content), code, strength, content_code)
        if dtype == "uint8":
            stylized = tf.cast(stylized * 255.0 + 0.5, tf.uint8)
        return {"stylized": stylized}

    def transfer(content, code, strength):
        return paint(content, code, strength)

    def transfer_tile(content, content_code, code, strength):
        return paint(content, code, strength, content_code)

    def stylize(content, style, strength):
        return paint(content, encode_style(style)["code"], strength)

    functions: dict[str, Callable[..., dict[str, tf.Tensor]]] = {
        "encode_style": encode_style, "transfer": transfer, "stylize": stylize,
        "encode_whole": encode_whole, "transfer_tile": transfer_tile,
    }  # fmt: skip
    return functions[signature.name]


def input_specs(
    model: models.StyleTransferModel,
    signature: Signature,
    dtype: str,
    sizes: dict[str, tuple[int | None, int | None]] | None = None,
    batch: int | None = None,
) -> list[tf.TensorSpec]:
    """Shapes and types of a signature's inputs, in its order.

    Args:
        model: to export.
        signature: which function.
        dtype: of pictures.
        sizes: height and width of pictures by name; those that are missing are free.
        batch: None for any; the code may then be one for all.
    """
    sizes = sizes or {}

    def spec(name):
        if name == "strength":
            return tf.TensorSpec((batch,), name=name)
        if name in CODES:
            return tf.TensorSpec((batch, code_length(model)), name=name)
        height, width = sizes.get(name, (None, None))
        return tf.TensorSpec((batch, height, width, 3), dtype, name=name)

    return [spec(name) for name in signature.inputs]


def noise(model: models.StyleTransferModel, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Contents and styles of noise, float32 in [0, 1], of sides that the model takes."""
    random = np.random.default_rng(0)
    side = max(96, model.min_size)
    content, style = (
        random.uniform(size=(batch, *sides, 3)).astype(np.float32)
        for sides in ((side, side + 32), (side + 32, side))
    )
    return content, style


def code_length(model: models.StyleTransferModel) -> int:
    """Numbers in a style code."""
    side = 2 * model.min_size
    return int(keras.ops.shape(model.encode_style(keras.ops.zeros((1, side, side, 3))))[1])
