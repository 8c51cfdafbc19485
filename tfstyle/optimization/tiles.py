"""The objective of a large picture, evaluated tile by tile, with the same value and gradient.

All losses that it takes are functions of means over positions. A first pass over the tiles gathers
the means; the loss's gradient by the means is small; and a second pass multiplies it by each tile's
own. What a tile's features depend on beyond it, its halo, is computed with it. To keep halos narrow
and features few, the encoder is cut in two: the features at an eighth of the resolution, small,
are kept whole, and have tiles of their own.
"""

import functools
from typing import Any

import numpy as np
import tensorflow as tf

from tfstyle.config import WRAP_AXES
from tfstyle.encoders.layer_names import stride_of
from tfstyle.optimization.canvas import Canvas
from tfstyle.optimization.segments import counted_from, cut, tiles, within
from tfstyle.optimization.tile_steps import TileSteps


class TiledObjective:
    """An `objective.Objective` whose memory grows little with the picture.

    Its vectors and gradients are NumPy's arrays.

    Args:
        encoder: of `Objective`.
        loss: likewise; of means over positions, see `PerceptualLoss.check_pooled`.
        wrap: likewise.
        tile_size: side in pixels of tiles, about, without halos.
    Raises: ValueError for another loss.
    """

    def __init__(self, encoder, loss, wrap="none", tile_size=512):
        loss.check_pooled()
        self.encoder = encoder
        self.loss = loss
        self.tile_size = tile_size
        self.terms: dict[str, float] = {}  # as of `Objective`
        self._axes = WRAP_AXES[wrap]
        self._canvas = Canvas(encoder.margin)
        self._steps = TileSteps(encoder, loss)
        self._segments = self._steps.segments
        self._tiles: list = []  # of each segment
        # What the second segment reads, of the whole picture, and the total's gradient by it.
        self._maps: Any = None
        self._slopes: Any = None
        self._content: dict = {}  # features by layer, and what their errors are divided by
        self._units: dict = {}
        self._style: dict = {}
        self._encode = tf.function(encoder, reduce_retracing=True)
        self._slopes_of_moments = tf.function(self._steps.loss_and_slopes)
        self._compiled = {
            step: [
                tf.function(functools.partial(step, number), reduce_retracing=True)
                for number in range(len(self._segments))
            ]
            for step in (
                self._steps.features,
                self._steps.moments,
                self._steps.moments_of_style,
                self._steps.pull_back,
            )
        }

    def set_targets(self, content, styles, style_weights):
        """As `Objective.set_targets`."""
        self.set_content(content, self.style_targets(styles, style_weights))

    def style_targets(self, styles, style_weights):
        """As `Objective.style_targets`, from parts of the images where a loss can; else whole."""
        styles = list(styles)
        self._content, self._style = {}, {}
        losses = {layer: [loss for loss, _ in terms] for layer, terms in self.loss.style.items()}
        statistics, whole = [], []
        for picture in styles:
            self._place(picture.shape[1:3], ())
            sample = self._encode(tf.constant(picture[:, : self.tile_size, : self.tile_size]))
            anchors = {
                layer: tf.reduce_mean(tf.cast(sample[layer], tf.float32), (1, 2))
                for layer in losses
            }
            self._canvas.show(picture)
            moments: dict = {}
            for _, _, (found, _) in self._forward(self._steps.moments_of_style, anchors):
                for layer, part in found.items():
                    _add(moments, layer, part)
            statistics.append((moments, anchors))
        if not all(loss.pools_targets for terms in losses.values() for loss in terms):
            whole = [self._encode(tf.constant(picture)) for picture in styles]

        def target(layer, number, loss):
            if not loss.pools_targets:
                return loss.target([found[layer] for found in whole], style_weights)
            pooled = [
                loss.pooled(
                    tf.nest.map_structure(
                        lambda part: tf.constant(part, tf.float32), moments[layer][number]
                    ),
                    anchors[layer],
                )
                for moments, anchors in statistics
            ]
            return loss.target_of(pooled, style_weights)

        return {
            layer: [target(layer, number, loss) for number, loss in enumerate(terms)]
            for layer, terms in losses.items()
        }

    def set_content(self, content, style_targets):
        """As `Objective.set_content`."""
        self._content, self._style = {}, style_targets
        self._place(content.shape[1:3], self._axes)
        self._canvas.show(content)
        wholes = {}
        for _, tile, (features, _) in self._forward(self._steps.features):
            for layer in self.loss.content.keys() & features.keys():
                maps = features[layer].numpy()
                if layer not in wholes:
                    shape = [side // stride_of(layer) for side in self._canvas.shape]
                    wholes[layer] = np.empty((1, *shape, maps.shape[-1]), np.float32)
                cut(wholes[layer], self._counted(tile, layer, from_margin=True))[:] = maps
        self._content = wholes
        self._units = {
            layer: tf.reshape(tf.cast(loss.unit(self._content[layer]), tf.float32), [-1])
            for layer, (loss, _) in self.loss.content.items()
        }

    def set_start(self, image):
        """As `Objective.set_start`; the vector is not zero, but needs no start image beside it."""
        self._place(image.shape[1:3], self._axes)
        self._canvas.show(image)
        return self._canvas.vector()

    def share(self, other):
        """As `Objective.share`."""
        self._place(other._canvas.shape, self._axes)
        self._content, self._units, self._style = other._content, other._units, other._style

    def picture(self, vector):
        """As `Objective.picture`."""
        self._canvas.paint(np.asarray(vector))
        return self._canvas.shown()

    def value_and_gradient(self, vector):
        """The total, a float, and its gradient, an `(n,)` array, at an `(n,)` array."""
        self._canvas.paint(np.asarray(vector))
        moments: dict = {}
        for _, _, (found, _) in self._forward(self._steps.moments):
            for name, part in found.items():
                _add(moments, name, part)
        moments = tf.nest.map_structure(lambda part: tf.constant(part, tf.float32), moments)
        terms, slopes = self._slopes_of_moments(moments, self._style, self._units)
        self.terms = {name: float(value) for name, value in terms.items()}
        self._backward(slopes)
        return self.terms["total"], self._canvas.gradient()

    def _place(self, shape, axes):
        """Lays tiles over pictures of a shape, whose opposite edges meet along the axes."""
        self._canvas.place(shape, axes)
        self._tiles = [
            tiles(self._canvas.margins, self._canvas.shape, self.tile_size, segment)
            for segment in self._segments
        ]

    def _forward(self, step, *arguments):
        """Goes over the canvas' tiles; yields the segment's number, the tile and what a step found.

        Args:
            step: a method of a segment's number, what it reads, the tile's `_geometry` and the
                arguments; returns a pair, whose second part the next segment reads.
            *arguments: of the step.
        """
        for number, segment in enumerate(self._segments):
            following = self._segments[number + 1 : number + 2]
            source = self._maps if number else self._canvas.picture[None]
            for tile in self._tiles[number]:
                x = tf.constant(cut(source, within(tile.outer, segment.stride)))
                found = self._compiled[step][number](x, self._geometry(number, tile), *arguments)
                for after in following:
                    rest = found[1].numpy()
                    if self._maps is None or tile is self._tiles[0][0]:
                        sides = [side // after.stride for side in self._canvas.picture.shape[:2]]
                        self._maps = np.zeros((1, *sides, rest.shape[-1]), np.float32)
                    cut(self._maps, within(tile.inner, after.stride))[:] = rest
                yield number, tile, found

    def _backward(self, slopes):
        """The total's gradient by the picture, in the canvas, from that by the moments."""
        self._canvas.start_gradient()
        if len(self._segments) > 1:
            self._slopes = np.zeros_like(self._maps)
        for number, segment in reversed(list(enumerate(self._segments))):
            last = number + 1 == len(self._segments)
            source = self._maps if number else self._canvas.picture[None]
            result = self._slopes if number else self._canvas.slopes[None]
            for tile in self._tiles[number]:
                place = within(tile.outer, segment.stride)
                rest = 0.0
                if not last:
                    rest = cut(self._slopes, within(tile.inner, self._segments[number + 1].stride))
                added = self._compiled[self._steps.pull_back][number](
                    tf.constant(cut(source, place)), self._geometry(number, tile), slopes,
                    tf.constant(rest),
                )  # fmt: skip
                part = cut(result, place)
                part += added.numpy()
        self._maps = self._slopes = None

    def _geometry(self, number, tile):
        """All that a step needs of a tile beside what the segment reads.

        Returns: a dict of the places of the taps' features, of what the next segment reads, and of
            pairs of neighbours; of the shares of all positions; and of the content's targets.
        """
        segment = self._segments[number]
        taps = [layer for layer in segment.layers if layer in self.encoder.taps]
        places = {layer: self._counted(tile, layer) for layer in taps}
        shares = {}
        for layer, ((top, bottom), (left, right)) in places.items():
            height, width = (side // stride_of(layer) for side in self._canvas.shape)
            shares[layer] = (bottom - top) * (right - left) / (height * width)
        if number + 1 < len(self._segments):
            stride = self._segments[number + 1].stride
            places["rest"] = counted_from(within(tile.inner, stride), within(tile.outer, stride))
        content = {
            layer: tf.constant(cut(maps, self._counted(tile, layer, from_margin=True)))
            for layer, maps in self._content.items()
            if layer in taps
        }
        if not number and self.loss.tv_weight:
            places.update(self._neighbours(tile))
            for axis, side in enumerate("yx"):
                ends = [n + w for n, w in zip(self._canvas.shape, self._canvas.wraps, strict=True)]
                ends[axis] -= 1
                shares[f"tv_{side}"] = 1.0 / (3 * ends[0] * ends[1])
        return {
            "places": {name: tf.constant(place, tf.int32) for name, place in places.items()},
            "shares": {name: tf.constant(share, tf.float32) for name, share in shares.items()},
            "content": content,
            "style": {layer: self._style[layer] for layer in taps if layer in self._style},
        }

    def _neighbours(self, tile):
        """Places of the pairs of `TotalVariationLoss` that a tile counts.

        They are those whose first pixel is in its part.
        """
        canvas, places = self._canvas, {}
        for axis, side in enumerate("yx"):
            near, far = [], []
            for number, (start, stop) in enumerate(tile.inner):
                first = canvas.margins[number]
                end = first + canvas.shape[number]
                stop = end + canvas.wraps[number] if stop >= end else stop
                step = int(number == axis)
                start, stop = max(start, first), min(stop, end + canvas.wraps[number] - step)
                near.append((start, stop))
                far.append((start + step, stop + step))
            places[f"near_{side}"] = counted_from(near, tile.outer)
            places[f"far_{side}"] = counted_from(far, tile.outer)
        return places

    def _counted(self, tile, layer, from_margin=False):
        """The place of a tile's part of a layer, without the picture's margin.

        It is counted from the tile's start, or from where the margin ends.
        """
        inside = [
            tuple(min(max(side, margin), margin + length) for side in span)
            for span, margin, length in zip(
                tile.inner, self._canvas.margins, self._canvas.shape, strict=True
            )
        ]
        starts = [(m, m) for m in self._canvas.margins] if from_margin else tile.outer
        stride = stride_of(layer)
        return counted_from(within(inside, stride), within(starts, stride))


def _add(moments, name, part):
    """Adds a part of moments, in float64."""
    part = tf.nest.map_structure(lambda values: values.numpy().astype(np.float64), part)
    if name in moments:
        part = tf.nest.map_structure(np.add, moments[name], part)
    moments[name] = part
