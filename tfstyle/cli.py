"""Flags from dataclasses: parsing, help, one-line errors.

Nothing here imports NumPy or TensorFlow, so that `--help` and usage errors appear at once.
"""

import dataclasses
import errno
import re
import shlex
import signal
import sys
import textwrap
import warnings
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from absl import flags, logging

from tfstyle.config import did_you_mean
from tfstyle.errors import InputError, printable
from tfstyle.parsing import json_text
from tfstyle.runtime import process, terminal

Config = TypeVar("Config")

_DEFINE: dict[Any, Callable[..., Any]] = {
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
    bool: flags.DEFINE_boolean,
    tuple[str, ...]: flags.DEFINE_multi_string,
    tuple[float, ...]: flags.DEFINE_multi_float,
}

_KINDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    tuple[float, ...]: "a number",
    bool: "true or false",
}


def run(main: Callable[[Sequence[str]], int | None], argv: Sequence[str]) -> int:
    """Exit status of `main(argv)`, in the main thread; an InputError is printed as one line."""
    _log_plainly()
    with process.handling(process.interrupt):
        try:
            with terminal.heartbeat():
                status = main(argv) or 0
            sys.stdout.flush()
            return status
        except BrokenPipeError:  # the reader of our output has exited, as `head` does
            process.discard_output()
            return 128 + signal.SIGPIPE
        except InputError as error:
            return _failed(str(error))
        except KeyboardInterrupt as error:
            notes = getattr(error, "__notes__", [])
            number = getattr(error, "number", signal.SIGINT)
            return _failed("; ".join(["interrupted", *notes]), 128 + number)
        except MemoryError:
            return _failed(_NO_MEMORY)
        except OSError as error:
            if error.filename:
                return _failed(f"{error.filename}: {error.strerror}")
            if error.errno not in _FULL:
                raise
            process.discard_output()
            return _failed(f"the output cannot be written ({error.strerror})")
        except Exception as error:
            if type(error).__name__ != "ResourceExhaustedError":  # TensorFlow's
                raise
            return _failed(_NO_MEMORY)


_NO_MEMORY = "not enough memory; smaller pictures, batches and models need less, see --help"
# Of standard output, which has no file name.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def _failed(message, status=1):
    process.write_error(f"error: {printable(message)}\n")
    return status


def parse(
    config_class: type[Config],
    argv: Sequence[str],
    program: str,
    read_parameters: Callable[[str, Collection[str]], dict[str, Any]] | None = None,
) -> Config | None:
    """A config from flags, or None when `--help` was given and the help printed.

    Flags take precedence over presets, presets over the parameters of `--from_picture`, and those
    over the defaults.

    Args:
        config_class: dataclass whose fields were made by `config.option`; `PRESETS`, if it has
            them, become flags without a value. Of a preset, `_help` is the text and `_fixed` the
            names of the fields that no flag may change.
        argv: the arguments, without the program's name.
        program: shown in the help.
        read_parameters: reads the file that the field `from_picture` names; also takes the names
            of the flags that are given, and take precedence.
    Raises: InputError for an unknown flag or an invalid value.
    """
    if any(argument in ("--help", "-h", "-help", "--helpfull") for argument in argv):
        print(help_text(config_class, program))
        return None
    values = flags.FlagValues()
    presets = getattr(config_class, "PRESETS", {})
    fields = dataclasses.fields(config_class)  # type: ignore[arg-type]
    for field in fields:
        _DEFINE[field.type](field.name, None, "", flag_values=values)
    for name in presets:
        flags.DEFINE_boolean(name, False, "", flag_values=values)
    try:
        rest = values([program, *argv])[1:]
    except flags.UnrecognizedFlagError as error:
        hint = did_you_mean(error.flagname, tuple(values))
        raise InputError(f"--{error.flagname}: no such flag{hint}") from error
    except flags.Error as error:  # a value of another type, or none
        raise InputError(_what_is_wrong(str(error), fields)) from error
    for field in fields:
        value = values[field.name].value
        for text in value if isinstance(value, list) else [value]:
            if str(text).startswith("--") and str(text)[2:].partition("=")[0] in values:
                raise InputError(_what_is_missing(field))
    if rest:
        first = next((one for one in fields if one.metadata["section"] == "Files"), fields[0])
        raise InputError(
            f"'{rest[0]}': every argument needs its flag, such as --{first.name} {rest[0]}"
        )
    settings: dict[str, Any] = {}
    picture = values["from_picture"].value if read_parameters else None
    if read_parameters and picture:
        given = {field.name for field in fields if values[field.name].value is not None}
        kinds = {field.name: field.type for field in fields if field.name not in given}
        settings = _typed(read_parameters(picture, given), kinds, picture)
    stored = {*settings}
    chosen = [name for name in presets if values[name].value]
    if len(chosen) > 1:
        raise InputError(f"{', '.join(f'--{name}' for name in chosen)}: give one of them")
    for name, preset in presets.items():
        if name in chosen:
            settings.update((key, value) for key, value in preset.items() if key[0] != "_")
            stored -= {*preset}
    fixed = {key: name for name in chosen for key in presets[name].get("_fixed", ())}
    for field in fields:
        value = values[field.name].value
        if value is not None:
            value = tuple(value) if isinstance(value, list) else value
            if field.name in fixed and value != settings[field.name]:
                raise InputError(f"--{field.name}: is {settings[field.name]} by "
                                 f"--{fixed[field.name]}; give one of them")  # fmt: skip
            settings[field.name] = value
    try:
        return config_class(**settings)
    except InputError as error:
        if str(error).removeprefix("--").partition(":")[0] in stored:
            raise InputError(f"--from_picture: {picture}: its parameter {error}") from error
        raise


