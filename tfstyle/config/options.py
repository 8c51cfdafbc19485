"""What makes a dataclass field a flag, and the checks that flags share."""

import ast
import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tfstyle.errors import InputError

LARGEST_SIZE = 32768  # of pictures and tiles, in pixels
TILE_SIZE = 1024  # of photos, in pixels, by default; a model that needs larger tiles gets them
LARGEST_WEIGHT = 1_000_000  # of losses and styles
_SHOWN = 50  # names in an error
# Axes of a picture along which its opposite edges meet, by value of --wrap.
WRAP_AXES: dict[str, tuple[int, ...]] = {"none": (), "horizontal": (2,), "both": (1, 2)}


def option(default: Any, help: str, *, section: str, choices: Collection[str] = ()) -> Any:
    """A field with what a flag needs besides name and type; tuples are repeatable flags."""
    return dataclasses.field(
        default=default, metadata={"help": help, "section": section, "choices": choices}
    )


def wrap_option() -> Any:
    """The field `wrap` of programs that paint."""
    return option(
        "none", "Opposite edges that meet without a seam: horizontal for 360° panoramas, both for "
        "textures.", section="Look", choices=tuple(WRAP_AXES),
    )  # fmt: skip


def preserve_color_option() -> Any:
    """The field `preserve_color` of programs that paint."""
    return option(
        "none", "Keeps the photo's colours: luminance takes the photo's chroma for the result; "
        "histogram and linear first match the style image's colours to the photo.",
        section="Look", choices=("none", "luminance", "histogram", "linear"),
    )  # fmt: skip


def stored_flags(config: Any) -> dict[str, Any]:
    """The flags of a command that its pictures store: all but those of its `NOT_STORED`."""
    found = dataclasses.asdict(config)
    return {name: value for name, value in found.items() if name not in config.NOT_STORED}


def prepare_option() -> Any:
    """The field `prepare` of programs that paint."""
    return option(
        "none", "Changes the photo's contrast before it is painted, for flat and foggy photos: "
        "equalize uses the whole range of brightness, match the painting's.", section="Look",
        choices=("none", "equalize", "match"),
    )  # fmt: skip


def parse_weights(flag: str, text: str, known: tuple[str, ...]) -> dict[str, float]:
    """`{"a": 1.0, "b": 0.5}` from "a,b:0.5".

    Args:
        flag: named in errors.
        text: names with an optional weight ≥ 0, separated by commas.
        known: the names that exist.
    Raises: InputError for an unknown or repeated name, a bad weight or no name at all.
    """
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = (piece.strip() for piece in part.partition(":"))
        if name not in known:
            raise InputError(f"--{flag}: unknown name '{name}'{did_you_mean(name, known)}")
        if name in weights:
            raise InputError(f"--{flag}: '{name}' is given twice")
        try:
            weights[name] = float(weight) if weight else 1.0
        except ValueError:
            weights[name] = math.nan
        if not 0 <= weights[name] <= LARGEST_WEIGHT:
            raise InputError(
                f"--{flag}: '{weight}' is not a weight; use a number from 0 to {LARGEST_WEIGHT}"
            )
    if not any(weights.values()):
        raise InputError(f"--{flag}: all weights are 0")
    return weights


def check_shares(flag: str, shares: Sequence[float]) -> None:
    """Raises InputError for a share that is no weight, or if all are 0."""
    if any(not 0 <= share <= LARGEST_WEIGHT for share in shares):
        raise InputError(f"--{flag}: must be from 0 to {LARGEST_WEIGHT}, not {tuple(shares)}")
    if shares and not any(shares):
        raise InputError(f"--{flag}: all are 0")


def parse_assignments(flag: str, texts: Sequence[str]) -> dict[str, Any]:
    """`{"a": 1, "b": [2, 3], "c": "text"}` from ("a=1", "b=[2, 3]", "c=text").

    Args:
        flag: named in errors.
        texts: a name and a value each; what is no Python literal is text.
    Raises: InputError for another form or a repeated name.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise InputError(f"--{flag}: '{text}' is not NAME=VALUE")
        if name in found:
            raise InputError(f"--{flag}: '{name}' is given twice")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value
    return found


def did_you_mean(name: str, known: tuple[str, ...]) -> str:
    """'; did you mean …?' or the list of what is known, if that is short."""
    import difflib

    close = sorted((one for one in known if name and name in one), key=len)
    close = close or difflib.get_close_matches(name, known, 1, 0.5)
    if close:
        return f"; did you mean '{close[0]}'?"
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return f"; use one of {', '.join(known[:_SHOWN])}{more}"


def check_options(config: Any, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Raises InputError for a value that is no choice, not finite or out of its range.

    Args:
        config: dataclass whose fields were made by `option`.
        ranges: least and most value of fields by name.
    """
    for field in dataclasses.fields(config):
        value, choices = getattr(config, field.name), tuple(field.metadata["choices"])
        if choices and value not in choices:
            raise InputError(f"--{field.name}: unknown '{value}'; use one of {', '.join(choices)}")
        if value == "" != field.default or isinstance(value, tuple) and "" in value:
            raise InputError(f"--{field.name}: is empty. {field.metadata['help']}")
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"--{field.name}: must be a finite number, not {value}")
    for name, (least, most) in ranges.items():
        value = getattr(config, name)
        if not least <= value <= most:
            raise InputError(f"--{name}: must be from {least} to {most}, not {value}")
