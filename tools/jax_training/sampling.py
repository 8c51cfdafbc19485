"""Random crops of photographs and paintings that stay on the GPU, within a compiled function."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from tfstyle.data import motions
from tfstyle.data.crops import INVERTED

_ORDERS = np.array([*itertools.permutations(range(3))])


def cut(pixels, start, side, size):
    """Square parts of pictures, resized by Lanczos' filter, antialiased.

    Args:
        pixels: `(batch, s, s, 3)` uint8.
        start: `(batch, 2)`, top and left, in pixels.
        side: `(batch,)`, of the parts, in pixels.
        size: of the result, a number.
    Returns: `(batch, size, size, 3)` float32 in [0, 1].
    """

    def cut_one(picture, start, scale):
        scale = jnp.stack([scale, scale])
        return jax.image.scale_and_translate(
            picture, (size, size, 3), (0, 1), scale, -start * scale, "lanczos3"
        )

    cropped = jax.vmap(cut_one)(pixels.astype("float32") / 255.0, start, size / side)
    return jnp.clip(cropped, 0.0, 1.0)


def crops(key, pictures, batch, size, least):
    """`(batch, size, size, 3)` crops, half of them flipped.

    Args:
        key: of `jax.random`.
        pictures: of `packing.stack`.
        batch: how many, a number.
        size: likewise, in pixels.
        least: side of the smallest crop, as a share of its picture's shorter side.
    """
    pixels, sizes = pictures
    of_index, of_side, of_start, of_flip = jax.random.split(key, 4)
    index = jax.random.randint(of_index, (batch,), 0, len(sizes))
    shortest = jnp.min(sizes[index], axis=1)
    side = jnp.floor(shortest * jax.random.uniform(of_side, (batch,), minval=least))
    places = sizes[index] - side[:, None] + 1.0
    start = jnp.floor(places * jax.random.uniform(of_start, (batch, 2)))
    found = cut(pixels[index], start, side, size)
    flipped = jax.random.bernoulli(of_flip, shape=(batch, 1, 1, 1))
    return jnp.where(flipped, found[:, :, ::-1], found)


def recolored(key, style, share):
    """Paintings, a share of them with permuted and some of these with inverted channels."""
    of_choice, of_order, of_inversion = jax.random.split(key, 3)
    batch = len(style)
    order = jnp.asarray(_ORDERS)[jax.random.randint(of_order, (batch,), 0, len(_ORDERS))]
    permuted = jnp.take_along_axis(style, order[:, None, None], axis=-1)
    inverted = jax.random.bernoulli(of_inversion, INVERTED, (batch, 1, 1, 1))
    permuted = jnp.where(inverted, 1.0 - permuted, permuted)
    return jnp.where(jax.random.bernoulli(of_choice, share, (batch, 1, 1, 1)), permuted, style)


def pairs(key, contents, styles, config):
    """The inputs of `loss_terms`: `{"content", "style"}`, `(batch, size, size, 3)` each.

    With a temporal weight also `data.motions`' "places" and "noise".

    Args:
        key: of `jax.random`.
        contents: photographs, of `packing.stack`.
        styles: paintings, likewise.
        config: `TrainConfig`; crops are as wide as the shorter side unless it has a least share.
    """
    of_content, of_style, of_color, of_choice, of_motion = jax.random.split(key, 5)
    batch, size = config.batch_size, config.crop_size
    content = crops(of_content, contents, batch, size, config.content_min_crop or 1.0)
    style = crops(of_style, styles, batch, size, config.style_min_crop or 1.0)
    style = recolored(of_color, style, config.recolored_share)
    choice = jax.random.uniform(of_choice, (batch, 1, 1, 1))
    photo = jnp.roll(content, 1, axis=0)
    style = jnp.where(choice < config.identity_share + config.photo_share, photo, style)
    style = jnp.where(choice < config.identity_share, content, style)
    found = {"content": content, "style": style}
    return found | moved(of_motion, batch, size) if config.temporal_weight else found


def moved(key, batch, size):
    """As `data.motions.Motions`, `(batch, …)`."""
    of_unit, of_speed, of_noise, of_level = jax.random.split(key, 4)
    unit = jax.random.uniform(of_unit, (batch, *motions.UNITS), minval=-1.0)
    unit = unit * jax.random.uniform(of_speed, (batch, 1, 1))
    level = motions.NOISE * jax.random.uniform(of_level, (batch, 1, 1, 1))
    noise = level * jax.random.normal(of_noise, (batch, size, size, 3))
    return {"places": motions.places(unit, size), "noise": noise}
