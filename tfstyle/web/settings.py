"""What the page asks for, as JSON, and the flags of the programs that say the same.

A picture stores those flags, so that the programs repeat it, and the page takes them back.
"""

import dataclasses
import math
import pathlib
from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np

from tfstyle import __version__
from tfstyle.config import OptimizeCommand, StylizeCommand
from tfstyle.config.options import stored_flags
from tfstyle.config.regions import PAGE_REGION
from tfstyle.errors import InputError, brief
from tfstyle.images import regions
from tfstyle.images.regions import Regions
from tfstyle.optimization.brushes import BRUSHES
from tfstyle.parsing import json_text
from tfstyle.web import masks

MOST_STYLES = 3  # of a mixture
MOST_BYTES = masks.MOST_CHARACTERS + (1 << 16)  # of the JSON
_STYLE_SIZE = StylizeCommand.style_size
_LEAST_SIZE = 128
_WHOLE = 0.999  # share of the picture
BRUSH = (0.4, 2.5)  # relative sizes of strokes


class _Share(TypedDict):
    id: str
    share: float


class _Region(TypedDict):
    mask: str
    style: str
    strength: float


class _Asked(TypedDict):
    photo: str
    styles: list[_Share]
    strength: float
    keep_color: bool
    brush: float
    size: int
    iterations: int
    region: _Region


@dataclasses.dataclass(frozen=True)
class Region:
    """A part of the picture that is painted otherwise.

    Attributes:
        mask: where it is, as `masks.decode` takes it; "" for nowhere.
        style: id of its style; "" for the picture's.
        strength: in it; at 0 the photo stays.
    """

    mask: str
    style: str
    strength: float


@dataclasses.dataclass(frozen=True)
class Settings:
    """A picture that is asked for.

    Attributes:
        photo: id of the photo.
        styles: ids of the styles.
        shares: of the styles in a mixture.
        strength: from 0, the photo, to 1.
        keep_color: whether the photo's colours stay.
        brush: size of the strokes, relative to the usual one.
        size: longest side in pixels.
        iterations: of a render, at full size.
        region: that is painted otherwise.
    """

    photo: str
    styles: tuple[str, ...]
    shares: tuple[float, ...]
    strength: float
    keep_color: bool
    brush: float
    size: int
    iterations: int
    region: Region

    @classmethod
    def parse(cls, body: bytes, largest_size: int) -> "Settings":
        """From JSON; InputError for what is missing, of another type or out of range."""
        try:
            parsed = json_text.parse(body.decode("utf-8"))
            found = json_text.check(parsed, _Asked, longest=masks.MOST_CHARACTERS)
        except (ValueError, LookupError) as error:
            raise InputError(f"not a request of the page: {brief(error)}") from error
        styles = found.pop("styles")
        ids = tuple(one["id"] for one in styles)
        shares = tuple(one["share"] for one in styles)
        if not 1 <= len(ids) <= MOST_STYLES or len(set(ids)) < len(ids):
            raise InputError(f"styles: choose one to {MOST_STYLES}")
        if not all(0 <= share <= 1 for share in shares) or not any(shares):
            raise InputError("styles: their shares must be from 0 to 1, and not all 0")
        ranges = {
            "strength": (0, 1), "brush": BRUSH, "size": (_LEAST_SIZE, largest_size),
            "iterations": (1, 500),
        }  # fmt: skip
        for name, (least, most) in ranges.items():
            if not least <= found[name] <= most:
                raise InputError(f"{name}: must be from {least} to {most}, not {found[name]}")
        found["region"] = Region(**found["region"])
        if not 0 <= found["region"].strength <= 1:
            raise InputError(
                f"region.strength: must be from 0 to 1, not {found['region'].strength}"
            )
        return cls(styles=ids, shares=shares, **found)

    @property
    def style_size(self) -> int:
        """Longest side of a painting for the model, in pixels."""
        return style_size(self.brush)

    @property
    def preserve_color(self) -> str:
        """The flag."""
        return "luminance" if self.keep_color else "none"

    @property
    def work(self) -> float:
        """Of a render: iterations, times a million pixels of a square picture."""
        return self.iterations * self.size**2 / 1e6

    def _weights(self):
        return self.shares if len(self.shares) > 1 else ()

    def stylize_parameters(
        self, model: str, photo: str, names: Sequence[str], region_style: str
    ) -> dict[str, Any]:
        """What a picture of the model stores, as those of `stylize.py` do; and its region.

        Args:
            model: its name.
            photo: likewise.
            names: of the styles.
            region_style: name of the region's style; "" for these.
        """
        command = StylizeCommand(
            content=(photo,), model=model, strength=self.strength, size=self.size,
            style_size=self.style_size, style_weights=self._weights(),
            preserve_color=self.preserve_color,
        )  # fmt: skip
        return {"program": f"tfstyle stylize {__version__}",
                **stored_flags(command), "content": photo, "style": "+".join(names),
                **self._stored_region(region_style)}  # fmt: skip

    def _stored_region(self, style):
        if not self.region.mask:
            return {}
        return {PAGE_REGION: {**dataclasses.asdict(self.region), "style": style}}

    def render_command(self, photo: str, paintings: Sequence[str]) -> OptimizeCommand:
        """The flags of `optimize.py`, of what is outside of the region."""
        return OptimizeCommand(
            content=(photo,), style=tuple(paintings), style_weights=self._weights(),
            size=self.size, iterations=self.iterations, style_scale=self.brush,
            style_weight=OptimizeCommand.style_weight * _style_factor(self.strength),
            preserve_color=self.preserve_color,
        )  # fmt: skip

    def render_parameters(self, command: OptimizeCommand, region_style: str) -> dict[str, Any]:
        """What a rendered picture stores, as those of `optimize.py` do; and its region.

        Args:
            command: of `render_command`.
            region_style: as of `stylize_parameters`.
        """
        return {"program": f"tfstyle optimize {__version__}",
                **stored_flags(command), "content": command.content[0],
                **self._stored_region(region_style)}  # fmt: skip

    def render_regions(self, shape: tuple[int, int], region_style: int | None) -> Regions | None:
        """What a render takes of the region; None without one.

        Args:
            shape: `(height, width)` of the picture.
            region_style: index of the region's style in the render's style images, at the end of
                those outside if it is not one of them; None if it has theirs.
        Raises: InputError for a damaged mask, or one of the whole picture that keeps the photo.
        """
        mask = masks.decode(self.region.mask, shape)
        if mask is None:
            return None
        count = max(len(self.styles), (region_style or 0) + 1)
        rows = np.zeros((2, count))
        rows[:, : len(self.styles)] = self.shares
        if region_style is not None:
            rows[1] = np.arange(count) == region_style
        rows /= rows.sum(axis=1, keepdims=True)
        if not self.region.strength:
            if mask.mean() > _WHOLE:
                raise InputError("region: it is the whole picture, where the photo stays")
            return regions.whole(1.0 - mask, count, tuple(rows[0]))
        factors = [1.0, _style_factor(self.region.strength) / _style_factor(self.strength)]
        maps = np.concatenate([1.0 - mask, mask], axis=-1)
        found = Regions(maps, [None] * count, rows, np.array(factors), np.ones_like(mask))
        return regions.without_empty(found)


