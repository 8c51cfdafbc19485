"""The objective of a render: the perceptual loss as a function of one flat vector.

The vector is not the picture itself but a change to the start image, passed through a fixed filter
that amplifies coarse and grey changes over fine and coloured ones, like the spectra of natural
pictures. The minimum is the same, but L-BFGS converges faster, and its iterates, at which a render
stops, have far less speckle.
After the decorrelated Fourier parametrization of Olah et al., "Feature Visualization", Distill
2017, and Mordvintsev et al., "Differentiable Image Parameterizations", Distill 2018.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfstyle import losses
from tfstyle.config import CONTENT_LOSSES, WRAP_AXES, OptimizeConfig, parse_weights
from tfstyle.encoders.layer_names import parse_layers, stride_of
from tfstyle.optimization.brushes import BRUSHES

# Amplitude falls with frequency to this power in natural pictures (Field 1987).
SPECTRUM_EXPONENT = 0.75
LOWEST_FREQUENCY = 1 / 32  # cycles per pixel; the gain is constant below it
UNIT_FREQUENCY = 1 / 4  # cycles per pixel, where the gain is 1
CHROMA_GAIN = 0.5  # of colour changes relative to grey ones
WRAP_MARGIN = 64  # pixels, a multiple of all strides, beyond edges that meet


@dataclasses.dataclass(frozen=True)
class Balance:
    """Factors on the weights of a config, so that equal weights look alike with any encoder.

    Attributes:
        content: on the content weight.
        style: on the style weight.
        layers: on the weights of style layers by name, where it is not 1.
    """

    content: float = 1.0
    style: float = 1.0
    layers: Mapping[str, float] = dataclasses.field(default_factory=dict)


# With lite's weights, VGG-19 copies whole objects of the painting into the picture. Tuned by eye,
# and confirmed in a blind comparison.
BALANCES = {
    "lite": Balance(),
    "vgg19": Balance(content=1.4, style=0.5, layers={"relu5_1": 0.25}),
}


class Objective:
    """The perceptual loss of a flat vector, and its gradient.

    Targets are variables of any size, so one compiled function serves every scale.

    Args:
        encoder: an `encoders.VGG19` with the taps that `loss` reads.
        loss: a `losses.PerceptualLoss`.
        wrap: of `OptimizeConfig`: the picture's opposite edges that meet.
    """

    def __init__(self, encoder, loss, wrap="none"):
        self.encoder = encoder
        self.loss = loss
        self._axes = WRAP_AXES[wrap]
        self._start = tf.Variable(tf.zeros([1, 0, 0, 3]), shape=tf.TensorShape([1, None, None, 3]))
        self._gain = tf.Variable(tf.zeros([0, 0]), shape=tf.TensorShape([None, None]))
        self._targets: Any = None
        self._factors = {layer: tf.Variable(1.0) for layer in (loss.style if loss else ())}
        self._terms = tf.Variable(tf.zeros([0]), shape=tf.TensorShape([None]))
        self._names: list[str] = []
        image = tf.TensorSpec([None, None, None, 3], tf.float32)
        self._encode = tf.function(encoder, input_signature=[image], autograph=False)
        self._encode_content = self._encode
        if self._axes:
            self._encode_content = tf.function(
                self._features, input_signature=[image], autograph=False
            )
        self._compiled_picture = tf.function(
            self._picture, input_signature=[tf.TensorSpec([None], tf.float32)], autograph=False
        )

    def set_targets(self, content, styles, style_weights):
        """Computes the targets of the loss.

        Args:
            content: `(1, h, w, 3)` picture in [0, 1].
            styles: sequence of `(1, h_i, w_i, 3)` pictures.
            style_weights: their shares, of sum 1.
        """
        self.set_content(content, self.style_targets(styles, style_weights))

    def style_targets(self, styles, style_weights, guides=None):
        """The targets of style images.

        Args:
            styles: as of `set_targets`.
            style_weights: likewise; with guides the shares of each region.
            guides: of `PerceptualLoss.region_targets`, or None for no regions.
        """
        features = [self._encode(tf.constant(style)) for style in styles]
        if guides is None:
            return self.loss.style_targets(features, style_weights)
        return self.loss.region_targets(features, style_weights, guides)

    def set_content(self, content, style_targets, guides=None, warped=None):
        """Computes the targets of the content, and sets them and those of `style_targets`.

        Args:
            content: as of `set_targets`.
            style_targets: of the method `style_targets`.
            guides: `losses.Guides` of the picture's regions, if the style targets are of regions.
                An objective has always the same number of regions, or never any.
            warped: `warped.Warped` for the temporal term; None if there is no earlier frame.
        """
        content = tf.constant(content)
        targets = self.loss.targets(
            self._encode_content(content), [], photo=self._continued(content, 0, 1)
        )
        targets["style"] = style_targets
        if guides is not None:
            targets["guides"] = keras.tree.map_structure(tf.convert_to_tensor, guides)
        if self.loss.temporal:
            unknown = content, tf.zeros_like(content[..., :1])
            targets["temporal"] = (warped.image, warped.weights) if warped else unknown
        self._assign(targets)

    def set_start(self, image):
        """Prepares for vectors of pictures like `image`, `(1, h, w, 3)` of any range.

        Returns: the `(h·w·3,)` vector that represents it, here zero.
        """
        self._start.assign(image)
        self._gain.assign(spectral_gain(*image.shape[1:3]))
        return np.zeros(image.size, np.float32)

    def set_factors(self, factors):
        """Sets factors on the weights of the style layers, by layer; they are 1 at first."""
        for layer, factor in factors.items():
            self._factors[layer].assign(factor)

    def share(self, other):
        """Takes start, targets and factors of another objective with the same loss."""
        self.set_factors(other._factors)
        self.set_start(other._start.numpy())
        self._assign(keras.tree.map_structure(tf.convert_to_tensor, other._targets))

    def _assign(self, targets):
        if self._targets is None:
            self._targets = keras.tree.map_structure(_flexible_variable, targets)
        else:
            keras.tree.map_structure(lambda v, t: v.assign(t), self._targets, targets)

    def picture(self, vector):
        """`(1, h, w, 3)` float32 array that an `(h·w·3,)` vector represents, not clipped."""
        return self._compiled_picture(vector).numpy()

    def _picture(self, vector):
        start = self._start.read_value()
        return start + self._filter(tf.reshape(vector, tf.shape(start)))

    def value_and_gradient(self, vector):
        """Total loss, a scalar, and its gradient, `(n,)`, at an `(n,)` vector; to be compiled."""
        image = self._picture(vector)
        targets = keras.tree.map_structure(
            tf.convert_to_tensor, {**self._targets, "factors": self._factors}
        )
        with tf.GradientTape() as tape:
            tape.watch(image)
            terms = self.loss(targets, self._features(image), self._continued(image, 0, 1))
        self._names = list(terms)
        self._terms.assign(tf.stack(list(terms.values())))
        gradient = self._pull_back(tape.gradient(terms["total"], image))
        return terms["total"], tf.reshape(gradient, [-1])

    def _features(self, image):
        """The encoder's features of a picture that continues at its opposite edges if they meet."""
        if not self._axes:
            return self.encoder(image)
        features = {}
        for name, found in self.encoder(self._continued(image, WRAP_MARGIN, WRAP_MARGIN)).items():
            for axis in self._axes:
                start, length = (
                    side // stride_of(name) for side in (WRAP_MARGIN, tf.shape(image)[axis])
                )
                found = tf.gather(found, start + tf.range(length), axis=axis)
            features[name] = found
        return features

    def _continued(self, image, before, after):
        for axis in self._axes:
            length = tf.shape(image)[axis]
            image = tf.gather(image, tf.range(-before, length + after) % length, axis=axis)
        return image

    def _pull_back(self, gradient):
        """The adjoint of `_picture`'s linear part; the filter is self-adjoint."""
        return self._filter(gradient)

    def _filter(self, image):
        """`(1, h, w, 3)` with frequencies and colour axes scaled; linear and symmetric."""
        grey = tf.reduce_mean(image, axis=-1, keepdims=True)
        mixed = grey + CHROMA_GAIN * (image - grey)
        spectrum = tf.signal.rfft2d(tf.transpose(mixed[0], [2, 0, 1]))
        filtered = tf.signal.irfft2d(
            spectrum * tf.cast(self._gain.read_value(), tf.complex64),
            fft_length=tf.shape(image)[1:3],
        )
        return tf.transpose(filtered, [1, 2, 0])[None]

    @property
    def terms(self):
        """Weighted losses by name at the last evaluation, and their `total`."""
        return dict(zip(self._names, self._terms.numpy().tolist(), strict=True))


