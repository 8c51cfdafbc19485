"""The model of the page, which paints at once, one picture after the other."""

import functools
import threading
from collections.abc import Sequence

import numpy as np

from tfstyle import images
from tfstyle.config import StylizeCommand, WebCommand
from tfstyle.errors import InputError, of_flag
from tfstyle.images import thumbnails
from tfstyle.models import packaged
from tfstyle.models.capabilities import MixableCodes, StylePictures, require
from tfstyle.stylization import StyleLibrary, Stylizer, engines
from tfstyle.web import masks
from tfstyle.web.settings import BRUSH, MOST_STYLES, Settings, style_size
from tfstyle.web.shelf import STYLES, Picture, Shelf

_MOST_STYLES = 500  # of a library
_BLANK = np.full((thumbnails.SIZE, thumbnails.SIZE, 3), 224, np.uint8)


class Painter:
    """The model, with style codes and photos of late.

    Args:
        config: names model and library.
        shelf: gets the styles of the library, or those that the model was trained for.
    Raises: InputError for a model or a library that cannot be used.

    Attributes:
        takes_paintings: whether the model paints in the style of any picture, not only by name.
        most_styles: that it mixes, one at least.
    """

    def __init__(self, config: WebCommand, shelf: Shelf):
        self.model = config.model
        tiled = config.largest_size > StylizeCommand.tile_size
        engine = "keras" if tiled else engines.fastest(config.model)
        self._stylizer = Stylizer(config.model, engine=engines.start(engine))
        self.takes_paintings = isinstance(self._stylizer.model, StylePictures)
        self.most_styles = MOST_STYLES if isinstance(self._stylizer.model, MixableCodes) else 1
        self._largest_size = config.largest_size
        if not self.takes_paintings:
            shelf.styles.clear()
            if config.style:
                require(self._stylizer.model, StylePictures, "--style")
        self._lock = threading.Lock()
        self._code = functools.lru_cache(maxsize=128)(self._encode)
        self._photo = functools.lru_cache(maxsize=4)(_read)
        if config.style_library:
            with of_flag("style_library"):
                library = StyleLibrary.load(config.style_library)
                library.check_model(self._stylizer.model.code_identity(), config.style_library)
                if len(library.styles) > _MOST_STYLES:
                    raise InputError(
                        f"{config.style_library}: {len(library.styles)} styles, where the page has "
                        f"room for {_MOST_STYLES}; make a smaller library"
                    )
            for name, style in library.styles.items():
                shelf.add_code(name, style.code, style.thumbnail)
        for name, own in packaged.own_styles(config.model).items():
            pixels = thumbnails.decode(own.thumbnail, "JPEG") if own.thumbnail else _BLANK
            shelf.add_code(name, self._stylizer.named_style(name), pixels)

    def check_upload(self, kind: str, shape: tuple[int, int], name: str) -> None:
        """Raises InputError for a picture that cannot be painted, or painted in, at any size.

        Args:
            kind: `shelf.PHOTOS` or `shelf.STYLES`.
            shape: `(height, width)` of the file.
            name: of the file.
        """
        if kind == STYLES:
            self._check_takes_paintings(name)
            largest = images.fit(shape, min(max(shape), style_size(BRUSH[1])))
            self._check_sides(largest, f"{name} as a painting", "choose a larger one")
        else:
            largest = images.fit(shape, self._largest_size)
            self._check_sides(largest, f"{name} as a photo", "it is too narrow")

    def _check_takes_paintings(self, name):
        if not self.takes_paintings:
            raise InputError(
                f"{name}: this model paints in its own styles alone; choose one of them"
            )

    def _check_sides(self, shape, what, remedy):
        blank = np.broadcast_to(np.float32(0), (1, *shape, 3))
        try:
            self._stylizer.model.check_picture(blank, what)
        except InputError as error:
            raise InputError(f"{error}; {remedy}") from error

    def paint(
        self,
        photo: Picture,
        styles: Sequence[Picture],
        settings: Settings,
        region_style: Picture | None = None,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """A photo in a style, or in a mixture: `(1, h, w, 3)` in [0, 1], and its opacity or None.

        Args:
            photo: to paint.
            styles: to mix.
            settings: how.
            region_style: of the settings' region, if that has one of its own.
        Raises: InputError for a picture that the model cannot take.
        """
        with self._lock:
            content, alpha = self._photo(photo, settings.size)
            self._check_sides(content.shape[1:3], f"the photo {photo.name}", "choose a larger size")
            self._stylizer.check_photo(content, photo.name)
            if len(styles) > self.most_styles:
                raise InputError("this model does not mix styles; choose one")
            mask = masks.decode(settings.region.mask, content.shape[1:3])
            codes = [self._code(style, settings.style_size) for style in styles]
            code = self._stylizer.mix(codes, settings.shares)
            image = self._paint(content, code, settings.strength, settings)
            if mask is not None:
                if region_style:
                    code = self._code(region_style, settings.style_size)
                strength = settings.region.strength
                inside = self._paint(content, code, strength, settings) if strength else content
                image = image + mask * (inside - image)
        return image, alpha

    def _paint(self, content, code, strength, settings):
        return self._stylizer.paint(
            content, code, strength=strength, preserve_color=settings.preserve_color
        )

    def _encode(self, style, size):
        if style.code is not None:
            self._stylizer.check_code(style.code, style.name)
            return style.code
        self._check_takes_paintings(style.name)
        painting = images.read_image(style.path, size, enlarge=False)
        what = f"the painting {style.name}"
        self._check_sides(painting.shape[1:3], what, "choose a larger brush or another painting")
        return self._stylizer.encode_style(painting)


def _read(photo, size):
    return images.read_image(photo.path, size), images.read_alpha(photo.path, size)
