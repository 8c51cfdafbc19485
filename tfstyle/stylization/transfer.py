"""A trained model that is loaded once for many pictures."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfstyle import colors
from tfstyle.config import TILE_SIZE, WRAP_AXES
from tfstyle.errors import InputError, brief
from tfstyle.runtime import memory
from tfstyle.stylization import engines, smoothing, tiling, wrapping

if TYPE_CHECKING:
    from tfstyle.models import StyleTransferModel
    from tfstyle.models.capabilities import Code


# Memory in bytes: of the process with a model, and for each pixel that is painted at once; the
# packaged `quality` takes 1000 for each, `mobile` half, VGG-19's AdaIN 1400.
_BASE_BYTES = 0.7e9
_PIXEL_BYTES = 1000.0
_TILED_PIXEL_BYTES = 48  # the photo, the picture, and the copies for its file


class Stylizer:
    """A model that stylizes photos of any size, in one style or several.

    ```python
    stylizer = Stylizer("quality")
    code = stylizer.encode_style(images.read_image("painting.jpg", 512))
    picture = stylizer.paint(images.read_image("photo.jpg"), code, strength=0.8)
    ```

    Args:
        model: a packaged model's name, the path of a `.keras` file, or a model.
        tile_size: longest side in pixels painted at once; models that can paint larger photos in
            tiles, of which some need larger ones than the default, and get them.
        compiled: whether to compile the model for each size of picture, which takes some seconds
            and makes further ones of that size faster.
        engine: "keras", or "litert", which paints whole photos without TensorFlow; see `engines`.
        threads: of LiteRT; 0 for as many as there are processors.
    Raises: InputError if there is no such model, or for tiles that are too small for it; ValueError
        for `compiled` files.
    """

    def __init__(
        self,
        model: "str | os.PathLike | StyleTransferModel" = "quality",
        tile_size: int = TILE_SIZE,
        compiled: bool = False,
        engine: str = "keras",
        threads: int = 0,
    ):
        from tfstyle.models.capabilities import Tileable

        self.model: Any = model
        if isinstance(model, (str, os.PathLike)):
            if compiled and engine == "litert":
                raise ValueError(f"`compiled` is for Keras. Received: {compiled=}, {engine=}")
            self.model = engines.load(model, engine, threads)
        self._tiles = isinstance(self.model, Tileable)
        least = tiling.least_tile_size(self.model) if self._tiles else 0
        if tile_size < least and tile_size != TILE_SIZE:
            raise InputError(
                f"--tile_size: this model needs {least} pixels or more, not {tile_size}"
            )
        self.tile_size = max(tile_size, least)
        self._compiled = compiled
        self._encode = getattr(self.model, "encode_style", None)
        self._stylize = self.model.stylize
        if self._tiles:
            self._stylize_tile, self._summarize = self.model.stylize_tile, self.model.summarize
        if compiled:
            import tensorflow as tf

            self._encode = self._encode and tf.function(self._encode, autograph=False)
            self._stylize = tf.function(self._stylize, autograph=False)
            if self._tiles:
                self._stylize_tile = tf.function(self._stylize_tile, autograph=False)
                self._summarize = tf.function(self._summarize, autograph=False)

    def encode_style(self, style: np.ndarray) -> dict[str, np.ndarray]:
        """The code of a style picture, `(1, h, w, 3)` in [0, 1]; InputError without the capability.

        Larger pictures give larger strokes; a longest side of 512 pixels is usual.
        """
        from tfstyle.models.capabilities import StylePictures, require, to_numpy

        require(self.model, StylePictures, "--style")
        _check_memory(style, "the painting", "a smaller --style_size")
        return to_numpy(self._encode(style))  # type: ignore[misc]

    def encode_styles(
        self,
        styles: Sequence[np.ndarray],
        content: np.ndarray | None = None,
        preserve_color: str = "none",
    ) -> list[dict[str, np.ndarray]]:
        """Codes of style pictures.

        Args:
            styles: `(1, h, w, 3)` in [0, 1].
            content: the photo to stylize, needed to keep its colours.
            preserve_color: as in `paint`; "histogram" and "linear" first match the styles' colours
                to the photo's.
        """
        if preserve_color != "none":
            if content is None:
                raise ValueError(
                    f"`content` must be given to keep its colours. Received: {preserve_color=}"
                )
            _, styles = colors.prepare(content, styles, preserve_color)
        return [self.encode_style(style) for style in styles]

    def named_style(self, name: str) -> dict[str, np.ndarray]:
        """The code of one of the model's own styles; InputError for another name or model."""
        from tfstyle.config import did_you_mean
        from tfstyle.models.capabilities import NamedStyles, require, to_numpy

        names = require(self.model, NamedStyles, "--style_name").style_names
        if name not in names:
            raise InputError(f"--style_name: no style '{name}' in the model"
                             f"{did_you_mean(name, tuple(names))}")  # fmt: skip
        return to_numpy(self.model.encode_index(np.array([names.index(name)], np.int32)))

    def mix(self, codes: "Sequence[Code]", shares: Sequence[float] = ()) -> dict[str, np.ndarray]:
        """The mixture of codes; InputError for a model whose codes cannot be mixed.

        Args:
            codes: of styles.
            shares: of each, at least 0 and not all 0; normalized to sum 1. Equal if empty.
        """
        from tfstyle.models.capabilities import MixableCodes, require, to_numpy

        shares = shares or (1.0,) * len(codes)
        total = sum(shares)
        if len(shares) != len(codes) or min(shares, default=-1) < 0 or not 0 < total < np.inf:
            raise ValueError(
                "`shares` must be a number for each code, at least 0 and not all 0. Received: "
                f"{shares} for {len(codes)} codes"
            )
        if len(codes) == 1:
            return to_numpy(codes[0])
        able = require(self.model, MixableCodes, "--style_weights")
        return to_numpy(able.mix_codes(codes, [share / total for share in shares]))

    def check_photo(self, content: np.ndarray, name: str | os.PathLike) -> None:
        """Raises InputError for a photo too small for the model, or too large for the memory.

        Args:
            content: as in `paint`.
            name: of the photo, for errors.
        """
        self.model.check_picture(content, name)
        if not self.paints_whole(content):
            memory.check(
                _TILED_PIXEL_BYTES * content.size // 3, str(name), "a smaller --size needs less"
            )
        else:
            fewer = "--size or --tile_size" if self._tiles else "--size"
            _check_memory(content, f"{name}, painted whole", f"a smaller {fewer}")

    def check_code(self, code: "Code", name: str) -> None:
        """Raises InputError unless the model paints a finite picture with a code.

        Args:
            code: of one style, from a file.
            name: of the file and the style, for errors.
        """
        side = self.model.min_size
        try:
            picture = np.asarray(self.model.stylize(np.full((1, side, side, 3), 0.5, "f"), code))
        except Exception as error:  # a model and TensorFlow raise any
            raise InputError(f"{name}: not a code of this model ({brief(error)})") from error
        if picture.shape != (1, side, side, 3) or not np.isfinite(picture).all():
            raise InputError(f"{name}: a damaged code, of which the model makes no picture")

    def summarize(
        self, content: np.ndarray, code: "Code", strength: float = 1.0, preserve_color: str = "none"
    ) -> dict[str, np.ndarray]:
        """The model's statistics of photos, for `paint`, which may be averaged; empty without any.

        Arguments are those of `paint`.
        """
        from tfstyle.models.capabilities import to_numpy

        if not self._tiles:
            return {}
        painted = colors.luminance(content) if preserve_color == "luminance" else content
        if not self.paints_whole(content):
            return to_numpy(tiling.summarize(self.model, painted, code, strength, self.tile_size))
        share = np.full(len(content), strength, np.float32)
        return to_numpy(self._summarize([painted], [1.0], code, share))

    def paints_whole(self, content: np.ndarray, statistics_of=None, wrap: str = "none") -> bool:
        """Whether `paint` with these arguments paints photos in one piece each."""
        small = not self._tiles or max(content.shape[1:3]) <= self.tile_size
        return small and statistics_of is None and wrap == "none"

    def paint(
        self,
        content: np.ndarray,
        code: "Code",
        strength: float = 1.0,
        preserve_color: str = "none",
        on_progress: Callable[[int, int], object] | None = None,
        *,
        statistics_of: np.ndarray | None = None,
        summary: "Code | None" = None,
        wrap: str = "none",
        photorealistic: bool = False,
    ) -> np.ndarray:
        """Photos in a style.

        Args:
            content: `(batch, h, w, 3)` in [0, 1]: pictures of one size, or one of any size.
            code: of one style, or of as many as there are photos.
            strength: from 0, the photo, to 1, the full style.
            preserve_color: "none", or "luminance" for the photo's chroma with the painted
                luminance; other modes affect the styles only, see `encode_styles`.
            on_progress: called with the numbers of tiles painted and of all.
            statistics_of: picture `(1, h, w, 3)` whose statistics the model takes for the photos'
                own: that of another moment or crop, so that both are painted alike.
            summary: from `summarize`, instead of `statistics_of`: of all photos, or of each.
            wrap: "horizontal" or "both" for photos whose opposite edges meet, as they then do in
                the result; not with `photorealistic`, whose filter ends at the edges.
            photorealistic: whether to keep the photos' edges and detail; see `smoothing`.
        Returns: `(batch, h, w, 3)` float32 in [0, 1].
        Raises: InputError of `check_photo`, and if the picture has NaN; ValueError for
            `statistics_of` or `wrap` with a model that is not `Tileable`.
        """
        if content.ndim != 4 or content.shape[-1] != 3 or content.dtype.kind != "f":
            raise ValueError(
                "`content` must be `(batch, h, w, 3)` floats in [0, 1]. Received: "
                f"{content.dtype} {content.shape}"
            )
        if not 0.0 <= strength <= 1.0:
            raise ValueError(f"`strength` must be in [0, 1]. Received: {strength=}")
        self.check_photo(content, "the photo")
        keep = preserve_color == "luminance"
        painted = colors.luminance(content) if keep else content
        if keep and statistics_of is not None:
            statistics_of = colors.luminance(statistics_of)
        whole = self.paints_whole(content, statistics_of, wrap)
        if not whole and not self._tiles:
            raise ValueError("`statistics_of` and `wrap` must be left out for a model that cannot "
                             f"paint in tiles. Received: {type(self.model).__name__}")  # fmt: skip
        if summary and whole:
            share = np.full(len(content), strength, np.float32)
            image = self._stylize_tile(painted, code, share, summary)
        elif not whole:
            image = np.concatenate(
                [
                    self._paint_tiles(
                        one[None], _of_batch(code, number), strength, on_progress, statistics_of,
                        WRAP_AXES[wrap], summary and _of_batch(summary, number),
                    )
                    for number, one in enumerate(painted)
                ]
            )  # fmt: skip
        elif self._compiled:
            image = self._stylize(painted, code, np.full(len(content), strength, np.float32))
        else:
            image = self._stylize(painted, code, strength)
        image = np.asarray(image)
        if not np.isfinite(image).all():
            raise InputError(
                "the picture has NaN: the model or the style code is damaged, or the precision low"
            )
        if photorealistic:
            image = smoothing.photorealistic(image, painted)
        return colors.with_chroma(image, content) if keep else image

    def _paint_tiles(self, content, code, strength, on_progress, statistics_of, axes, summary):
        if not summary:
            whole = content if statistics_of is None else statistics_of
            summary = tiling.summarize(self.model, whole, code, strength, self.tile_size)

        def paint(picture):
            return tiling.paint_tiles(
                self.model, picture, code, strength, self.tile_size, on_progress, summary
            )

        if not axes:
            return paint(content)
        return wrapping.paint_wrapped(content, axes, tiling.overlap(self.model), paint)


def _check_memory(pictures, what, remedy):
    batch, height, width = pictures.shape[:3]
    needed = _BASE_BYTES + _PIXEL_BYTES * batch * height * width
    memory.check(needed, f"{what}, {width} × {height} pixels", f"{remedy} needs less")


def _of_batch(code, number):
    """The code of a photo of a batch: its own, or the shared one."""
    return {k: part if len(part) == 1 else part[number : number + 1] for k, part in code.items()}
