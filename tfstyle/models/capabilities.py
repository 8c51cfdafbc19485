"""Optional abilities of models: each capability is a base class.

A model declares a capability by inheriting from its class, and a program asks for it by
`require`, so that a missing one is a clear error before any work.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tfstyle.errors import InputError

if TYPE_CHECKING:
    import keras

Code = Mapping[str, Any]  # of one style or of a batch: arrays by name, each `(batch, …)`
Picture = Any  # `(batch, h, w, 3)` float32 RGB in [0, 1], an array or a tensor
_Capability = TypeVar("_Capability")


class StylePictures:
    """Can take the style of any picture."""

    purpose = "takes the style of a picture"

    def encode_style(self, style: Picture) -> dict[str, Any]:
        """Codes of style pictures, `(batch, h, w, 3)`: arrays by name, each `(batch, …)`.

        A code may be empty. Programs accept codes of any such structure, in libraries and as
        outputs and inputs of exported files.
        """
        raise NotImplementedError


class NamedStyles:
    """Has named styles, learned in training.

    Its factory gets `style_names`, those of the paintings that it is trained on, and training
    passes `"style_index"`, `(batch,)` int32 indices into them, with the pictures.

    Attributes:
        style_names: in the order of the indices.
        style_credits: of each style, what its painting is and where it is from, in a line; or ().
        style_thumbnails: of each style, a small JPEG of its painting in base64; or ().
        most_styles: how many there may be; None for any number.
    """

    purpose = "has styles by name"
    style_names: tuple[str, ...]
    style_credits: tuple[str, ...] = ()
    style_thumbnails: tuple[str, ...] = ()
    most_styles: int | None = None

    def encode_index(self, index: Any) -> dict[str, Any]:
        """Codes of styles by their indices in `style_names`, `(batch,)` int32."""
        raise NotImplementedError


class WholePaintings(NamedStyles):
    """Has named styles that are learned from whole paintings instead of crops.

    Training calls `set_paintings` once; the batches then have photographs and indices alone.
    """

    purpose = "is trained on whole paintings"

    def set_paintings(self, paintings: Sequence[Picture], first: int = 0) -> None:
        """Gives the paintings of the styles, from the one of index `first` on.

        Args:
            paintings: `(1, h, w, 3)` each, of any sizes.
            first: index in `style_names`.
        """
        raise NotImplementedError


class MoreStyles(NamedStyles):
    """Can learn further styles, which leave the pictures of its others as they are."""

    purpose = "can learn further styles"

    def keep_styles(self, trained: "keras.Model") -> None:
        """Takes over a trained model, whose styles come first; training then leaves them alone.

        Raises: ValueError, with the reason, if its weights do not fit.
        """
        raise NotImplementedError


class AlternatingTraining:
    """Alternates between losses, each with steps of its own."""

    purpose = "alternates between losses"

    def loss_of(self, step: int) -> str:
        """The name of the method for a step, counted from 1, that replaces `loss_terms`.

        A pure function of the step, so that a resumed run goes on exactly. A variable that a loss
        does not depend on is not changed by its steps.
        """
        raise NotImplementedError


class MixableCodes:
    """Has codes whose weighted means are codes, too."""

    purpose = "has codes that can be mixed"

    def mix_codes(self, codes: Sequence[Code], shares: Sequence[float]) -> dict[str, Any]:
        """The mixture of codes with shares of sum 1: by default the weighted mean."""
        return {
            name: sum(share * code[name] for share, code in zip(shares, codes, strict=True))
            for name in codes[0]
        }


class RegionalCodes(MixableCodes):
    """Has codes that can differ by position, so that regions are painted in one pass."""

    purpose = "has codes that can differ by position"

    def mix_by_region(self, codes: Sequence[Code], weights: Any) -> dict[str, Any]:
        """The code of one photo whose regions have codes of their own.

        It fits `stylize` of that photo, whole; it is no code of a library or of a tile.

        Args:
            codes: of each region, of batch 1.
            weights: `(1, h, w, regions)` of the photo's positions, of sum 1 at each.
        """
        raise NotImplementedError


class Tileable:
    """Can paint tiles of a picture that fit together without blending.

    Attributes:
        receptive_field: pixels to each side of a painted pixel that it may depend on.
        tile_stride: tiles start at multiples of so many pixels.
    """

    purpose = "paints in tiles"
    receptive_field: int
    tile_stride: int

    def summarize(
        self, parts: Sequence[Picture], areas: Sequence[float], code: Code, strength: Any = 1.0
    ) -> dict[str, Any]:
        """What tiles need to know of the whole picture, as arrays by name, each `(batch, …)`.

        Args:
            parts: of the picture, without overlap; they may be iterated over several times.
            areas: of the parts, in any unit.
            code: the style's.
            strength: of `stylize`.
        Returns: an empty dict for a model that needs no statistics of the picture.
        """
        return {}

    def stylize_tile(self, tile: Picture, code: Code, strength: Any, summary: Code) -> Picture:
        """As `stylize`, for a tile of the picture that was summarized."""
        raise NotImplementedError


class Pretrainable:
    """Can learn to reproduce pictures before it learns styles."""

    purpose = "can be pretrained"

    def reconstruction_terms(self, content: Picture) -> dict[str, Any]:
        """As `loss_terms`, for the reconstruction of `content`."""
        raise NotImplementedError


class Growable:
    """Can start from a trained model, of another size, too, if the architecture can."""

    purpose = "can start from another model"

    def start_from(self, trained: "keras.Model") -> None:
        """Copies the trained weights; ValueError, with the reason, if they do not fit."""
        raise NotImplementedError


def to_numpy(code: Code) -> dict[str, np.ndarray]:
    """A code, or any arrays by name, as NumPy arrays."""
    return {name: np.asarray(part) for name, part in code.items()}


def require(model: Any, capability: type[_Capability], flag: str) -> _Capability:
    """The model, typed as one that has the capability.

    Raises: InputError, which names the flag and the model, if it lacks the capability.
    """
    if not isinstance(model, capability):
        what = capability.purpose  # type: ignore[attr-defined]
        hint = ""
        if capability is StylePictures and isinstance(model, NamedStyles):
            hint = f"; it has these by name: {', '.join(model.style_names)}"
        elif capability is NamedStyles:
            hint = "; give it a --style"
        raise InputError(f"{flag}: is for a model that {what}, unlike {type(model).__name__}{hint}")
    return model


def check_sides(picture: Picture, name: Any, least: int) -> None:
    """Raises InputError, which names the picture, if its sides are too short for a model."""
    height, width = picture.shape[1:3]
    if min(height, width) < least:
        raise InputError(
            f"{name}: {width} × {height} pixels at this size; both sides must have {least}"
        )
