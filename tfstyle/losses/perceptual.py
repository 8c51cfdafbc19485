"""The weighted sum of content, style and total variation terms."""

import keras
from keras import ops

from tfstyle.losses.content import TotalVariationLoss
from tfstyle.losses.relative import MomentLoss


class PerceptualLoss:
    """Weighted sum of content, style and total variation terms.

    Args:
        content: `{layer: (loss, weight)}`, with a `ContentLoss`.
        style: `{layer: [(loss, weight), …]}`, with `StyleLoss`es.
        tv_weight: weight of the total variation.

    A layer's terms are logged together as `content/relu4_1` or `style/relu1_1`, already weighted.
    """

    def __init__(self, content, style, tv_weight=0.0):
        self.content = dict(content)
        self.style = dict(style)
        self.tv_weight = tv_weight
        self._total_variation = TotalVariationLoss()

    @property
    def layers(self):
        """Names of the features it reads, in the network's order."""
        return tuple(sorted({*self.content, *self.style}))

    def targets(self, content_features, style_features, style_weights=(1.0,)):
        """The targets of calls, computed once.

        Args:
            content_features: dict of the content image's features.
            style_features: sequence of such dicts, one for each style image; if empty, the caller
                adds the targets of styles.
            style_weights: shares of the style images, of sum 1.
        Returns: a nested dict of tensors.
        """
        return {
            "content": {
                layer: ops.cast(content_features[layer], "float32") for layer in self.content
            },
            "style": self.style_targets(style_features, style_weights) if style_features else {},
        }

    def style_targets(self, style_features, style_weights=(1.0,)):
        """The part `"style"` of `targets`, by layer."""
        return {
            layer: [
                loss.target([features[layer] for features in style_features], style_weights)
                for loss, _ in terms
            ]
            for layer, terms in self.style.items()
        }

    def __call__(self, targets, features, image):
        """Scalar float32 losses by name, weighted, with their sum as `total`."""
        losses = {}
        for layer, (loss, weight) in self.content.items():
            losses[f"content/{layer}"] = weight * loss(targets["content"][layer], features[layer])
        for layer, terms in self.style.items():
            losses[f"style/{layer}"] = sum(
                weight * loss(target, features[layer])
                for (loss, weight), target in zip(terms, targets["style"][layer], strict=True)
            )
        if self.tv_weight:
            losses["tv"] = self.tv_weight * self._total_variation(image, image)
        losses["total"] = sum(losses.values())
        return losses

    def check_pooled(self):
        """Raises ValueError, naming the first, if a loss is not one of means over positions."""
        for loss, _ in self.content.values():
            if loss.distance == "normalized":
                raise ValueError("normalized content features")
        for terms in self.style.values():
            for loss, _ in terms:
                if not isinstance(loss, MomentLoss):
                    raise ValueError(loss.name)

    def moments(self, targets, features):
        """Of a part of a picture, what the mean over all parts is taken of, by the term's name.

        Args:
            targets: as in a call; the content's of the same part.
            features: of the part, of some layers.
        """
        found = {}
        for layer, maps in features.items():
            if layer in self.content:
                loss, _ = self.content[layer]
                found[f"content/{layer}"] = loss.error(targets["content"][layer], maps)
            if layer in self.style:
                found[f"style/{layer}"] = [
                    loss.moments(maps, loss.anchor(target))
                    for (loss, _), target in zip(
                        self.style[layer], targets["style"][layer], strict=True
                    )
                ]
        return found

    def of_moments(self, targets, units, moments):
        """The losses of a call, but for the total variation and the total.

        Args:
            targets: of `targets`; the part `"style"` suffices.
            units: by content layer, `ContentLoss.unit`.
            moments: of all of the picture.
        """
        losses = {}
        for layer, (_, weight) in self.content.items():
            losses[f"content/{layer}"] = weight * ops.mean(
                moments[f"content/{layer}"] / units[layer]
            )
        for layer, terms in self.style.items():
            parts = zip(terms, targets["style"][layer], moments[f"style/{layer}"], strict=True)
            losses[f"style/{layer}"] = sum(
                weight * ops.mean(loss.compare(target, part))
                for (loss, weight), target, part in parts
            )
        return losses


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
