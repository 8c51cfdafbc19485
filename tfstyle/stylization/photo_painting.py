"""From a photo's file to its picture's file: one way for all programs that paint photos."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfstyle import __version__, images
from tfstyle.config import StylizeCommand
from tfstyle.config.options import stored_flags
from tfstyle.errors import of_flag
from tfstyle.stylization.transfer import Stylizer

if TYPE_CHECKING:
    from tfstyle.models.capabilities import Code


def load_stylizer(config: StylizeCommand, engine: str, threads: int = 0) -> Stylizer:
    """The `Stylizer` of a command.

    Args:
        config: of the command.
        engine: started, "litert" or "keras".
        threads: of LiteRT; 0 for as many as there are processors.
    Raises: InputError if the model lacks what a flag asks for.
    """
    from tfstyle.models.capabilities import Tileable, require

    stylizer = Stylizer(config.model, config.tile_size, engine=engine, threads=threads)
    for flag in ("tile_size", "wrap", "statistics_of"):
        if getattr(config, flag) != getattr(StylizeCommand, flag):
            require(stylizer.model, Tileable, f"--{flag}")
    return stylizer


class PhotoPainter:
    """Reads, paints and writes photos as the flags of `stylize.py` say.

    Args:
        config: with the flags.
        stylizer: of its model.
        flag: that named the photos, for errors.
        statistics_of: of `Stylizer.paint`.
    """

    def __init__(
        self,
        config: StylizeCommand,
        stylizer: Stylizer,
        flag: str,
        statistics_of: np.ndarray | None = None,
    ):
        self._config, self._stylizer, self._flag = config, stylizer, flag
        self._statistics_of = statistics_of

    def read(self, path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray | None]:
        """The photo, and its opacity or None; InputError if it cannot be painted."""
        size = self._config.size or None
        with of_flag(self._flag):
            content = images.read_image(path, size)
            self._stylizer.check_photo(content, path)
            return content, images.read_alpha(path, size)

    def paint(self, photo: np.ndarray, code: Any, **options: Any) -> np.ndarray:
        """As `Stylizer.paint`, with its other `options` by the flags."""
        config = self._config
        return self._stylizer.paint(
            photo, code, preserve_color=config.preserve_color, statistics_of=self._statistics_of,
            wrap=config.wrap, photorealistic=config.photorealistic, **options,
        )  # fmt: skip

    def region_mixing(self, photo: np.ndarray) -> "Callable[[Sequence[Code], Any], Code] | None":
        """`RegionalCodes.mix_by_region` of a model that paints the photo whole, or None."""
        from tfstyle.models.capabilities import RegionalCodes

        model, stylizer = self._stylizer.model, self._stylizer
        whole = stylizer.paints_whole(photo, self._statistics_of, self._config.wrap)
        return model.mix_by_region if whole and isinstance(model, RegionalCodes) else None

    def write(
        self,
        output: str | os.PathLike,
        content: str | os.PathLike,
        style: str,
        image: np.ndarray,
        alpha: np.ndarray | None,
    ) -> None:
        """Writes a picture with its parameters, atomically.

        Args:
            output: file to write.
            content: the photo's file.
            style: its name.
            image: from `paint`.
            alpha: from `read`.
        """
        parameters = stored(self._config, style) | {"content": str(content)}
        images.write_image(
            output, image, alpha=alpha, bits=self._config.bits, parameters=parameters
        )


def stored(config: StylizeCommand, style: str) -> dict[str, Any]:
    """The parameters that a picture stores, but for its photo: of a command for it alone.

    Args:
        config: with the flags.
        style: its name; of a mixture the names of its styles.
    """
    named = config.style_name or config.style_library
    if named and not config.style_weights and not config.content_mask:
        config = dataclasses.replace(config, style_name=(style,))
    return {"program": f"tfstyle stylize {__version__}", **stored_flags(config), "style": style}
