"""Style targets of pictures that were evaluated tile by tile."""

import numpy as np
import tensorflow as tf


def stacked(guides):
    """By layer, `(1, h, w, regions)` guides, from those by region."""
    return {layer: np.stack([one[layer] for one in guides], axis=-1) for layer in guides[0]}


def style_targets_of_parts(loss, parts, whole, style_weights, guides):
    """What `PerceptualLoss` returns for whole pictures: `style_targets`, or `region_targets`.

    Args:
        loss: a `PerceptualLoss`.
        parts: of each style image, moments by layer, of each region and term, and anchors.
        whole: features of each style image, if a loss has no targets of parts.
        style_weights: as of `Objective.style_targets`.
        guides: likewise.
    """
    rows = [style_weights] if guides is None else style_weights
    found: dict = {layer: [] for layer in loss.style}
    for layer, terms in loss.style.items():
        for region, row in enumerate(rows):
            used = [number for number, share in enumerate(row) if share]
            shares = [float(row[number]) for number in used]
            own = [guides and guides[number] and guides[number][region] for number in used]
            for term, (one, _) in enumerate(terms):
                if one.pools_targets:
                    pooled = []
                    for number, guide in zip(used, own, strict=True):
                        moments, anchors = parts[number]
                        place = term + (len(terms) * region if guide else 0)
                        known = tf.nest.map_structure(_float, moments[layer][place])
                        pooled.append(one.pooled(known, anchors[layer]))
                    found[layer].append(one.target_of(pooled, shares))
                else:
                    features = [whole[number][layer] for number in used]
                    own_guides = [guide and guide[layer] for guide in own]
                    found[layer].append(one.target(features, shares, own_guides))
    return found


def _float(part):
    return tf.constant(part, tf.float32)
