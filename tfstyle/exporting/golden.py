"""Test data for apps: a pair of pictures and the files' outputs for it."""

import json
import pathlib
from typing import Any

import numpy as np

from tfstyle import images
from tfstyle.exporting.checking import NetworkPair

# Mean difference in grey levels allowed for an app's picture, since processors round differently.
# Swapped red and blue, or a picture stretched instead of cropped, give five times as much.
TOLERANCE = 2.0


def write_golden(
    folder: pathlib.Path,
    pair: NetworkPair,
    content: np.ndarray,
    style: dict[str, np.ndarray],
) -> None:
    """Writes `photo.png`, `stylized.png`, `golden.json` and, of a style picture, `painting.png`.

    Args:
        folder: to create.
        pair: of files.
        content: `(1, h, w, 3)` in [0, 1], at the transfer network's size.
        style: of `NetworkPair.paint`, at the style encoder's.
    """
    code, stylized = pair.paint(content, style)
    folder.mkdir()
    pictures = {"photo": content, "stylized": stylized}
    if "style" in style:
        pictures["painting"] = style["style"]
    for name, picture in pictures.items():
        images.write_image(folder / f"{name}.png", picture)
    record: dict[str, Any] = {
        "transfer": {
            "signature": pair.transfer[1].key, "content": "photo.png", "strength": 1.0,
            "stylized": "stylized.png", "mean_difference_in_grey_levels_at_most": TOLERANCE,
        },
    }  # fmt: skip
    if pair.encoder:
        name = pair.encoder[1].signature.name
        source = "painting.png" if "style" in style else style["style_index"].tolist()
        record[name] = {
            "signature": pair.encoder[1].key,
            pair.encoder[1].signature.inputs[0]: source,
            **{key: array[0].ravel().tolist() for key, array in code.items()},
        }
    (folder / "golden.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
