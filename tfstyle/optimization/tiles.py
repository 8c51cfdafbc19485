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
from tfstyle.optimization.tile_steps import TileSteps, add_part
from tfstyle.optimization.tile_targets import stacked, style_targets_of_parts
from tfstyle.runtime.parallel import Workers


class TiledObjective:
    """An `objective.Objective` whose memory grows little with the picture.

    Its vectors and gradients are NumPy's arrays.

    Args:
        encoder: of `Objective`.
        loss: likewise; of means over positions, see `PerceptualLoss.check_pooled`.
        wrap: likewise.
        tile_size: side in pixels of tiles, about, without halos.
        devices: names of those that share the tiles; without, TensorFlow's default one. The value
            and the gradient do not depend on their number.
    Raises: ValueError for another loss.
    """

    def __init__(self, encoder, loss, wrap="none", tile_size=512, devices=()):
        loss.check_pooled()
        self.encoder = encoder
        self.loss = loss
        self.tile_size = tile_size
        self.terms: dict[str, float] = {}  # as of `Objective`
        self._axes = WRAP_AXES[wrap]
        self._canvas = Canvas(encoder.margin)
        self._steps = TileSteps(encoder, loss)
        self._workers = Workers(devices)
        self._segments = self._steps.segments
        self._tiles: list = []  # of each segment
        # What the second segment reads, of the whole picture, and the total's gradient by it.
        self._maps: Any = None
        self._slopes: Any = None
        self._content: dict = {}  # features by layer, and what their errors are divided by
        self._units: dict = {}
        self._laplacian: dict = {}  # of the content, by factor
        self._style: dict = {}
        self._guides: Any = None  # of the picture that the canvas shows, if it has regions
        self._factors = {layer: 1.0 for layer in loss.style}
        self._encode = tf.function(encoder, reduce_retracing=True, autograph=False)
        self._slopes_of_moments = tf.function(self._steps.loss_and_slopes, autograph=False)
        self._compiled = {
            step: [
                tf.function(functools.partial(step, number), reduce_retracing=True, autograph=False)
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

    def style_targets(self, styles, style_weights, guides=None):
        """As `Objective.style_targets`, from parts of the images where a loss can; else whole."""
        styles = list(styles)
        self._content, self._laplacian, self._style = {}, {}, {}
        layers = list(self.loss.style)
        parts = []
        for number, picture in enumerate(styles):
            self._guides = guides and guides[number] and {"style": stacked(guides[number])}
            self._place(picture.shape[1:3], ())
            sample = self._encode(tf.constant(picture[:, : self.tile_size, : self.tile_size]))
            anchors = {
                layer: tf.reduce_mean(tf.cast(sample[layer], tf.float32), (1, 2))
                for layer in layers
            }
            self._canvas.show(picture)
            moments: dict = {}
            for _, _, (found, _) in self._forward(self._steps.moments_of_style, anchors):
                for layer, part in found.items():
                    add_part(moments, layer, part)
            parts.append((moments, anchors))
        self._guides, whole = None, []
        if not all(loss.pools_targets for terms in self.loss.style.values() for loss, _ in terms):
            whole = [self._encode(tf.constant(picture)) for picture in styles]
        return style_targets_of_parts(self.loss, parts, whole, style_weights, guides)

    def set_content(self, content, style_targets, guides=None, warped=None):
        """As `Objective.set_content`; `warped` is of a term that this objective refuses."""
        self._content, self._laplacian, self._style, self._guides = {}, {}, style_targets, None
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
        if self.loss.laplacian:
            loss, _ = self.loss.laplacian
            target = loss.target(tf.constant(self._canvas.continued()))
            self._units["laplacian"] = loss.units(target)
            parts = zip(loss.factors, target, strict=True)
            self._laplacian = {factor: part.numpy() for factor, part in parts}
        self._guides = guides

    def set_factors(self, factors):
        """As `Objective.set_factors`."""
        self._factors = {**self._factors, **factors}

    def set_start(self, image):
        """As `Objective.set_start`; the vector is not zero, but needs no start image beside it."""
        self._place(image.shape[1:3], self._axes)
        self._canvas.show(image)
        return self._canvas.vector()

    def share(self, other):
        """As `Objective.share`."""
        self._place(other._canvas.shape, self._axes)
        self._content, self._units, self._style = other._content, other._units, other._style
        self._guides = other._guides
        self._laplacian = other._laplacian
        self._factors = other._factors

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
                add_part(moments, name, part)
        moments = tf.nest.map_structure(lambda part: tf.constant(part, tf.float32), moments)
        factors = {layer: tf.constant(factor) for layer, factor in self._factors.items()}
        targets = {"style": self._style, "factors": factors}
        if self._guides:
            targets["guides"] = {"factors": tf.constant(self._guides["factors"])}
        terms, slopes = self._slopes_of_moments(moments, targets, self._units)
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

            def compute(tile, number=number, stride=segment.stride, source=source):
                x = tf.constant(cut(source, within(tile.outer, stride)))
                return self._compiled[step][number](x, self._geometry(number, tile), *arguments)

            for tile, found in self._workers.map(compute, self._tiles[number]):
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

            def pull_back(tile, number=number, segment=segment, last=last, source=source):
                rest = 0.0
                if not last:
                    rest = cut(self._slopes, within(tile.inner, self._segments[number + 1].stride))
                x = tf.constant(cut(source, within(tile.outer, segment.stride)))
                return self._compiled[self._steps.pull_back][number](
                    x, self._geometry(number, tile), slopes, tf.constant(rest)
                )

            for tile, added in self._workers.map(pull_back, self._tiles[number]):
                part = cut(result, within(tile.outer, segment.stride))
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

        def parts(wholes):
            return {
                layer: tf.constant(cut(maps, self._counted(tile, layer, from_margin=True)))
                for layer, maps in wholes.items()
                if layer in taps
            }

        guides = {}
        if self._guides:
            for kind, found in self._guides.items():
                guides[kind] = tf.constant(found) if kind == "factors" else parts(found)
        if not number and self.loss.tv_weight:
            places.update(self._canvas.neighbours(tile))
            for axis, side in enumerate("yx"):
                ends = [n + w for n, w in zip(self._canvas.shape, self._canvas.wraps, strict=True)]
                ends[axis] -= 1
                shares[f"tv_{side}"] = 1.0 / (3 * ends[0] * ends[1])
        laplacian = {}
        for factor, maps in () if number else self._laplacian.items():
            counted, places[f"cells_{factor}"] = self._canvas.cells(tile, factor)
            laplacian[factor] = tf.constant(cut(maps, counted))
            shares[f"cells_{factor}"] = 1.0 / maps.size
        return {
            "places": {name: tf.constant(place, tf.int32) for name, place in places.items()},
            "shares": {name: tf.constant(share, tf.float32) for name, share in shares.items()},
            "content": parts(self._content),
            "laplacian": laplacian,
            "style": {layer: self._style[layer] for layer in taps if layer in self._style},
            **({"guides": guides} if guides else {}),
        }

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
