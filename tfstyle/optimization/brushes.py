"""Sizes of strokes: what `--brush` sets."""

import dataclasses
from collections.abc import Mapping

from tfstyle.encoders.layer_names import block_of


@dataclasses.dataclass(frozen=True)
class Brush:
    """Settings for a size of strokes.

    Attributes:
        style_scale: size of the style images relative to the result.
        blocks: factors on the weights of the style layers by the encoder's block, where not 1.
    """

    style_scale: float = 1.0
    blocks: Mapping[int, float] = dataclasses.field(default_factory=dict)

    def layer_factor(self, layer: str) -> float:
        """The factor on the weight of a style layer."""
        return self.blocks.get(block_of(layer), 1.0)


# Tuned by eye: the style's scale determines how long strokes are, and the layers how strong those
# of each width.
BRUSHES = {
    "fine": Brush(0.5, {1: 2.0, 2: 2.0, 4: 0.5, 5: 0.25}),
    "medium": Brush(),
    "bold": Brush(1.6, {1: 0.5, 2: 0.5, 4: 2.0, 5: 2.0}),
}
