"""JSON with limits, checked against annotations such as those of the config's dataclasses."""

import json
import math
import os
import re
import reprlib
import typing
from collections.abc import Sequence
from typing import Any

from tfstyle.parsing import check_regular

MOST_CHARACTERS = 1 << 28  # of a text
MOST_VALUES = 1 << 20  # in a text; they take at most some 100 MB
MOST_ITEMS = 100  # of a list
LONGEST_TEXT = 4096  # characters of a single value, as of a path
# Controls, which could confuse a terminal that shows them, and halves of characters.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SHOWN = reprlib.Repr()  # a value in an error
_SHOWN.maxlist = _SHOWN.maxdict = 2
_NAMES = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a text",
    dict: "an object",
}  # fmt: skip


def parse(text: str, most_characters: int = MOST_CHARACTERS, most_values: int = MOST_VALUES) -> Any:
    """The value of a JSON text.

    Raises: ValueError for other text, or one that is too long, has too many values, is too deep,
        has NaN or infinity, or has a name twice in an object.
    """
    if len(text) > most_characters:
        raise ValueError(f"longer than {most_characters} characters")
    if sum(text.count(mark) for mark in ",[{") >= most_values:
        raise ValueError(f"more than {most_values} values")
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_constant=lambda name: _finite(name.replace("Infinity", "inf")),
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read(path: str | os.PathLike) -> Any:
    """The value of a JSON file; errors are those of `parse`, and OSError."""
    check_regular(path)
    with open(path, "rb") as file:
        data = file.read(MOST_CHARACTERS + 1)
    return parse(data.decode("utf-8"))


def check(
    value: Any,
    kind: Any,
    field: str = "",
    most_items: int = MOST_ITEMS,
    longest: int = LONGEST_TEXT,
) -> Any:
    """A parsed value in the type that an annotation demands.

    Args:
        value: of `parse`.
        kind: bool, int, float, str, dict or a TypedDict; or a list, a tuple with an ellipsis or a
            dict of these, such as `tuple[float, ...]`. Names that a TypedDict lacks are left out.
        field: the value's name, for errors.
        most_items: of each list and object.
        longest: text, in characters.
    Raises: ValueError, which names the field.
    """
    check_part = lambda part, one, name: check(part, one, name, most_items, longest)
    origin = typing.get_origin(kind)
    if typing.is_typeddict(kind):
        found, parts = check(value, dict, field, most_items), {}
        for name, one in typing.get_type_hints(kind).items():
            if name not in found:
                raise ValueError(f"{_join(field, name)} is missing")
            parts[name] = check_part(found[name], one, _join(field, name))
        return parts
    if origin is dict:
        found = check(value, dict, field, most_items)
        one = typing.get_args(kind)[1]
        for name in found:
            check(name, str, f"a name in {field or 'the whole'}")
        return {name: check_part(part, one, _join(field, name)) for name, part in found.items()}
    if origin in (list, tuple):
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > most_items:
            raise _wrong(field, f"a list of at most {most_items}", value)
        one = typing.get_args(kind)[0]
        return origin(
            check_part(part, one, f"{field}[{number}]") for number, part in enumerate(value)
        )
    if kind is float and type(value) is int and abs(value) < 1 << 63:
        value = float(value)
    if type(value) is not kind or kind is int and abs(value) >= 1 << 63:
        raise _wrong(field, _NAMES[kind], value)
    if kind is dict and len(value) > most_items:
        raise _wrong(field, f"an object of at most {most_items}", value)
    if kind is str and (len(value) > longest or not is_printable(value)):
        raise _wrong(field, f"a text of at most {longest} printable characters", value)
    return value


def is_printable(text: str) -> bool:
    """Whether a text has no control characters, also line breaks, and no halves of characters."""
    return text.isprintable() or not _UNPRINTABLE.search(text)  # the former is faster, and stricter


def _object(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"{_SHOWN.repr(twice)} is given twice in an object")
    return found


def _finite(text):
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is not a finite number")
    return number


def _join(field, name):
    return f"{field}.{name}" if field else name


def _wrong(field, wanted, value):
    return ValueError(f"{field or 'the whole'} must be {wanted}, not {_SHOWN.repr(value)}")
