"""Regions of a photograph, each with a style and a strength of its own."""

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from tfstyle.errors import InputError
from tfstyle.images.label_maps import LabelMap, color_name, color_names
from tfstyle.images.resizing import resample

_LEAST = 1e-4  # of the picture, that a region fills
_FADE = 0.1  # strength below which the photograph itself shows
_BAND = 256  # rows


class Assignment(NamedTuple):
    """What the user wants of a region.

    Attributes:
        color: `(3,)` uint8 of the label map.
        style: number of a style, counted from 1; 0 to keep the photograph.
        strength: factor of the style's weight.
    """

    color: np.ndarray
    style: int
    strength: float


@dataclasses.dataclass(frozen=True)
class Regions:
    """Where a photograph is painted in which style, and how strongly.

    Attributes:
        content: `(1, h, w, r)` float32 weights of the photograph's positions, of sum 1 at each.
        styles: of each style image likewise, or None where it is whole in each region.
        shares: `(r, styles)` of the style images in each region, of sum 1.
        factors: `(r,)` of the style's weight.
        strength: `(1, h, w, 1)` in [0, 1]: 0 keeps the photograph, 1 is the full style.
    """

    content: np.ndarray
    styles: Sequence[np.ndarray | None]
    shares: np.ndarray
    factors: np.ndarray
    strength: np.ndarray

    def of_styles(self) -> list[np.ndarray]:
        """All that styles' statistics depend on."""
        none = np.zeros(0)
        return [self.shares, *(none if style is None else style for style in self.styles)]

    def digest(self) -> str:
        """Of all of it."""
        found = hashlib.sha256()
        for array in (self.content, self.factors, self.strength, *self.of_styles()):
            found.update(str(array.shape).encode())
            found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()


def whole(strength: np.ndarray, styles: int, shares: Sequence[float] = ()) -> Regions:
    """One region, the whole picture.

    Args:
        strength: of `Regions`.
        styles: number of style images.
        shares: of them; equal if empty.
    """
    weights = np.array([shares or [1.0] * styles], np.float64)
    return Regions(
        np.ones((1, 1, 1, 1), np.float32), [None] * styles, weights / weights.sum(),
        np.ones(1), strength,
    )  # fmt: skip


def match(
    content: LabelMap,
    styles: Sequence[LabelMap | None],
    assignments: Sequence[Assignment] = (),
    shares: Sequence[float] = (),
    strength: np.ndarray | None = None,
    files: tuple[str, Sequence[str]] = ("--content_mask", ()),
) -> Regions:
    """The regions of a photograph with what each is painted in.

    A region takes the style of the regions of the same colour of the style images, and of style
    images without a map; or of the style image that it is assigned.

    Args:
        content: of the photograph.
        styles: of each style image, or None.
        assignments: of regions to style images.
        shares: of the style images, where a region has several; equal if empty.
        strength: of `Regions`, or None for 1.
        files: the maps' names, for errors.
    Raises: InputError for a colour that a map does not have, or if nothing would be painted.
    """
    wanted = {}
    for one in assignments:
        number = content.find(one.color)
        if number is None:
            raise InputError(
                f"--region: {color_name(one.color)} is no region of {files[0]}, whose colours are "
                f"{color_names(content.colors)}"
            )
        if number in wanted:
            raise InputError(f"--region: {color_name(one.color)} is given twice")
        wanted[number] = one
    rows, places, factors, kept = [], [], [], []
    for number, color in enumerate(content.colors):
        assigned = wanted.get(number)
        if assigned and (assigned.style == 0 or assigned.strength == 0.0):
            kept.append(number)
            continue
        place = [style and style.find(color, content.tolerance) for style in styles]
        known = [style is None or at is not None for style, at in zip(styles, place, strict=True)]
        if assigned:
            known = [k and i + 1 == assigned.style for i, k in enumerate(known)]
        row = np.array(shares or [1.0] * len(styles), np.float64) * known
        row = row if row.any() else np.array(known, np.float64)  # a share may be 0
        if not row.any():
            searched = [
                (name, style)
                for i, (name, style) in enumerate(zip(files[1], styles, strict=True))
                if style is not None and (not assigned or i + 1 == assigned.style)
            ]
            there = "; ".join(f"{name} has {color_names(style.colors)}" for name, style in searched)
            raise InputError(
                f"{files[0]}: its region {color_name(color)} is in no map of a style ({there}); "
                "paint it there, or say by --region which style it takes"
            )
        rows.append(row / row.sum())
        places.append(place)
        factors.append(assigned.strength if assigned else 1.0)
    if not rows:
        raise InputError("--region: keeps the photograph everywhere; give a region a style")
    weights = content.weights
    full = np.ones((1, 1, 1, 1), np.float32) if strength is None else strength
    if kept:
        weights, full = _without(weights, kept, full)
    maps: list = [
        style and _in_order(style.weights, [at[number] for at in places])
        for number, style in enumerate(styles)
    ]
    return without_empty(Regions(weights, maps, np.array(rows), np.array(factors), full))


def _in_order(weights, places):
    """The weights of regions at these places; zeros for None."""
    zeros = np.zeros(weights.shape[:-1], np.float32)
    found = [zeros if place is None else weights[..., place] for place in places]
    return np.stack(found, axis=-1)


def keep_photo(picture: np.ndarray, photo: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """A picture that is exactly the photo where the strength is 0.

    Args:
        picture: `(1, h, w, 3)` in [0, 1].
        photo: likewise.
        strength: `(1, h2, w2, 1)` of `Regions`. Near 0, the photo fades to the picture.
    """
    strength = resample(strength[0], picture.shape[1:3], Image.Resampling.BILINEAR)[None]
    result = np.empty_like(picture)
    for top in range(0, picture.shape[1], _BAND):  # so that large pictures need no more memory
        rows = np.s_[:, top : top + _BAND]
        share = np.clip(strength[rows] / _FADE, 0.0, 1.0)
        share = share * share * (3.0 - 2.0 * share)
        result[rows] = photo[rows] + share * (picture[rows] - photo[rows])
    return result


def _without(weights, kept, strength):
    """Weights of the regions that are not kept, of sum 1, and the strength without those."""
    others = np.delete(weights, kept, axis=-1)
    painted = others.sum(axis=-1, keepdims=True)
    others = np.where(painted > 0.0, others / np.maximum(painted, 1e-6), 1.0 / others.shape[-1])
    strength = resample(strength[0], weights.shape[1:3], Image.Resampling.BILINEAR)[None]
    return others.astype(np.float32), strength * painted


def without_empty(regions: Regions) -> Regions:
    """The regions without those that are nowhere painted, for the strength is 0 there."""
    content, strength = regions.content, regions.strength
    shape = tuple(np.maximum(content.shape[1:3], strength.shape[1:3]))
    maps, strength = (
        resample(one[0], shape, Image.Resampling.BILINEAR) for one in (content, strength)
    )
    here = (maps * strength).mean((0, 1)) > _LEAST
    if not here.any():
        raise InputError("--strength_map: is black where a region is painted; nothing is left")
    if here.all():
        return regions
    kept = content[..., here]
    total = kept.sum(axis=-1, keepdims=True)
    return dataclasses.replace(
        regions,
        content=np.where(total > 0.0, kept / np.maximum(total, 1e-6), np.float32(1.0 / here.sum())),
        styles=[style if style is None else style[..., here] for style in regions.styles],
        shares=regions.shares[here],
        factors=regions.factors[here],
    )
