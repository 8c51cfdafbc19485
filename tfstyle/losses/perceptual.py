"""The weighted sum of content, style and total variation terms."""

from typing import TypedDict

import keras
from keras import ops

from tfstyle.losses.content import TotalVariationLoss
from tfstyle.losses.relative import MomentLoss
from tfstyle.statistics import Tensor


class Guides(TypedDict):
    """Where a picture has which style, and how much of it: a part of `PerceptualLoss`' targets.

    Attributes:
        style: by style layer, `(1, h, w, regions)` weights of positions, of sum 1 over them.
        content: by content layer, `(1, h, w, 1)` factors of errors.
        factors: `(regions,)`, of the style's weight.
    """

    style: dict[str, Tensor]
    content: dict[str, Tensor]
    factors: Tensor


class PerceptualLoss:
    """Weighted sum of content, style and total variation terms.

    With `Guides`, style losses are sums over regions, each of the region's own statistics: Gatys et
    al., "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017, section 4.

    Args:
        content: `{layer: (loss, weight)}`, with a `ContentLoss`.
        style: `{layer: [(loss, weight), …]}`, with `StyleLoss`es.
        tv_weight: weight of the total variation.
        structure: `{layer: (loss, weight)}`, with a `SelfSimilarityLoss`.
        laplacian: a `LaplacianLoss` and its weight, or None.
        temporal: a `TemporalLoss` and its weight, or None.

    A layer's terms are logged together as `content/relu4_1` or `style/relu1_1`, already weighted.
    """

    def __init__(self, content, style, tv_weight=0.0, structure=(), laplacian=None, temporal=None):
        self.content = dict(content)
        self.style = dict(style)
        self.tv_weight = tv_weight
        self.structure = dict(structure)
        self.laplacian = laplacian
        self.temporal = temporal
        self._total_variation = TotalVariationLoss()

    @property
    def layers(self):
        """Names of the features it reads, in the network's order."""
        return tuple(sorted({*self.content, *self.style, *self.structure}))

    def targets(self, content_features, style_features, style_weights=(1.0,), photo=None):
        """The targets of calls, computed once.

        Args:
            content_features: dict of the content image's features.
            style_features: sequence of such dicts, one for each style image; if empty, the caller
                adds the targets of styles.
            style_weights: shares of the style images, of sum 1.
            photo: the content image, which only the Laplacian's term needs.
        Returns: a nested dict of tensors.
        Raises: ValueError if it is missing there.
        """
        targets = {
            "content": {
                layer: ops.cast(content_features[layer], "float32")
                for layer in {**self.content, **self.structure}
            },
            "style": self.style_targets(style_features, style_weights) if style_features else {},
        }
        if self.laplacian:
            if photo is None:
                raise ValueError("`photo` must be given for the Laplacian's term. Received: None")
            targets["laplacian"] = self.laplacian[0].target(photo)
        return targets

    def style_targets(self, style_features, style_weights=(1.0,), guides=None):
        """The part `"style"` of `targets`, by layer.

        Args:
            style_features: as of `targets`.
            style_weights: likewise.
            guides: of each style image a guide by layer, or None for all of it; see
                `tfstyle.statistics`.
        """
        guides = guides or [None] * len(style_features)
        return {
            layer: [
                loss.target(
                    [features[layer] for features in style_features],
                    style_weights,
                    [guide and guide[layer] for guide in guides],
                )
                for loss, _ in terms
            ]
            for layer, terms in self.style.items()
        }

    def region_targets(self, style_features, shares, guides):
        """The same for regions, one after the other.

        Args:
            style_features: as of `targets`.
            shares: by region, those of the style images.
            guides: of each style image by region a guide by layer, or None for all of it.
        """
        found: dict = {layer: [] for layer in self.style}
        for region, row in enumerate(shares):
            used = [number for number, share in enumerate(row) if share]
            part = self.style_targets(
                [style_features[number] for number in used],
                [float(row[number]) for number in used],
                [guides[number] and guides[number][region] for number in used],
            )
            for layer, targets in part.items():
                found[layer] += targets
        return found

    def __call__(self, targets, features, image):
        """Scalar float32 losses by name, weighted, with their sum as `total`.

        Args:
            targets: of `targets`. With regions, `"style"` has by layer the lists of all regions,
                one after the other, and `"guides"` are `Guides`. With a part `"factors"`, scalars
                by layer, the weights of style layers are multiplied by them. `"temporal"` is the
                target of that term.
            features: dict of the image's features.
            image: `(batch, h, w, 3)` in [0, 1].
        """
        losses, guides, factors = {}, targets.get("guides"), targets.get("factors", {})
        for layer, (loss, weight) in self.content.items():
            weights = guides and guides["content"][layer]
            losses[f"content/{layer}"] = weight * _value(
                loss, targets["content"][layer], features[layer], weights
            )
        for layer, (loss, weight) in self.structure.items():
            losses[f"structure/{layer}"] = weight * loss(targets["content"][layer], features[layer])
        for layer in self.style:
            losses[f"style/{layer}"] = factors.get(layer, 1.0) * sum(
                weight * _value(loss, target, features[layer], guide)
                for loss, weight, target, guide in self._style_terms(targets, layer)
            )
        if self.laplacian:
            loss, weight = self.laplacian
            losses["laplacian"] = weight * loss(targets["laplacian"], image)
        if self.temporal:
            loss, weight = self.temporal
            losses["temporal"] = weight * loss(targets["temporal"], image)
        if self.tv_weight:
            losses["tv"] = self.tv_weight * self._total_variation(image, image)
        losses["total"] = sum(losses.values())
        return losses

    def _style_terms(self, targets, layer):
        """Loss, weight, target and guide of each term of a layer."""
        terms, found, guides = self.style[layer], targets["style"][layer], targets.get("guides")
        if guides is None:
            regions = [(1.0, None)]
        else:
            numbers = range(guides["factors"].shape[0])
            maps = guides.get("style")
            regions = [(guides["factors"][n], maps and maps[layer][..., n]) for n in numbers]
        each = [
            (loss, weight * factor, guide) for factor, guide in regions for loss, weight in terms
        ]
        return [
            (loss, weight, target, guide)
            for (loss, weight, guide), target in zip(each, found, strict=True)
        ]

    def check_pooled(self):
        """Raises ValueError, naming the first, if a loss is not one of means over positions."""
        for loss, _ in self.content.values():
            if loss.distance == "normalized":
                raise ValueError("normalized content features")
        for loss, _ in self.structure.values():
            raise ValueError(loss.name)
        if self.temporal:
            raise ValueError(self.temporal[0].name)
        for terms in self.style.values():
            for loss, _ in terms:
                if not isinstance(loss, MomentLoss):
                    raise ValueError(loss.name)

    def moments(self, targets, features):
        """Of a part of a picture, what the mean over all parts is taken of, by the term's name.

        Those of regions are parts of the mean: they are added.

        Args:
            targets: as in a call; the content's and the guides of the same part.
            features: of the part, of some layers.
        """
        found, guides = {}, targets.get("guides")
        for layer, maps in features.items():
            if layer in self.content:
                loss, _ = self.content[layer]
                weights = guides and guides["content"][layer]
                found[f"content/{layer}"] = loss.error(targets["content"][layer], maps, weights)
            if layer in self.style:
                found[f"style/{layer}"] = [
                    loss.moments(maps, loss.anchor(target), guide)
                    for loss, _, target, guide in self._style_terms(targets, layer)
                ]
        return found

    def of_moments(self, targets, units, moments):
        """The losses of a call, but for the total variation and the total.

        Args:
            targets: of a call; the part `"style"`, the layers' factors and those of guides suffice.
            units: by content layer, `ContentLoss.unit`; as "laplacian", `LaplacianLoss.units`.
            moments: of all of the picture; as "laplacian", mean squared errors by factor.
        """
        losses, factors = {}, targets.get("factors", {})
        if self.laplacian:
            loss, weight = self.laplacian
            parts = loss.of_errors(moments["laplacian"], units["laplacian"])
            losses["laplacian"] = weight * ops.mean(parts)
        for layer, (_, weight) in self.content.items():
            losses[f"content/{layer}"] = weight * ops.mean(
                moments[f"content/{layer}"] / units[layer]
            )
        for layer in self.style:
            terms, parts = self._style_terms(targets, layer), moments[f"style/{layer}"]
            losses[f"style/{layer}"] = factors.get(layer, 1.0) * sum(
                weight * ops.mean(loss.compare(target, part))
                for (loss, weight, target, _), part in zip(terms, parts, strict=True)
            )
        return losses


def _value(loss, target, features, weights):
    """A loss, with weights of positions or none."""
    if weights is None:
        return loss(target, features)
    return ops.mean(loss.call(target, ops.cast(features, "float32"), weights))


class StyleTargets:
    """Targets of several styles, of which each sample of a batch takes those of its own.

    Args:
        each: for each style what `PerceptualLoss.style_targets` returns for one picture.
    """

    def __init__(self, each):
        self._stacked = keras.tree.map_structure(lambda *parts: ops.concatenate(parts), *each)

    def take(self, index):
        """The targets of a batch whose styles are `(batch,)` indices."""
        return keras.tree.map_structure(lambda part: ops.take(part, index, axis=0), self._stacked)
