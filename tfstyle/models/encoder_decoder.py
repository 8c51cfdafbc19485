"""Bases of the models with a frozen encoder, and of those of them with a trained decoder."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tfstyle import encoders, layers, losses
from tfstyle.models.base import StyleTransferModel
from tfstyle.models.capabilities import (
    Growable,
    MixableCodes,
    Pretrainable,
    StylePictures,
    Tileable,
)

_LARGE_FEATURES = 4.0  # root mean square


class FrozenEncoderModel(StyleTransferModel, StylePictures):
    """Base of the models that read pictures by a frozen encoder.

    A subclass has `TAPS`, the features that it and its training need, besides the methods of
    `StyleTransferModel`.

    Args:
        encoder: `encoders.VGG19`.
        margin: pixels of reflection around a picture, which keep zero padding outside of it.
        stride: pixels under one position of the deepest features; sides are padded to multiples of
            it.
    """

    TAPS: tuple[str, ...] = ()

    def __init__(self, encoder, margin, stride, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(margin, int) or margin < 0 or margin % stride:
            raise ValueError(
                f"`margin` must be a multiple of {stride}, at least 0. Received: margin={margin}"
            )
        self.encoder = encoder
        self.margin = margin
        self.padding = layers.ReflectionPadding2D(margin, stride, dtype="float32")
        self.min_size = max(margin + stride, encoders.STRIDE)  # for the reflection and the encoder

    @classmethod
    def create(cls, encoder="auto", vgg_weights="", dtype=None, **arguments):
        """A model whose encoder alone has trained weights.

        Args:
            encoder: "lite", "vgg19" or "auto".
            vgg_weights: as in `weight_files.encoder_path`.
            dtype: Keras dtype policy.
            **arguments: of `on_encoder`.
        """
        trunk = encoders.load_encoder(
            encoder, cls.TAPS, heads=False, vgg_weights=vgg_weights, dtype=dtype
        )
        return cls.on_encoder(trunk, dtype=dtype, **arguments)

    @classmethod
    def on_encoder(cls, encoder, **arguments):
        """A model whose encoder alone has trained weights.

        Args:
            encoder: of the class, built.
            **arguments: others of the class.
        """
        model = cls(encoder, **arguments)
        model.build()
        return model

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "margin": self.margin,
        }


class EncoderDecoderModel(FrozenEncoderModel, MixableCodes, Tileable, Pretrainable, Growable):
    """Base of the models with a frozen encoder, a trained decoder, and statistics as codes.

    A subclass has `_reconstruct`, besides the methods of `FrozenEncoderModel`.

    Args:
        encoder: `encoders.VGG19`.
        decoder: Keras model.
        margin: of `FrozenEncoderModel`.
        stride: likewise.
    """

    # Pixels; a test measures 89 for VGG-19 to relu4_1 and a decoder that mirrors it.
    receptive_field = 7 * encoders.STRIDE
    tile_stride = encoders.STRIDE

    def __init__(self, encoder, decoder, margin, stride, **kwargs):
        super().__init__(encoder, margin, stride, **kwargs)
        self.decoder = decoder

    def build(self, input_shape=None):
        if not self.encoder.built:
            self.encoder.build((None, None, None, 3))
        if not self.decoder.built:
            self.decoder.build(None)
        self.encoder.freeze()
        self.built = True

    def start_from(self, trained):
        if type(trained) is not type(self):
            raise ValueError(
                f"`trained` must be of the class {type(self).__name__}. Received: trained="
                f"{type(trained).__name__}"
            )
        check_same_encoder(self.encoder, trained.encoder)
        own, others = ([tuple(w.shape) for w in one.decoder.weights] for one in (self, trained))
        if own != others:
            raise ValueError(
                "`trained` must have a decoder of the same sizes. Received: one of "
                f"{trained.decoder.count_params()} parameters, this having "
                f"{self.decoder.count_params()}"
            )
        self.decoder.set_weights(trained.decoder.get_weights())

    def frozen_identity(self):
        return self.code_identity()  # of the encoder, which is what is frozen

    def stylize(self, content, code, strength=1.0):
        return self._stylize(content, code, strength)

    def stylize_tile(self, tile, code, strength, summary):
        return self._stylize(tile, code, strength, summary)

    def _stylize(self, content, code, strength, summary=None):
        """As `stylize`; with a summary as `stylize_tile`."""
        raise NotImplementedError

    def _reconstruct(self, content):
        """The decoder's reconstruction from the content's features, without any style."""
        raise NotImplementedError

    def reconstruction_terms(self, content):
        image = self._reconstruct(content)
        error = losses.ContentLoss()
        terms = {"pixels": error(content, image)}
        targets = self.encoder(content)
        for name, features in self.encoder(image).items():
            terms[f"content/{name}"] = error(targets[name], features)
        return {**terms, "total": sum(terms.values())}

    def get_config(self):
        return {
            **super().get_config(),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
        }


def check_same_encoder(encoder: encoders.VGG19, trained: encoders.VGG19) -> None:
    """Raises ValueError unless two encoders are the same, but for the rounding of packed files."""
    own, other = (one.get_weights() for one in (encoder, trained))
    same = encoder.taps == trained.taps and [w.shape for w in own] == [w.shape for w in other]
    if not same or not all(map(functools.partial(np.allclose, rtol=1e-3, atol=1e-6), own, other)):
        raise ValueError(
            f"`trained` must have the same encoder. Received: one of the widths {trained.widths} "
            f"and taps {trained.taps}, this being of {encoder.widths} and {encoder.taps}"
        )


def adain_divisor(scale: float) -> float:
    """`layers.AdaIN`'s `divisor` for features of a root mean square.

    VGG-19's are divided, since half precision cannot hold their squares; lite's are of about 1.
    """
    return scale if scale > _LARGE_FEATURES else 1.0


def normalized(adain: layers.AdaIN, features: Any, code: Any = None) -> Any:
    """Features of mean 0 and variance 1 in each channel, by `adain`.

    Args:
        adain: whose `divisor` suits the features.
        features: `(batch, h, w, c)`.
        code: `(batch or 1, 2·c)`, statistics to use instead of the features' own.
    """
    code = adain.encode(features) if code is None else ops.convert_to_tensor(code)
    means, deviations = ops.split(code, 2, axis=-1)
    unit = ops.concatenate([ops.zeros_like(means), ops.ones_like(deviations)], axis=-1)
    return adain(features, unit, code)


def pooled(
    pool: Callable[[Any, Sequence[float]], Any], statistics: Sequence[Any], areas: Sequence[float]
) -> Any:
    """Statistics of a whole from those of its parts; those of a single part are returned unchanged.

    Args:
        pool: function of `(k, n)` statistics and k areas.
        statistics: list of `(1, n)`, or of one `(batch, n)`.
        areas: of the parts.
    """
    if len(statistics) == 1:
        return statistics[0]
    return pool(ops.concatenate(statistics, axis=0), areas)