def _typed(found: dict[str, Any], kinds: dict[str, Any], picture: str) -> dict[str, Any]:
    """A picture's parameters of the kinds, by name; InputError for a value of another kind."""
    try:
        return {k: json_text.check(found[k], kinds[k], k) for k in kinds if k in found}
    except ValueError as error:
        raise InputError(f"--from_picture: {picture}: its parameter {error}") from error


def _what_is_wrong(error, fields):
    """Our words for absl's error about a value."""
    found = re.search(r"\bflag --(\w+)(?:=(.*?): )?", error, re.S)
    by_name = {field.name: field for field in fields}
    if found and found[2] is not None:
        kind = by_name[found[1]].type if found[1] in by_name else bool  # a preset
        return f"--{found[1]}: '{found[2]}' is not {_KINDS[kind]}"
    if found and found[1] in by_name:
        return _what_is_missing(by_name[found[1]])
    return " ".join(error.split())


def _what_is_missing(field):
    choices = field.metadata["choices"]
    kind = f"one of {', '.join(choices)}" if choices else _KINDS.get(field.type, "a value")
    return f"--{field.name}: give {kind}. {field.metadata['help']}"


def command_line(config: Any, program: str) -> str:
    """The command line of a config: the program with the flags that differ from the defaults."""
    words = [program]
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value != field.default:
            for one in value if isinstance(value, tuple) else (value,):
                words.append(f"--{field.name}={one}")
    return shlex.join(words)


def help_text(config_class: type, program: str) -> str:
    """Every flag with its default and its description, by section."""
    sections: dict[str, list[str]] = {"Files": []}
    for field in dataclasses.fields(config_class):
        lines = sections.setdefault(field.metadata["section"], [])
        silent = field.default in ("", ()) or field.type is bool
        default = "" if silent else f" (default: {field.default})"
        choices = field.metadata["choices"]
        kinds: dict[Any, str] = {
            int: " INTEGER", float: " NUMBER", tuple[float, ...]: " NUMBER", bool: ""
        }  # fmt: skip
        value = f" {'|'.join(choices)}" if choices else kinds.get(field.type, " TEXT")
        lines += [
            f"  --{field.name}{value}{default}",
            *textwrap.wrap(field.metadata["help"], 92, initial_indent=" " * 6,
                           subsequent_indent=" " * 6),
        ]  # fmt: skip
    for name, preset in getattr(config_class, "PRESETS", {}).items():
        sections.setdefault("Presets", []).extend([f"  --{name}", f"      {preset['_help']}"])
    text = [f"usage: {program} [--flag value …]"]
    for section, lines in sections.items():
        text += ["", f"{section}:", *lines]
    return "\n".join(text)


def _log_plainly() -> None:
    flags.FLAGS.mark_as_parsed()  # absl's logging waits for it; our flags are not in `FLAGS`
    logging.use_absl_handler()
    logging.set_verbosity(logging.INFO)
    logging.set_stderrthreshold("info")
    logging.get_absl_handler().setFormatter(terminal.LogFormatter())
    warnings.filterwarnings("ignore", module=r"PIL\.")  # about sizes and damaged metadata