def style_size(brush: float) -> int:
    """Longest side of a painting for the model, in pixels, with strokes of a relative size."""
    return round(_STYLE_SIZE * brush)


def _style_factor(strength):
    """That a strength is, of a render's style weight."""
    return 10.0 ** (strength - 1.0)


def of_parameters(found: dict[str, Any]) -> dict[str, Any]:
    """The page's settings, with names in place of ids, of the parameters in a picture.

    What is missing in the picture, or no value of the page, is left out.
    """
    program = str(found.get("program", "")).removeprefix("tfstyle ").partition(" ")[0]
    if program not in ("stylize", "optimize"):
        return {}
    rendered = program == "optimize"
    shares = [max(0.0, one) for one in _value(found, "style_weights", list[float], [])]
    styles = _texts(found, "style")
    if shares and not rendered:
        styles = styles[0].split("+") if styles else []
    styles = [_stem(one) for one in styles][:MOST_STYLES]
    shares = shares if len(shares) == len(styles) and any(shares) else [1.0] * len(styles)
    if rendered:
        weight = _value(found, "style_weight", float, OptimizeCommand.style_weight)
        relative = weight / OptimizeCommand.style_weight
        strength = 1.0 + math.log10(relative) if relative > 0 else 0.0
        known = BRUSHES.get(_value(found, "brush", str, ""), BRUSHES["medium"])
        brush = known.style_scale * _value(found, "style_scale", float, 1.0)
    else:
        strength = _value(found, "strength", float, 1.0)
        brush = _value(found, "style_size", float, _STYLE_SIZE) / _STYLE_SIZE
    content = _texts(found, "content")
    return {
        "rendered": rendered,
        "photo": _stem(content[0]) if content else "",
        "styles": [
            {"name": name, "share": share / max(shares)}
            for name, share in zip(styles, shares, strict=True)
        ],
        "strength": min(1.0, max(0.0, strength)),
        "keep_color": found.get("preserve_color") == "luminance",
        "brush": min(BRUSH[1], max(BRUSH[0], brush)),
        "size": _value(found, "size", int, 0),
        "iterations": _value(found, "iterations", int, 0),
        "region": _value(found, PAGE_REGION, _Region, {"mask": "", "style": "", "strength": 0.0}),
    }


def _stem(path):
    name = pathlib.PureWindowsPath(path).name
    return name.rpartition(".")[0] or name


def _texts(found, name):
    """A text, or several, as a list."""
    one = _value(found, name, str, "")
    return [one] if one else _value(found, name, list[str], [])


def _value(found, name, kind, default):
    """A parameter, or the default if it is of another kind."""
    try:
        return json_text.check(found.get(name), kind, longest=masks.MOST_CHARACTERS)
    except ValueError:
        return default
