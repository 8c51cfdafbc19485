"""Summary statistics of feature maps, each a function of `(batch, h, w, c)` features.

All are computed in float32 whatever the features' type, and divided by h·w, so that maps of
different sizes can be compared.

A `guide` makes them those of a part: `(batch or 1, h, w)` weights of the positions, of sum 1, as
the guidance channels of Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer",
CVPR 2017, section 4. None is for equal weights.
"""

import math
from typing import Any

from keras import ops

Tensor = Any  # of Keras' backend
EPSILON = 1e-5  # of variances
_SUMMED = 4096.0  # largest divisor of sums


def flatten(features: Tensor) -> Tensor:
    """`(batch, h·w, c)` float32 from `(batch, h, w, c)` features."""
    shape = ops.shape(features)
    return ops.cast(ops.reshape(features, (shape[0], shape[1] * shape[2], shape[3])), "float32")


def gram_matrix(features: Tensor, guide: Tensor | None = None) -> Tensor:
    """`(batch, c, c)` mean products of channels, symmetric and positive semi-definite.

    Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016,
    equation 3, divided by h·w.
    """
    return mean_products(flatten(features), guide)


def mean_and_std(
    features: Tensor, epsilon: float = EPSILON, guide: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Means and deviations of channels, each `(batch, c)`; the variance is biased.

    `epsilon` is added to the variance, which keeps the gradient of a constant channel finite.
    """
    flat = flatten(features)
    if guide is None:
        mean, variance = ops.moments(flat, axes=1)
    else:
        mean = mean_of(flat, guide)
        variance = mean_of(ops.square(flat - mean[:, None]), guide)
    return mean, ops.sqrt(variance + epsilon)


def covariance(features: Tensor, guide: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """`(batch, c)` channel means and `(batch, c, c)` biased covariance."""
    flat = flatten(features)
    mean = mean_of(flat, guide)
    return mean, mean_products(flat - ops.expand_dims(mean, 1), guide)


def centered(features: Tensor, center: Tensor | None) -> Tensor:
    """`(batch, h·w, c)` float32, less `(batch or 1, c)` values, if any."""
    flat = flatten(features)
    return flat if center is None else flat - ops.expand_dims(center, 1)


def mean_of(flat: Tensor, guide: Tensor | None = None) -> Tensor:
    """`(batch, c)` means over the positions of `(batch, n, c)` values."""
    if guide is None:
        return ops.mean(flat, axis=1)
    return ops.matmul(ops.transpose(position_weights(guide), (0, 2, 1)), flat)[:, 0]


def position_weights(guide: Tensor) -> Tensor:
    """`(batch or 1, n, 1)` float32 from a guide."""
    return ops.cast(ops.reshape(guide, (guide.shape[0], -1, 1)), "float32")


def mean_products(flat: Tensor, guide: Tensor | None = None) -> Tensor:
    """`(batch, c, c)` means of products of the columns of `(batch, n, c)` values.

    Each factor is divided by a root of n, as far as half precision has numbers for the quotients;
    the products' sum is divided by the rest. Divided by n, or summed at once, pixels of a picture
    become 0 or infinite in it, which GPUs of phones compute exported files in.
    """
    if guide is not None:
        return ops.matmul(ops.transpose(flat * position_weights(guide), (0, 2, 1)), flat)
    count = ops.cast(ops.shape(flat)[1], "float32")
    rest = ops.minimum(count, _SUMMED)
    flat = flat * ops.sqrt(rest / count)
    return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / rest


def quantiles(values: Tensor, count: Any, guide: Tensor | None = None) -> Tensor:
    """`(batch, count, d)` equally spaced quantiles of each column of `(batch, n, d)` values.

    Entry i is the quantile of level (i + ½) / count, interpolated between order statistics.
    """
    if guide is not None:
        return _quantiles_of_part(values, count, guide)
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


def ordered_with_levels(values: Tensor, guide: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sorted columns of `(batch, n, d)` values, their levels in (0, 1) and their weights.

    Each is `(batch, n, d)`. The level of a value is the sum of the weights below it and half of its
    own: with equal weights (i + ½) / n. Values without weight come last, as the largest of others.
    """
    weights = ops.broadcast_to(position_weights(guide), ops.shape(values))
    counted = weights > 0.0
    order = ops.argsort(ops.where(counted, values, math.inf), axis=1)
    largest = ops.max(ops.where(counted, values, -math.inf), axis=1, keepdims=True)
    values = ops.where(counted, values, largest)
    ordered = ops.take_along_axis(values, order, axis=1)
    weights = ops.take_along_axis(weights, order, axis=1)
    return ordered, ops.cumsum(weights, axis=1) - 0.5 * weights, weights


def at_levels(quantiles: Tensor, levels: Tensor) -> Tensor:
    """Interpolates `(batch or 1, count, d)` quantiles at `(batch, n, d)` levels in [0, 1]."""
    count = ops.shape(quantiles)[1]
    last = ops.cast(count - 1, "float32")
    positions = ops.clip(levels * (last + 1.0) - 0.5, 0.0, last)
    lower = ops.clip(ops.cast(positions, "int32"), 0, count - 1)  # NaN may be any integer
    fraction = positions - ops.cast(lower, "float32")
    below = ops.take_along_axis(quantiles, lower, axis=1)
    above = ops.take_along_axis(quantiles, ops.minimum(lower + 1, count - 1), axis=1)
    return below + fraction * (above - below)


def _quantiles_of_part(values, count, guide):
    ordered, found, _ = ordered_with_levels(values, guide)
    batch, size, columns = ops.shape(values)
    # How many of a column's levels are below each of those that are asked for.
    first = ops.cast(ops.ceil(found * count - 0.5), "int32")
    column = ops.reshape(ops.arange(batch * columns), (batch, 1, columns))
    entry = ops.reshape(column * (count + 1) + ops.clip(first, 0, count), (-1,))
    counts = ops.segment_sum(ops.ones_like(entry), entry, batch * columns * (count + 1))
    below = ops.cumsum(ops.reshape(counts, (batch, columns, count + 1)), axis=-1)[..., :count]
    upper = ops.clip(ops.transpose(below, (0, 2, 1)), 0, size - 1)
    lower = ops.maximum(upper - 1, 0)
    low, high = (ops.take_along_axis(found, one, axis=1) for one in (lower, upper))
    levels = ((ops.arange(count, dtype="float32") + 0.5) / count)[None, :, None]
    fraction = ops.clip((levels - low) / ops.maximum(high - low, 1e-12), 0.0, 1.0)
    below, above = (ops.take_along_axis(ordered, one, axis=1) for one in (lower, upper))
    return below + fraction * (above - below)
