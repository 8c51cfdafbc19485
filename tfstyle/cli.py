"""Flags from dataclasses: parsing, help, one-line errors.

Nothing here imports NumPy or TensorFlow, so that `--help` and usage errors appear at once.
"""

import dataclasses
import os
import shlex
import signal
import sys
import textwrap
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from absl import flags, logging

from tfstyle.config import did_you_mean
from tfstyle.errors import InputError
from tfstyle.parsing import json_text
from tfstyle.runtime.process import Terminated

Config = TypeVar("Config")

_DEFINE: dict[Any, Callable[..., Any]] = {
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
    bool: flags.DEFINE_boolean,
    tuple[str, ...]: flags.DEFINE_multi_string,
    tuple[float, ...]: flags.DEFINE_multi_float,
}


def run(main: Callable[[Sequence[str]], int | None], argv: Sequence[str]) -> int:
    """Exit status of `main(argv)`, in the main thread; an InputError is printed as one line."""
    _log_plainly()
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        status = main(argv) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader of our output has exited, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        print("error: interrupted", file=sys.stderr)
        return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)
    except MemoryError:
        print("error: not enough memory; smaller pictures need less, see --help", file=sys.stderr)
        return 1
    except OSError as error:
        if not error.filename:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGTERM, previous)


def _terminate(_number, _frame):
    raise Terminated


def parse(
    config_class: type[Config],
    argv: Sequence[str],
    program: str,
    read_parameters: Callable[[str], dict[str, Any]] | None = None,
) -> Config | None:
    """A config from flags, or None when `--help` was given and the help printed.

    Flags take precedence over presets, presets over the parameters of `--from_picture`, and those
    over the defaults.

    Args:
        config_class: dataclass whose fields were made by `config.option`; `PRESETS`, if it has
            them, become flags without a value.
        argv: the arguments, without the program's name.
        program: shown in the help.
        read_parameters: reads the file that the field `from_picture` names.
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
    except flags.IllegalFlagValueError as error:
        given = " ".join(str(error).split()).removeprefix("flag ").split(":")[0]
        raise InputError(f"{given}: not a valid value; see --help") from error
    except flags.Error as error:
        raise InputError(" ".join(str(error).split()).removeprefix("flag ")) from error
    if rest:
        raise InputError(f"'{rest[0]}': every argument needs its flag, such as --style {rest[0]}")
    settings: dict[str, Any] = {}
    picture = values["from_picture"].value if read_parameters else None
    if read_parameters and picture:
        kinds = {field.name: field.type for field in fields if values[field.name].value is None}
        settings = _typed(read_parameters(picture), kinds, picture)
    stored = {*settings}
    for name, preset in presets.items():
        if values[name].value:
            settings.update((key, value) for key, value in preset.items() if key != "_help")
            stored -= {*preset}
    for field in fields:
        value = values[field.name].value
        if value is not None:
            settings[field.name] = tuple(value) if isinstance(value, list) else value
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
    logging.get_absl_handler().setFormatter(None)
    warnings.filterwarnings("ignore", module=r"PIL\.")  # about sizes and damaged metadata
