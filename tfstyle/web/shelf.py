"""Pictures that the page can choose: those that are offered to all, and one's own uploads."""

import dataclasses
import io
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from tfstyle import files, images
from tfstyle.config import WebCommand
from tfstyle.images import thumbnails

PHOTOS, STYLES = "photos", "styles"  # what a picture is for
_EXAMPLE_PHOTOS = ("astronaut", "chelsea")
_EXAMPLE_STYLES = ("brushstrokes", "ink_wash", "mosaic", "stained_glass")


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """A photo or a style.

    Attributes:
        id: in addresses.
        name: of the file, without its suffix.
        file: its name with that, as a picture's parameters have it.
        path: of the file; None for a style of which there is only a code.
        code: of the style, or None for that of the painting.
        thumbnail: JPEG file of the centre.
    """

    id: str
    name: str
    file: str
    path: pathlib.Path | None
    thumbnail: bytes
    code: Mapping[str, np.ndarray] | None = None

    def described(self) -> dict[str, Any]:
        """What the page knows of it."""
        return {"id": self.id, "name": self.name, "has_painting": self.path is not None}


class Shelf:
    """The pictures that all are offered.

    Args:
        config: names them.
    Raises: InputError for files that cannot be read.

    Attributes:
        photos, styles: by id.
    """

    def __init__(self, config: WebCommand):
        self.photos = dict(self._read("content", config.content, _EXAMPLE_PHOTOS))
        asks = config.style or config.style_library
        self.styles = dict(self._read("style", config.style, () if asks else _EXAMPLE_STYLES))

    def add_code(self, name: str, code: Mapping[str, np.ndarray], pixels: np.ndarray) -> None:
        """Adds a style of which there is only a code, and a thumbnail."""
        picture = Picture(f"named-{len(self.styles)}", name, "", None, jpeg(pixels), code)
        self.styles[picture.id] = picture

    def _read(self, flag, paths, examples):
        found = images.find_pictures(flag, paths)
        if not paths:
            found = [files.examples_folder() / f"{name}.jpg" for name in examples]
        names = images.distinct_names(found)
        for number, (path, name) in enumerate(zip(found, names, strict=True)):
            small = images.read_image(path, 2 * thumbnails.SIZE, enlarge=False)
            thumbnail = jpeg(thumbnails.thumbnail(small))
            picture = Picture(f"{flag}-{number}", name, path.name, path, thumbnail)
            yield picture.id, picture


def jpeg(pixels: np.ndarray, quality: int = 85) -> bytes:
    """A JPEG file of `(h, w, 3)` uint8."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
