"""Contact sheets: pictures in rows and columns."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfstyle.images.resizing import fit, resize

SIDE = 180  # pixels of a picture on a sheet, where a program does not choose
_CAPTION = 20  # pixels of a line of text
_GAP = 4
_BLANK = (224, 224, 224)  # in place of a missing picture


def contact_sheet(
    rows: Sequence[Sequence[np.ndarray | None]], headings: Sequence[str], side: int = SIDE
) -> Image.Image:
    """Pictures side by side, grey where there is none; headings that are too long are cut.

    Args:
        rows: each of `(1, h, w, 3)` pictures in [0, 1].
        headings: of the columns.
        side: longest side of a picture on the sheet, in pixels.
    """
    sheet = Image.new("RGB", sheet_size(len(rows), len(headings), side), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for column, heading in enumerate(headings):
        left = _GAP + column * (side + _GAP)
        draw.text((left, 2), shortened(heading, draw, font, side), fill="black", font=font)
        for line, pictures in enumerate(rows):
            picture, top = pictures[column], _CAPTION + line * (side + _GAP)
            if picture is None:
                sheet.paste(_BLANK, (left, top, left + side, top + side))
            else:
                small = resize(picture, fit(picture.shape[1:3], side))
                sheet.paste(to_pillow(small), (left, top))
    return sheet


def sheet_size(rows: int, columns: int, side: int = SIDE) -> tuple[int, int]:
    """`(width, height)` of a contact sheet in pixels."""
    return columns * (side + _GAP) + _GAP, _CAPTION + rows * (side + _GAP)


def stacked(parts: Sequence[Image.Image]) -> Image.Image:
    """Pictures one below the other, white where a wider one goes on."""
    sheet = Image.new("RGB", (max(p.width for p in parts), sum(p.height for p in parts)), "white")
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    return sheet


def shortened(
    text: str, draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    width: int,
) -> str:  # fmt: skip
    """The text, cut to `width` pixels."""
    while draw.textlength(text, font) > width:
        text = f"{text.rstrip('…')[:-1]}…"
    return text


def to_pillow(image: np.ndarray) -> Image.Image:
    """A Pillow image of `(1, h, w, 3)` in [0, 1]."""
    return Image.fromarray(np.uint8(np.clip(image[0], 0.0, 1.0) * 255.0 + 0.5))
