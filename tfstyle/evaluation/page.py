"""The results as a Markdown page with a contact sheet."""

import pathlib
import urllib.parse

from tfstyle import __version__, files
from tfstyle.errors import InputError
from tfstyle.evaluation import tables
from tfstyle.evaluation.measurement import Evaluation
from tfstyle.evaluation.pairs import read_square
from tfstyle.images import sheets

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
        [read_square(pair.content, sheets.SIDE), read_square(pair.style, sheets.SIDE)]
        + [evaluation.picture(system, pair) for system in shown]
        for pair in pairs
    ]
    sheet = path.with_suffix(".jpg")
    headings = ["content", "style", *(system.name for system in shown)]
    with files.replacing(sheet) as temporary:
        sheets.contact_sheet(rows, headings).save(temporary, quality=_JPEG_QUALITY)
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
{_clips(found.clips)}
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


def _clips(table):
    if not table:
        return ""
    return f"\nMeans over clips, each in some styles:\n\n{tables.markdown(table)}\n"
