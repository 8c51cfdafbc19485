"""What `tiles` computes with each tile, to be compiled."""

import numpy as np
import tensorflow as tf

from tfstyle.losses.structure import laplacian
from tfstyle.optimization.segments import cut, segments_of


class TileSteps:
    """Functions of a segment's number, what it reads of a tile, and the tile's geometry.

    A geometry is a dict of `places`, of the taps' features that the tile counts, of what the next
    segment reads, and of pairs of neighbours; of `shares`, what sums over the tile are multiplied
    by; and of the loss's targets, `content`, `laplacian` and `guides` of the tile, and `style`.

    Args:
        encoder: of `Objective`.
        loss: likewise.

    Attributes:
        segments: of the encoder.
    """

    def __init__(self, encoder, loss):
        self.encoder = encoder
        self.loss = loss
        cells = loss.laplacian[0].factors if loss.laplacian else (1,)
        self.segments = segments_of(encoder.taps, max(cells))

    def features(self, number, x, geometry):
        """Of a tile: the taps' features in its part, and what the next segment reads of it."""
        segment, places, taps = self.segments[number], geometry["places"], {}
        read = x if number else self.encoder.pixels(x)
        for layer, maps in self.encoder.walk(read, segment.layers):
            if layer in places:
                part = self.encoder.heads({layer: cut(maps, places[layer])})[layer]
                taps[layer] = tf.cast(part, tf.float32)
        if "rest" not in places:
            return taps, tf.zeros([])
        return taps, tf.cast(cut(self.encoder.pool(maps), places["rest"]), tf.float32)

    def moments(self, number, x, geometry):
        """A tile's share of those of the whole picture, by the term's name, and as above."""
        features, rest = self.features(number, x, geometry)
        shares, places = geometry["shares"], geometry["places"]
        found = self.loss.moments(geometry, features)
        for name, part in found.items():
            kind, _, layer = name.partition("/")
            if kind == "content" or "guides" not in geometry:  # whose weights are of the whole
                found[name] = _scaled(part, shares[layer])
        if "tv_y" in shares:
            found["tv"] = sum(
                shares[f"tv_{side}"]
                * tf.reduce_sum(
                    tf.square(cut(x, places[f"far_{side}"]) - cut(x, places[f"near_{side}"]))
                )
                for side in "yx"
            )
        if geometry["laplacian"]:
            found["laplacian"] = []
            for factor, part in geometry["laplacian"].items():
                own = laplacian(cut(x, places[f"cells_{factor}"]), factor)
                error = tf.reduce_sum(tf.square(own - part))
                found["laplacian"].append(shares[f"cells_{factor}"] * error)
        return found, rest

    def moments_of_style(self, number, x, geometry, anchors):
        """The same of the losses that have targets of parts, by layer; of others zeros."""
        features, rest = self.features(number, x, geometry)
        found = {}
        for layer, maps in features.items():
            anchor, share = anchors.get(layer), geometry["shares"][layer]
            regions: list = [None]
            if "guides" in geometry and layer in self.loss.style:
                share, regions = 1.0, tf.unstack(geometry["guides"]["style"][layer], axis=-1)
            found[layer] = [
                _scaled(loss.moments(maps, anchor, guide), share)
                if loss.pools_targets
                else tf.zeros([])
                for guide in regions
                for loss, _ in self.loss.style.get(layer, ())
            ]
        return found, rest

    def pull_back(self, number, x, geometry, slopes, rest_slopes):
        """The total's gradient by what a segment reads of a tile."""
        with tf.GradientTape() as tape:
            tape.watch(x)
            moments, rest = self.moments(number, x, geometry)
            known = tf.nest.flatten({name: slopes[name] for name in moments})
            parts = zip([rest_slopes, *known], [rest, *tf.nest.flatten(moments)], strict=True)
            value = sum(tf.reduce_sum(slope * part) for slope, part in parts)
        return tape.gradient(value, x)

    def loss_and_slopes(self, moments, targets, units):
        """The loss's terms, and the total's gradient by the moments."""
        with tf.GradientTape() as tape:
            tape.watch(moments)
            terms = self.loss.of_moments(targets, units, moments)
            if self.loss.tv_weight:
                terms["tv"] = self.loss.tv_weight * moments["tv"]
            terms["total"] = sum(terms.values())
        return terms, tape.gradient(terms["total"], moments)


def _scaled(part, factor):
    return tf.nest.map_structure(lambda values: values * factor, part)


def add_part(moments, name, part):
    """Adds a part of moments, in float64."""
    part = tf.nest.map_structure(lambda values: values.numpy().astype(np.float64), part)
    if name in moments:
        part = tf.nest.map_structure(np.add, moments[name], part)
    moments[name] = part
