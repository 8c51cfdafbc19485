"""Base of the models that paint by an image transformation network."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tfstyle import encoders, losses
from tfstyle.models.base import StyleTransferModel, faded
from tfstyle.models.capabilities import Tileable
from tfstyle.models.guidance import PERIOD
from tfstyle.models.transform_network import STRIDE, Middle, TransformNetwork, join, split

CONTENT_LAYERS = ("relu3_1", "relu4_1")
STYLE_LAYERS = encoders.HEAD_LAYERS
GRID_WEIGHT = 300.0  # of the pattern that is locked to the network's grid


class TransformModel(StyleTransferModel, Tileable):
    """Base of the models that paint by a `TransformNetwork`, whole or in tiles.

    A subclass has `_affine` and, if it has normalizations of its own, `_middle` and `_channels`.

    Moments at a depth depend on those at all depths before it, so the parts of a photo go through
    the network together, depth by depth (`TransformNetwork.measure`). All tiles are painted with
    the same moments, so there are no seams; and colours differ from those of the photo in one piece
    only because features at the borders of the parts do: by 0.4 of 255 levels on average, for a
    photo of 512 × 384 pixels in parts of 128 and a trained `johnson`. With pooled moments of parts
    that are normalized by their own, it would be 20 levels.

    Args:
        encoder: `encoders.VGG19` with the taps `STYLE_LAYERS`, frozen, for the losses; a model that
            is not trained any more may have another one, or None.
        widths: of `TransformNetwork`.
        blocks: likewise.
        kernel: likewise.
        margin: likewise.
        noise: likewise; tiles start at multiples of its period.
    """

    STYLE_LOSS = "gram:0.5,mean_std:0.5"
    PREFERRED_ENCODER = "lite"

    def __init__(self, encoder, widths, blocks, kernel, margin, noise=0, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.widths = tuple(widths)
        self.blocks = blocks
        self.kernel = kernel
        self.margin = margin
        self.noise = noise
        self.tile_stride = PERIOD if noise else STRIDE
        self.network = TransformNetwork(
            self.widths, blocks, kernel, margin, noise, dtype=self.dtype_policy, name="network"
        )
        self.min_size = max(margin + STRIDE, encoders.STRIDE)
        weight = self.style_weight / len(STYLE_LAYERS)
        # Of normalized channels: contrast is the style's, and to lose the photo costs more than by
        # relative errors, which are 1 for no features at all.
        content, share = losses.ContentLoss("normalized"), 1.0 / len(CONTENT_LAYERS)
        self._loss = losses.PerceptualLoss(
            {name: (content, share * self.content_weight) for name in CONTENT_LAYERS},
            {name: self.make_style_losses(weight) for name in STYLE_LAYERS},
            self.tv_weight,
        )
        self._grid = losses.GridLoss(STRIDE)

    @classmethod
    def create(cls, encoder="auto", vgg_weights="", dtype=None, **arguments):
        """An untrained model; see `models.create_model`."""
        trunk = encoders.load_encoder(
            encoder, STYLE_LAYERS, heads=False, vgg_weights=vgg_weights, dtype=dtype
        )
        model = cls(trunk, dtype=dtype, **arguments)
        model.build()
        return model

    @property
    def receptive_field(self):  # type: ignore[override]  # depends on the network's sizes
        """Pixels to each side of a painted pixel that it may depend on."""
        return self.network.receptive_field

    def _terms(self, targets, image):
        """The loss's terms for a painted picture."""
        terms = self._loss(targets, self.encoder(image), image)
        terms["grid"] = GRID_WEIGHT * self._grid(image, image)
        terms["total"] = terms["total"] + terms["grid"]
        return terms

    def _affine(self, code) -> dict[str, Any]:
        """Shifts and scales of all normalizations for a code."""
        raise NotImplementedError

    def _middle(self, code, strength) -> Middle | None:
        """The function between the network's halves."""
        return None

    @property
    def _channels(self) -> dict[str, int]:
        """Channels of all normalizations."""
        return self.network.normalized

    def stylize(self, content, code, strength=1.0):
        return self._painted(content, code, strength)

    def summarize(self, parts, areas, code, strength=1.0):
        return {"moments": self._measure(parts, areas, code, strength)}

    def stylize_tile(self, tile, code, strength, summary):
        return self._painted(tile, code, strength, summary["moments"])

    def _measure(self, parts: Sequence[Any], areas: Sequence[float], code: Any, strength: Any):
        """`(batch, 2·sum of c)` moments of a photo from its parts."""
        affine, middle = self._affine(code), self._middle(code, strength)
        moments = self.network.measure(parts, areas, affine, middle)
        return join({name: moments[name] for name in self._channels})

    def _painted(self, content, code, strength, moments=None):
        """As `stylize`, with moments from `_measure` or the content's own."""
        if moments is not None:
            moments = split(ops.convert_to_tensor(moments), self._channels)
        affine, middle = self._affine(code), self._middle(code, strength)
        image = self.network(content, affine, moments, middle=middle)
        return faded(content, image, strength)

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": self.encoder and keras.saving.serialize_keras_object(self.encoder),
            "widths": self.widths,
            "blocks": self.blocks,
            "kernel": self.kernel,
            "margin": self.margin,
            "noise": self.noise,
        }
