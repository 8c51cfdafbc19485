"""What `tiles` computes with each tile, to be compiled."""

import tensorflow as tf

from tfstyle.optimization.segments import cut, segments_of


class TileSteps:
    """Functions of a segment's number, what it reads of a tile, and the tile's geometry.

    A geometry is a dict of `places`, of the taps' features that the tile counts, of what the next
    segment reads, and of pairs of neighbours; of `shares`, what sums over the tile are multiplied
    by; and of the targets, `content`, of the tile, and `style`.

    Args:
        encoder: of `Objective`.
        loss: likewise.

    Attributes:
        segments: of the encoder.
    """

    def __init__(self, encoder, loss):
        self.encoder = encoder
        self.loss = loss
        self.segments = segments_of(encoder.taps)

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
        found = self.loss.moments({part: geometry[part] for part in ("content", "style")}, features)
        for name, part in found.items():
            found[name] = _scaled(part, shares[name.partition("/")[2]])
        if "tv_y" in shares:
            found["tv"] = sum(
                shares[f"tv_{side}"]
                * tf.reduce_sum(
                    tf.square(cut(x, places[f"far_{side}"]) - cut(x, places[f"near_{side}"]))
                )
                for side in "yx"
            )
        return found, rest

    def moments_of_style(self, number, x, geometry, anchors):
        """The same of the losses that have targets of parts, by layer; of others zeros."""
        features, rest = self.features(number, x, geometry)
        found = {
            layer: [
                _scaled(loss.moments(features[layer], anchors[layer]), geometry["shares"][layer])
                if loss.pools_targets
                else tf.zeros([])
                for loss, _ in terms
            ]
            for layer, terms in self.loss.style.items()
            if layer in features
        }
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

    def loss_and_slopes(self, moments, style, units):
        """The loss's terms, and the total's gradient by the moments."""
        with tf.GradientTape() as tape:
            tape.watch(moments)
            terms = self.loss.of_moments({"style": style}, units, moments)
            if self.loss.tv_weight:
                terms["tv"] = self.loss.tv_weight * moments["tv"]
            terms["total"] = sum(terms.values())
        return terms, tape.gradient(terms["total"], moments)


def _scaled(part, factor):
    return tf.nest.map_structure(lambda values: values * factor, part)
