"""Summary statistics of feature maps, each a function of `(batch, h, w, c)` features.

All are computed in float32 whatever the features' type, and divided by h·w, so that maps of
different sizes can be compared.
"""

from typing import Any

from keras import ops

Tensor = Any  # of Keras' backend
EPSILON = 1e-5  # of variances
_SUMMED = 4096.0  # largest divisor of sums


def flatten(features: Tensor) -> Tensor:
    """`(batch, h·w, c)` float32 from `(batch, h, w, c)` features."""
    shape = ops.shape(features)
    return ops.cast(ops.reshape(features, (shape[0], shape[1] * shape[2], shape[3])), "float32")


def gram_matrix(features: Tensor) -> Tensor:
    """`(batch, c, c)` mean products of channels, symmetric and positive semi-definite.

    Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016,
    equation 3, divided by h·w.
    """
    return mean_products(flatten(features))


def mean_and_std(features: Tensor, epsilon: float = EPSILON) -> tuple[Tensor, Tensor]:
    """Means and deviations of channels, each `(batch, c)`; the variance is biased.

    `epsilon` is added to the variance, which keeps the gradient of a constant channel finite.
    """
    mean, variance = ops.moments(flatten(features), axes=1)
    return mean, ops.sqrt(variance + epsilon)


def covariance(features: Tensor) -> tuple[Tensor, Tensor]:
    """`(batch, c)` channel means and `(batch, c, c)` biased covariance."""
    flat = flatten(features)
    mean = ops.mean(flat, axis=1)
    return mean, mean_products(flat - ops.expand_dims(mean, 1))


def centered(features: Tensor, center: Tensor | None) -> Tensor:
    """`(batch, h·w, c)` float32, less `(batch or 1, c)` values, if any."""
    flat = flatten(features)
    return flat if center is None else flat - ops.expand_dims(center, 1)


def mean_products(flat: Tensor) -> Tensor:
    """`(batch, c, c)` means of products of the columns of `(batch, n, c)` values.

    Each factor is divided by a root of n, as far as half precision has numbers for the quotients;
    the products' sum is divided by the rest. Divided by n, or summed at once, pixels of a picture
    become 0 or infinite in it, which GPUs of phones compute exported files in.
    """
    count = ops.cast(ops.shape(flat)[1], "float32")
    rest = ops.minimum(count, _SUMMED)
    flat = flat * ops.sqrt(rest / count)
    return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / rest


def quantiles(values: Tensor, count: Any) -> Tensor:
    """`(batch, count, d)` equally spaced quantiles of each column of `(batch, n, d)` values.

    Entry i is the quantile of level (i + ½) / count, interpolated between order statistics.
    """
    ordered = ops.sort(values, axis=1)
    size = ops.shape(ordered)[1]
    last = ops.cast(size - 1, "float32")
    levels = (ops.arange(count, dtype="float32") + 0.5) / ops.cast(count, "float32")
    positions = ops.clip(levels * (last + 1.0) - 0.5, 0.0, last)
    lower = ops.floor(positions)
    fraction = (positions - lower)[None, :, None]
    lower = ops.cast(lower, "int32")
    upper = ops.minimum(lower + 1, size - 1)
    below, above = ops.take(ordered, lower, axis=1), ops.take(ordered, upper, axis=1)
    return below + fraction * (above - below)
