"""The results as a Markdown page with a contact sheet."""

import pathlib
import urllib.parse
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfstyle import __version__, files, images
from tfstyle.errors import InputError
from tfstyle.evaluation import tables
from tfstyle.evaluation.measurement import Evaluation
from tfstyle.evaluation.pairs import read_square

_SIDE = 180  # pixels of a picture on the sheet
_CAPTION = 20  # pixels of a line of text
_JPEG_QUALITY = 82
_MARKER = "Made by one command of tfstyle:"


def check_page(path: pathlib.Path) -> None:
    """Raises InputError if the page cannot be written, or exists and is not one of ours."""
    files.check_writable(path)
    files.check_writable(path.with_suffix(".jpg"))
    if path.exists() and _MARKER not in path.read_text(encoding="utf-8", errors="replace"):
        raise InputError(f"--page: {path} was not written by this program; give another name")


def write_page(
    evaluation: Evaluation, found: tables.Tables, path: pathlib.Path, command: str, machine: str
) -> None:
    """Writes the page, and the contact sheet beside it.

    Args:
        evaluation: to show.
        found: its tables.
        path: `.md`.
        command: that made it.
        machine: what it was made on.
    """
    pairs = evaluation.first_pairs(evaluation.config.sheet_pairs)
    shown = [one for one in evaluation.systems if not one.is_original]
    rows = [
        [read_square(pair.content, _SIDE), read_square(pair.style, _SIDE)]
        + [evaluation.picture(system, pair) for system in shown]
        for pair in pairs
    ]
    sheet = path.with_suffix(".jpg")
    with files.replacing(sheet) as temporary:
        contact_sheet(rows, ["content", "style", *(system.name for system in shown)], _SIDE).save(
            temporary, quality=_JPEG_QUALITY
        )
    names = ", ".join(f"{pair.content.stem} in {pair.style.stem}" for pair in pairs)
    text = f"""# Quality

{_MARKER}

```sh
{command}
```

with tfstyle {__version__}; {machine}. Pictures are centre squares of
{evaluation.config.size} pixels; features are those of `{evaluation.encoder}`. Means are over pairs;
intervals resample photographs and paintings, not pairs, so that they cover other pictures of the
kind. Differences are over the pairs that both systems have. Numbers for another encoder, size or
set of pictures are not comparable.

{tables.markdown(found.distances)}

{tables.markdown(found.others)}

## What the numbers are

{tables.markdown(found.meanings)}

SSIM, PSNR, structure and the perceptual distance rank the content itself first, and the style
metrics the style itself, although neither is a style transfer. Color explained is about 0 for
noise, and sharpness counts halos as edges. Read them together, and look at the pictures.

## Pictures

From the top, content in style: {names}. They are evenly spread, not chosen.

![Contents, styles and the systems' pictures]({urllib.parse.quote(sheet.name)})
"""
    with files.replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def contact_sheet(
    rows: Sequence[Sequence[np.ndarray]], headings: Sequence[str], side: int
) -> Image.Image:
    """Pictures side by side.

    Args:
        rows: each of `(1, h, w, 3)` pictures in [0, 1].
        headings: of the columns.
        side: longest side of a picture on the sheet, in pixels.
    """
    gap = 4
    sheet = Image.new(
        "RGB", (len(headings) * (side + gap) + gap, _CAPTION + len(rows) * (side + gap)), "white"
    )
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for column, heading in enumerate(headings):
        left = gap + column * (side + gap)
        draw.text((left, 2), heading, fill="black", font=font)
        for line, pictures in enumerate(rows):
            small = images.resize(pictures[column], images.fit(pictures[column].shape[1:3], side))
            sheet.paste(to_pillow(small), (left, _CAPTION + line * (side + gap)))
    return sheet


def to_pillow(image: np.ndarray) -> Image.Image:
    """A Pillow image of `(1, h, w, 3)` in [0, 1]."""
    return Image.fromarray(np.uint8(np.clip(image[0], 0.0, 1.0) * 255.0 + 0.5))
