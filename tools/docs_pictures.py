"""Renders the pictures of docs/regions.md and docs/strokes.md by the commands that stand there.

    python -m tools.docs_pictures [--only regions/auto.jpg,gallery/brush.jpg] [--output docs]

Each picture is a row of the inputs that explain it and of renders, made from examples/ alone.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from absl import app, flags

from tfstyle import files, images
from tfstyle.images import sheets

_OUTPUT = flags.DEFINE_string("output", "docs", "Folder to write them to.")
_ONLY = flags.DEFINE_list("only", [], "Pictures to make, of all.")
_ROOT = pathlib.Path(__file__).parent.parent
_EXAMPLES = _ROOT / "examples"
_REGIONS = _ROOT / "docs" / "regions"
_SIZE = 384  # pixels of a render
_GAP = 6

_ASTRONAUT = ["--content", _EXAMPLES / "astronaut.jpg"]
_BRUSHSTROKES = ["--style", _EXAMPLES / "brushstrokes.jpg"]
_MOSAIC = ["--style", _EXAMPLES / "mosaic.jpg", "--encoder", "lite"]
_MAP, _MOSAIC_MAP = _REGIONS / "astronaut_regions.png", _REGIONS / "mosaic_regions.png"
_STRENGTH = _REGIONS / "astronaut_strength.png"


def paint(*arguments, program="optimize"):
    """The picture of a program, `(1, h, w, 3)`."""
    with tempfile.TemporaryDirectory() as name:
        output = pathlib.Path(name) / "picture.png"
        command = [sys.executable, _ROOT / f"{program}.py", *arguments, "--size", _SIZE]
        subprocess.run([*map(str, command), "--output", str(output)], check=True)
        return images.read_image(output)


def two_styles(program="optimize"):
    styles = [*_BRUSHSTROKES, "--style", _EXAMPLES / "ink_wash.jpg"]
    regions = ["--content_mask", _MAP, "--region", "black=1", "--region", "white=2"]
    return [images.read_image(_MAP), paint(*_ASTRONAUT, *styles, *regions, program=program)]


def two_maps():
    maps = ["--content_mask", _MAP, "--style_mask", _MOSAIC_MAP]
    return [
        images.read_image(_MAP),
        images.read_image(_MOSAIC_MAP),
        paint(*_ASTRONAUT, *_MOSAIC, *maps),
    ]


def strength():
    picture = paint(*_ASTRONAUT, *_BRUSHSTROKES, "--encoder", "lite", "--strength_map", _STRENGTH)
    return [images.read_image(_STRENGTH), picture]


def auto():
    with tempfile.TemporaryDirectory() as name:
        picture = paint(*_ASTRONAUT, *_MOSAIC, "--auto_regions", 3, "--save_masks", name)
        maps = [images.read_image(path) for path in sorted(pathlib.Path(name).iterdir())]
    return [maps[0], images.read_image(_EXAMPLES / "mosaic.jpg"), maps[1], picture]


def fast():
    return two_styles("stylize")[1:]


def brush():
    cat = ["--content", _EXAMPLES / "chelsea.jpg", "--style", _EXAMPLES / "mosaic.jpg"]
    return [paint(*cat, "--brush", size) for size in ("fine", "medium", "bold")]


def prepare():
    """A portrait of a quarter of the contrast, around a light grey."""
    foggy = 0.62 + 0.25 * (images.read_image(_EXAMPLES / "astronaut.jpg", _SIZE) - 0.5)
    with tempfile.TemporaryDirectory() as name:
        path = pathlib.Path(name) / "foggy.png"
        images.write_image(path, foggy)
        ways = [[], ["--prepare", "equalize"], ["--prepare", "match"]]
        return [foggy, *(paint("--content", path, *_BRUSHSTROKES, *way) for way in ways)]


_PICTURES = {  # by file: what makes it, and the height of its cells
    "regions/two_styles.jpg": (two_styles, 384),
    "regions/two_maps.jpg": (two_maps, 320),
    "regions/strength.jpg": (strength, 384),
    "regions/auto.jpg": (auto, 256),
    "regions/fast.jpg": (fast, 384),
    "gallery/brush.jpg": (brush, 255),
    "gallery/prepare.jpg": (prepare, 288),
}


def row(pictures, height):
    """Pictures of one height side by side, white between them."""
    gap = np.ones((1, height, _GAP, 3), np.float32)
    cells = []
    for picture in pictures:
        width = round(picture.shape[2] * height / picture.shape[1])
        cells += [images.resize(picture, (height, width)), gap]
    return np.concatenate(cells[:-1], axis=2)


def main(_):
    unknown = set(_ONLY.value) - set(_PICTURES)
    if unknown:
        raise app.UsageError(f"--only={sorted(unknown)[0]}: none of {', '.join(_PICTURES)}")
    for name in _ONLY.value or _PICTURES:
        make, height = _PICTURES[name]
        path = pathlib.Path(_OUTPUT.value) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as temporary:
            sheets.to_pillow(row(make(), height)).save(temporary, "JPEG", quality=88)
        print(path, flush=True)


if __name__ == "__main__":
    app.run(main)
