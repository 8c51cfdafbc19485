"""Normalization by style.

Statistics are computed in float32 whatever the compute dtype; variances are biased (over h·w).
GPUs of phones compute exported files in half precision, where numbers below 6.1e-5 may become 0,
and those above 65504 infinite. So variances are in the unit `_UNIT`², in which an epsilon of 1e-5
is 1.6e-4.
"""

import keras
from keras import ops

from tfstyle.layers.geometry import per_channel

_UNIT = 0.25
_FLOOR = 1e-4  # of variances, in their unit


class _Normalization(keras.layers.Layer):
    """Features of mean 0 and variance 1 for each image and channel, times a scale, plus a shift."""

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(autocast=False, **kwargs)  # weights and codes stay float32
        if epsilon <= 0:
            raise ValueError(f"`epsilon` must be positive. Received: epsilon={epsilon}")
        self.epsilon = epsilon

    def _add_weights(self, shape):
        self.gamma = self.add_weight(shape, initializer="ones", autocast=False, name="gamma")
        self.beta = self.add_weight(shape, initializer="zeros", autocast=False, name="beta")

    def _mean_and_std(self, features):
        """Means and deviations of channels, `(batch, 1, 1, c)`, in the features' unit.

        Below a deviation of 0.0025, it is proportional to the variance, so that the gradient of a
        constant channel, such as a dead unit's, is 0 instead of NaN.
        """
        mean = ops.mean(features, axis=(1, 2), keepdims=True)
        centred = features - mean
        # A product, not a squared difference, for which LiteRT has no fast kernel in int8.
        variance = ops.mean(centred * centred, axis=(1, 2), keepdims=True) / _UNIT**2
        return mean, variance * ops.rsqrt(ops.maximum(variance, _FLOOR)) * _UNIT

    def _normalize(self, features, moments, scale, shift):
        """Of float32 features; their moments, scale and shift are `(batch, 1, 1, c)`."""
        mean, std = moments
        std = std / _UNIT
        scale = scale * ops.rsqrt(std * std + self.epsilon / _UNIT**2) / _UNIT
        return ops.cast((features - mean) * scale + shift, self.compute_dtype)

    def compute_output_shape(self, input_shape, *_):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="tfstyle")
class AdaIN(_Normalization):
    """Gives content features the channel means and deviations of style features.

    Equation 8 of Huang and Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance
    Normalization", ICCV 2017, https://arxiv.org/abs/1703.06868. Equation 6 adds `epsilon` to both
    variances; the authors' Torch code, followed here, to the content's alone.

    Args:
        epsilon: float > 0. Defaults to 1e-5.
        divisor: float > 0, of features before they are squared, for features much larger than 1;
            `epsilon` is for the quotients.

    Call arguments:
        content: `(batch, h, w, c)` features of any range.
        style: `(batch, h2, w2, c)` features, whose height and width may differ from content's, or
            their code, `(batch, 2·c)`, from `encode`.
        content_code: `(batch or 1, 2·c)`, statistics to use instead of content's own: those of the
            whole picture that it is a part of, or of it without its margin.
    Returns: `(batch, h, w, c)` features in the compute dtype.
    Raises: ValueError if `epsilon` or `divisor` is not positive.
    """

    def __init__(self, epsilon=1e-5, divisor=1.0, **kwargs):
        super().__init__(epsilon=epsilon, **kwargs)
        if divisor <= 0:
            raise ValueError(f"`divisor` must be positive. Received: divisor={divisor}")
        self.divisor = divisor

    def encode(self, style):
        """`(batch, 2·c)` float32 code of `(batch, h, w, c)` features: means, then deviations."""
        moments = ops.concatenate(self._mean_and_std(self._divided(style)), axis=-1)
        code = ops.reshape(moments, (-1, moments.shape[-1]))
        return code if self.divisor == 1.0 else code * self.divisor

    def _divided(self, features):
        features = ops.cast(features, "float32")
        return features if self.divisor == 1.0 else features / self.divisor

    @staticmethod
    def pool(codes, areas):
        """`(1, 2·c)` code of a whole from those of its parts, `(k, 2·c)`.

        Args:
            codes: of `encode`.
            areas: k numbers, the parts' sizes.
        """
        areas = ops.reshape(ops.convert_to_tensor(areas, "float32"), (-1, 1))
        weights = areas / ops.sum(areas)
        means, deviations = ops.split(codes, 2, axis=-1)
        mean = ops.sum(weights * means, axis=0, keepdims=True)
        spread = deviations * deviations + ops.square(means - mean)
        return ops.concatenate(
            [mean, ops.sqrt(ops.sum(weights * spread, axis=0, keepdims=True))], axis=-1
        )

    def call(self, content, style, content_code=None):
        code = style if len(style.shape) == 2 else self.encode(style)
        style_mean, style_std = self._split(code)
        content = self._divided(content)
        if content_code is None:
            own = self._mean_and_std(content)
        else:
            own = self._split(self._divided(content_code))
        return self._normalize(content, own, style_std, style_mean)

    @staticmethod
    def _split(code):
        return ops.split(per_channel(ops.cast(code, "float32")), 2, axis=-1)

    def get_config(self):
        return {**super().get_config(), "divisor": self.divisor}


@keras.saving.register_keras_serializable(package="tfstyle")
class InstanceNormalization(_Normalization):
    """Normalizes each channel of each image, then scales and shifts it by learned `gamma`, `beta`.

    Ulyanov, Vedaldi and Lempitsky, "Instance Normalization: The Missing Ingredient for Fast
    Stylization", 2016, https://arxiv.org/abs/1607.08022.

    Args:
        epsilon: float > 0, added to the variance.

    Call arguments: `(batch, h, w, c)` features.
    Returns: `(batch, h, w, c)` features in the compute dtype.
    Raises: ValueError if `epsilon` is not positive.
    """

    def build(self, input_shape):
        self._add_weights((input_shape[-1],))

    def call(self, features):
        features = ops.cast(features, "float32")
        gamma, beta = per_channel(self.gamma), per_channel(self.beta)
        return self._normalize(features, self._mean_and_std(features), gamma, beta)


@keras.saving.register_keras_serializable(package="tfstyle")
class ConditionalInstanceNormalization(_Normalization):
    """Instance normalization with a learned `gamma` and `beta` for each of several styles.

    Dumoulin, Shlens and Kudlur, "A Learned Representation for Artistic Style", ICLR 2017,
    https://arxiv.org/abs/1610.07629; styles mix as in section 3.3.

    Args:
        styles: int ≥ 1, how many.
        epsilon: float > 0, added to the variance.

    Call arguments:
        features: `(batch, h, w, c)`.
        style: `(batch, styles)` shares of the styles, one-hot for a single one.
    Returns: `(batch, h, w, c)` features in the compute dtype.
    Raises: ValueError if `epsilon` is not positive or `styles` is not.
    """

    def __init__(self, styles, epsilon=1e-5, **kwargs):
        super().__init__(epsilon=epsilon, **kwargs)
        if styles < 1:
            raise ValueError(f"`styles` must be at least 1. Received: styles={styles}")
        self.styles = styles

    def build(self, features_shape, style_shape=None):
        self._add_weights((self.styles, features_shape[-1]))

    def call(self, features, style):
        style = ops.cast(style, "float32")
        features = ops.cast(features, "float32")
        gamma, beta = (per_channel(ops.matmul(style, one)) for one in (self.gamma, self.beta))
        return self._normalize(features, self._mean_and_std(features), gamma, beta)

    def get_config(self):
        return {**super().get_config(), "styles": self.styles}
