"""Pictures of any model made photorealistic: their changes follow the photograph's edges.

By the guided filter, see `tfstyle.images.guided_filter`.
"""

import numpy as np

from tfstyle.images.guided_filter import guided_filter

RADIUS_SHARE = 1 / 16  # of the longest side


def photorealistic(image: np.ndarray, content: np.ndarray) -> np.ndarray:
    """A stylized picture without painted structure: the photograph in its colours and light.

    What is filtered is the difference to the photograph, so that all of its detail is kept, even
    in windows that count as flat.

    Args:
        image: `(batch, h, w, 3)` in [0, 1], the model's.
        content: `(batch, h, w, 3)` in [0, 1], the photographs.
    Returns: `(batch, h, w, 3)` float32 in [0, 1]; the photograph itself where that is `image`.
    """
    radius = round(RADIUS_SHARE * max(image.shape[1:3]))
    changes = [
        guided_filter(one - guide, guide, radius) for one, guide in zip(image, content, strict=True)
    ]
    return np.clip(content + np.stack(changes), 0.0, 1.0).astype(np.float32)
