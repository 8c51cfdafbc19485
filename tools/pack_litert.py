"""Packs the packaged models' files for LiteRT: `python -m tools.pack_litert`.

Like `export/to_tflite.py --size dynamic --style_size dynamic --precision float16`, without reports
and thumbnails.
"""

import json
import pathlib

from absl import app

from tfstyle import files
from tfstyle.models import exported, packaged
from tfstyle.runtime import devices


def pack(name: str, folder: pathlib.Path) -> None:
    """Writes a packaged model's files into a new folder, in place of the one there."""
    from tfstyle import models
    from tfstyle.exporting import tflite, tflite_files
    from tfstyle.exporting.signatures import FREE, Signatures

    model = models.load_model(name).for_inference()
    signatures = Signatures(model).by_name
    for file, key in (
        (exported.ENCODER_FILE, exported.ENCODE_STYLE),
        (exported.TRANSFER_FILE, exported.TRANSFER),
    ):
        if key not in signatures:  # a model of named styles has no encoder
            continue
        entries = tflite.entries_of(signatures[key], [FREE], FREE)
        with files.replacing(folder / file) as temporary:
            temporary.write_bytes(tflite.convert(model, entries, "float16"))
    about = tflite_files.describe_model(model)
    for key in ("style_credits", "style_thumbnails"):  # which the model's own file has
        about.pop(key, None)
    text = json.dumps(about, indent=1, ensure_ascii=False) + "\n"
    with files.replacing(folder / exported.DESCRIPTION) as temporary:
        temporary.write_text(text, encoding="utf-8")


def main(argv):
    """Packs all packaged models."""
    del argv
    devices.start_tensorflow()
    for name in packaged.PACKAGED_MODELS:
        folder = exported.FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        pack(name, folder)
        print(name, *(f"{path.name} {path.stat().st_size}" for path in sorted(folder.iterdir())))


if __name__ == "__main__":
    app.run(main)
