"""Guides of regions at the layers of an encoder, for the losses.

Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017, section 4: a
region's guide at a layer is its map at that resolution, eroded by the receptive field, so that
statistics have no features of what is beyond the region's edge.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from PIL import Image

from tfstyle.encoders.layer_names import reach_of, stride_of
from tfstyle.images.regions import Regions
from tfstyle.images.resizing import resample
from tfstyle.losses import Guides, PerceptualLoss

LEAST_LEFT = 0.25  # of a region, that erosion leaves
MOST_CONTENT = 20.0  # factor of the content's errors where the strength is 0
_CONTENT_POWER = 0.25  # of the inverse strength, by eye: half a strength shows half the style


def picture_guides(regions: Regions, loss: PerceptualLoss, shape: tuple[int, int]) -> Guides:
    """What the losses of a picture of `shape`, `(height, width)`, are guided by."""
    strength = _at(regions.strength, shape)
    # Weighted by area, so that each position is painted as strongly as without regions: with equal
    # weights a small region loses its content, and a large one its style.
    areas = (_at(regions.content, shape) * strength).mean((0, 1, 2))
    style = {}
    for layer in loss.style:
        maps = layer_maps(regions.content, layer, shape)
        weighted = maps * _at(strength, maps.shape[1:3])
        empty = weighted.sum((1, 2), keepdims=True) <= 0.0
        style[layer] = normalized(np.where(empty, maps, weighted))
    content = {}
    for layer in loss.content:
        at_layer = _at(strength, _layer_shape(layer, shape))
        least = MOST_CONTENT ** (-1.0 / _CONTENT_POWER)
        content[layer] = (at_layer + (1.0 - at_layer) * least) ** -_CONTENT_POWER
    return {
        "style": style,
        "content": content,
        "factors": np.float32(regions.factors * areas),
    }


def style_guides(
    weights: np.ndarray, layers: Iterable[str], shape: tuple[int, int]
) -> list[Mapping[str, np.ndarray]]:
    """By region, then by layer, guides `(1, h_k, w_k)` of a style image.

    Args:
        weights: `(1, h, w, r)` of its regions; those that it lacks are 0, and their guides equal.
        layers: names.
        shape: `(height, width)` of the style image.
    """
    guides = {layer: normalized(layer_maps(weights, layer, shape)) for layer in layers}
    return [
        {layer: guide[..., number] for layer, guide in guides.items()}
        for number in range(weights.shape[-1])
    ]


def layer_maps(weights: np.ndarray, layer: str, shape: Sequence[int]) -> np.ndarray:
    """`(1, h_k, w_k, r)` maps of regions at a layer, eroded.

    A region is eroded by less where less than `LEAST_LEFT` of it would be left.
    """
    maps = _at(weights, _layer_shape(layer, shape))
    found = np.empty_like(maps)
    for number in range(maps.shape[-1]):
        whole = maps[0, ..., number]
        for radius in range(math.ceil(reach_of(layer) / stride_of(layer)), -1, -1):
            eroded = _eroded(whole, radius)
            if eroded.sum() >= LEAST_LEFT * whole.sum():
                break
        found[0, ..., number] = eroded
    return found


def normalized(maps: np.ndarray) -> np.ndarray:
    """`(1, h, w, r)` float32 maps of sum 1 over positions; equal weights where all are 0."""
    sums = maps.sum((1, 2), keepdims=True, dtype=np.float64)
    equal = 1.0 / (maps.shape[1] * maps.shape[2])
    return np.where(sums > 0.0, maps / np.where(sums > 0.0, sums, 1.0), equal).astype(np.float32)


def _layer_shape(layer, shape):
    return tuple(max(1, side // stride_of(layer)) for side in shape)


def _at(maps, shape):
    """Maps `(1, h, w, r)` at another size, by area."""
    return resample(maps[0], tuple(shape), Image.Resampling.BOX)[None]


def _eroded(plane, radius):
    """Minima over squares; beyond its edges the plane goes on."""
    for axis in (0, 1):
        pads = [(radius, radius) if side == axis else (0, 0) for side in (0, 1)]
        padded = np.pad(plane, pads, mode="edge")
        shifted = [
            padded.take(range(start, start + plane.shape[axis]), axis)
            for start in range(2 * radius + 1)
        ]
        plane = np.minimum.reduce(shifted)
    return plane
