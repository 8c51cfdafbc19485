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
    inputs: dict[str, np.ndarray],
) -> None:
    """Writes `photo.png`, `stylized.png`, `golden.json` and, of a style picture, `painting.png`.

    Args:
        folder: to create.
        pair: of files.
        inputs: of `NetworkPair.paint`, with pictures of the files' sizes.
    """
    code, stylized = pair.paint(inputs)
    source = pair.encoder[1].signature.inputs[0] if pair.encoder else ""
    folder.mkdir()
    pictures = {"photo": inputs["content"], "stylized": stylized}
    if source == "style":
        pictures["painting"] = inputs["style"]
    for name, picture in pictures.items():
        images.write_image(folder / f"{name}.png", picture)
    record: dict[str, Any] = {
        "transfer": {
            "signature": pair.transfer[1].key, "content": "photo.png", "strength": 1.0,
            "stylized": "stylized.png", "mean_difference_in_grey_levels_at_most": TOLERANCE,
        },
    }  # fmt: skip
    if pair.encoder:
        record[pair.encoder[1].signature.name] = {
            "signature": pair.encoder[1].key,
            source: "painting.png" if source == "style" else inputs[source].tolist(),
            **{key: array[0].ravel().tolist() for key, array in code.items()},
        }
    (folder / "golden.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