def make_loss(
    config: OptimizeConfig, encoder_name: str, temporal_weight: float = 0.0
) -> losses.PerceptualLoss:
    """The loss that a config describes; layer weights are normalized to sum 1.

    Args:
        config: of the render.
        encoder_name: "lite" or "vgg19".
        temporal_weight: of the difference to earlier frames.
    Raises: InputError for a layer that the encoder lacks.
    """
    content = parse_layers("content_layers", config.content_layers, encoder_name)
    style = parse_layers("style_layers", config.named_style_layers, encoder_name)
    balance, brush = BALANCES[encoder_name], BRUSHES[config.brush]
    style = {
        layer: balance.layers.get(layer, 1.0) * brush.layer_factor(layer) * weight
        for layer, weight in style.items()
    }
    content_share = balance.content * config.content_weight / sum(content.values())
    style_share = balance.style * config.style_weight / sum(style.values())
    terms: dict = {"content": {}}
    shares = parse_weights("content_loss", config.content_loss, CONTENT_LOSSES)
    for name, share in shares.items():
        weights = {layer: share * content_share * weight for layer, weight in content.items()}
        if name == "laplacian":  # of the picture, not of a layer
            terms["laplacian"] = losses.LaplacianLoss(), sum(weights.values())
            continue
        similar = name == "self_similarity"
        loss = losses.SelfSimilarityLoss() if similar else losses.ContentLoss(name)
        terms["structure" if similar else "content"] = {
            layer: (loss, weight) for layer, weight in weights.items()
        }
    return losses.PerceptualLoss(
        style={
            layer: losses.weighted_style_losses(
                config.style_loss, style_share * weight, config.seed
            )
            for layer, weight in style.items()
        },
        tv_weight=config.tv_weight,
        temporal=(losses.TemporalLoss(), temporal_weight) if temporal_weight else None,
        **terms,
    )


def spectral_gain(height: int, width: int) -> np.ndarray:
    """`(height, width // 2 + 1)` float32 factors of the frequencies that `rfft2d` returns."""
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    frequency = np.maximum(np.hypot(rows, columns), LOWEST_FREQUENCY)
    return ((UNIT_FREQUENCY / frequency) ** SPECTRUM_EXPONENT).astype(np.float32)


def _flexible_variable(tensor):
    """A variable that holds `tensor` and may hold one of any height and width later."""
    shape = [1, None, None, tensor.shape[-1]] if len(tensor.shape) == 4 else tensor.shape
    return tf.Variable(tensor, shape=tf.TensorShape(shape), trainable=False)
