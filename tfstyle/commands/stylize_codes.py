"""The style codes that `stylize.py` paints photos with."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tfstyle.config import StylizeCommand


class Codes:
    """Codes of all styles, or of their mixture, or of the regions of the only photo.

    They are computed when they are first needed, and anew for each photo whose colours the
    paintings take.

    Args:
        config: of the command.
        stylizer: of its model.
        library: of the styles, or None.
        paintings: their files; none for styles by name.
        pictures: of each file its picture, or, if the cache had it, its code, a dict.
        cache: `CodeCache`, or None.
        regions: `images.regions.Regions` with styles of their own, or None.
    """

    def __init__(
        self,
        config: StylizeCommand,
        stylizer: Any,
        library: Any,
        paintings: Sequence[Any],
        pictures: Sequence[Any],
        cache: Any,
        regions: Any,
    ):
        self._config = config
        self._stylizer = stylizer
        self._library = library
        self._files = paintings
        self._paintings = self._encoded = pictures
        self._cache = cache
        self._parts: Any = None
        self._known: Any = None
        if regions:
            from tfstyle.stylization.region_painting import RegionStyles

            self._parts = RegionStyles(regions, pictures, stylizer.model.min_size)
            self._encoded = self._parts.parts

    def of(self, photo: np.ndarray | None = None) -> Sequence[Any]:
        """Codes by output; a list of codes for each region, if there are regions.

        Args:
            photo: whose colours the paintings take, if they take any; None to leave them.
        """
        recolored = self._config.preserve_color if photo is not None else "none"
        if self._known is None or self._encoded and recolored != "none":
            self._known = self._mixed(self._compute(photo, recolored))
        return self._known

    def styled(self, content: np.ndarray) -> Iterator[tuple[np.ndarray, Any]]:
        """Yields, for each output, the photo with the contrast to be painted with, and the code."""
        from tfstyle import colors

        config = self._config
        if config.prepare != "match":
            photo = colors.adjust_contrast(content, (), config.prepare)
            yield from ((photo, code) for code in self.of(photo))
            return
        together = bool(config.style_weights or self._parts)
        groups = [self._paintings] if together else [[one] for one in self._paintings]
        for number, group in enumerate(groups):
            photo = colors.adjust_contrast(content, group, "match", config.style_weights)
            if config.preserve_color == "none":
                yield photo, self.of()[number]
            elif together:
                yield photo, self.of(photo)[0]
            else:
                (code,) = self._stylizer.encode_styles(group, photo, config.preserve_color)
                yield photo, code

    def _mixed(self, codes):
        if self._parts:
            return [self._parts.mixed(codes, self._stylizer.mix)]
        if self._config.style_weights:
            return [self._stylizer.mix(codes, self._config.style_weights)]
        return codes

    def _compute(self, photo, recolored):
        names = self._config.style_name
        if self._library:
            return [self._library.code(name) for name in names or self._library.names()]
        if not self._encoded:
            return [self._stylizer.named_style(name) for name in names]
        if self._cache:
            return [*map(self._cached, self._files, self._encoded)]
        return self._stylizer.encode_styles(self._encoded, photo, recolored)

    def _cached(self, file, picture):
        if isinstance(picture, dict):
            return picture
        code = self._stylizer.encode_style(picture)
        self._cache.put(file, code)
        return code
