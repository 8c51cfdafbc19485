"""The encoders' layers by the papers' names, such as `relu4_2`.

Loads neither Keras nor TensorFlow, so that errors are reported before they load.
"""

from tfstyle.config import parse_weights
from tfstyle.errors import InputError

BLOCKS = (2, 2, 4, 4, 4)  # convolutions in each block, Simonyan and Zisserman 2015, configuration E
LAYERS = tuple(f"relu{b}_{k}" for b, n in enumerate(BLOCKS, 1) for k in range(1, n + 1))
HEAD_LAYERS = tuple(f"relu{b}_1" for b in range(1, 6))
TRUNK_LAYERS = LAYERS[: 1 + LAYERS.index(HEAD_LAYERS[-1])]  # of lite, which ends at relu5_1


def block_of(layer: str) -> int:
    """The number, from 1, of the block that `relu{block}_{convolution}` belongs to."""
    return int(layer.removeprefix("relu").split("_")[0])


def stride_of(layer: str) -> int:
    """Pixels of the picture from one position of a layer's features to the next."""
    return 2 ** (block_of(layer) - 1)


def reach_of(layer: str) -> int:
    """Pixels beyond its own that a position of a layer's features depends on, to each side."""
    return sum(map(stride_of, LAYERS[: 1 + LAYERS.index(layer)]))


def encoder_layers(name: str, heads: bool = False) -> tuple[str, ...]:
    """Names of the features that an encoder has; for "auto", those that any has.

    Args:
        name: "lite", "vgg19" or "auto".
        heads: as in `encoders.load_encoder`.
    """
    if name in ("vgg19", "auto"):
        return LAYERS
    return HEAD_LAYERS if heads else TRUNK_LAYERS


def parse_layers(flag: str, text: str, encoder: str) -> dict[str, float]:
    """Layers of an encoder with their weights, a dict, from a flag's text.

    Args:
        flag: named in errors.
        text: as in `config.parse_weights`.
        encoder: as in `encoder_layers`; losses read its narrow trunk.
    Raises: InputError of `config.parse_weights`, or for a layer that only VGG-19 has.
    """
    layers = parse_weights(flag, text, LAYERS)
    for layer in layers:
        if layer not in encoder_layers(encoder):
            raise InputError(
                f"--{flag}: {encoder}, which this render uses, has no {layer}; with "
                "--encoder=vgg19 it uses vgg19 alone, which has it"
            )
    return layers
