"""A pair of pictures and what the files make of it, for apps to test themselves with."""

import json
import pathlib

import numpy as np

from tfstyle import images
from tfstyle.exporting.checking import Pair

# Mean difference in grey levels that an app's picture may have: other processors round otherwise.
# Red and blue exchanged, or a picture that is stretched instead of cropped, have five times it.
TOLERANCE = 2.0


def write_golden(folder: pathlib.Path, pair: Pair, content: np.ndarray, style: np.ndarray) -> None:
    """Writes `photo.png`, `painting.png`, `stylized.png` and `golden.json`.

    Args:
        folder: to be made.
        pair: of files.
        content: `(1, h, w, 3)` in [0, 1], at the transfer network's size.
        style: likewise, at the style encoder's.
    """
    code, stylized = pair.paint(content, style)
    folder.mkdir()
    for name, picture in (("photo", content), ("painting", style), ("stylized", stylized)):
        images.write_image(folder / f"{name}.png", picture)
    record = {
        "encode_style": {
            "signature": pair.encoder[1].key, "style": "painting.png", "code": code[0].tolist()
        },
        "transfer": {
            "signature": pair.transfer[1].key, "content": "photo.png", "strength": 1.0,
            "stylized": "stylized.png", "mean_difference_in_grey_levels_at_most": TOLERANCE,
        },
    }  # fmt: skip
    (folder / "golden.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
