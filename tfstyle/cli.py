"""Flags from dataclasses, logging, progress on a terminal, one-line errors.

Nothing here imports NumPy or TensorFlow, so that `--help` and mistakes answer at once.
"""

import atexit
import contextlib
import dataclasses
import gc
import os
import shutil
import signal
import sys
import tempfile
import textwrap
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, TypeVar

from absl import flags, logging

from tfstyle.config import did_you_mean
from tfstyle.errors import InputError

Config = TypeVar("Config")

_DEFINE: dict[Any, Callable[..., Any]] = {
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
    bool: flags.DEFINE_boolean,
    tuple[str, ...]: flags.DEFINE_multi_string,
    tuple[float, ...]: flags.DEFINE_multi_float,
}


class Terminated(KeyboardInterrupt):
    """SIGTERM came, and is handled as SIGINT is: what is half-written goes."""


def run(main: Callable[[Sequence[str]], int | None], argv: Sequence[str]) -> int:
    """Exit status of `main(argv)`, in the main thread; an InputError is printed as one line."""
    _log_plainly()
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        return main(argv) or 0
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


def program(name: str, folder: str = "") -> str:
    """How the running program was called: `folder/name.py`, or `tfstyle name`."""
    script = f"{folder}/{name}.py" if folder else f"{name}.py"
    return script if sys.argv[0].endswith(f"{name}.py") else f"tfstyle {name}"


def parse(
    config_class: type[Config],
    argv: Sequence[str],
    program: str,
    read_parameters: Callable[[str], dict[str, Any]] | None = None,
) -> Config | None:
    """A config from flags, or None when `--help` was asked for and printed.

    What is given as a flag wins over a preset, that over the parameters of `--from_picture`, and
    those over the defaults.

    Args:
        config_class: dataclass whose fields were made by `config.option`; `PRESETS`, if it has
            them, become flags without a value.
        argv: the arguments, without the program's name.
        program: shown in the help.
        read_parameters: reads the file that the field `from_picture` names.
    Raises: InputError for what is not a flag or has no such value.
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
        raise InputError(f"{given}: not a value of that kind; see --help") from error
    except flags.Error as error:
        raise InputError(" ".join(str(error).split()).removeprefix("flag ")) from error
    if rest:
        raise InputError(f"'{rest[0]}': every argument needs its flag, such as --style {rest[0]}")
    settings: dict[str, Any] = {}
    if read_parameters and values["from_picture"].value:
        known = {field.name for field in fields}
        found = read_parameters(values["from_picture"].value)
        settings.update((name, value) for name, value in found.items() if name in known)
    for name, preset in presets.items():
        if values[name].value:
            settings.update((key, value) for key, value in preset.items() if key != "_help")
    for field in fields:
        if values[field.name].value is not None:
            settings[field.name] = values[field.name].value
    for field in fields:
        if field.name in settings and isinstance(settings[field.name], list):
            settings[field.name] = tuple(settings[field.name])
    try:
        return config_class(**settings)
    except TypeError as error:  # a value of the wrong kind in a picture's metadata
        raise InputError(
            f"--from_picture: its parameters do not fit this version ({error})"
        ) from error


def help_text(config_class: type, program: str) -> str:
    """Every flag with its default and its sentence, by section."""
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


def leave(status: int) -> NoReturn:
    """Ends the process without taking TensorFlow apart first, which takes more than half a second.

    Everything that a program writes is closed by then; what is registered for the end, such as the
    removal of temporary files, is done.
    """
    atexit._run_exitfuncs()
    logging.flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """`hidden_stderr` while TensorFlow loads, with lines about the build and about missing GPUs.

    Garbage is not collected meanwhile, since hardly any is made, but every collection looks at all
    of the modules: without it importing takes a seventh less time.
    """
    gc.disable()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        with hidden_stderr():
            yield
    finally:
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def hidden_stderr() -> Iterator[None]:
    """Hides what C++ code prints, which no logging setting reaches.

    An exception shows it all, but for InputError, which says what there is to say, and a signal.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except (InputError, KeyboardInterrupt):
            raise
        except BaseException:
            hidden.seek(0)
            os.write(saved, hidden.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


@contextlib.contextmanager
def held_signals() -> Iterator[None]:
    """Lets SIGINT and SIGTERM wait for the end of the block, in the main thread.

    Keras has bare `except`s, which would swallow what their handlers raise and go on.
    """
    came: list[int] = []
    previous = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            previous[number] = signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


class StopSignal:
    """Whether SIGINT or SIGTERM has come; a second SIGINT interrupts at once.

    Used as a context: `with StopSignal() as stop: … if stop.number: …`.
    """

    def __init__(self) -> None:
        self.number = 0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "StopSignal":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: object) -> None:
        if self.number and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number


def show_progress(done: float, text: str, final: bool = False) -> None:
    """A bar that replaces itself on a terminal, log lines elsewhere.

    Args:
        done: share of the work in [0, 1].
        text: what to say beside the bar.
        final: whether this is the last call.
    """
    if not sys.stderr.isatty():
        logging.info("%3.0f %%  %s", 100 * done, text)
        return
    width = 24
    bar = "█" * round(done * width)
    line = f"{bar:░<{width}} {100 * done:3.0f} %  {text}"
    columns = shutil.get_terminal_size().columns
    sys.stderr.write(f"\r{line[: columns - 1]:{columns - 1}}" + ("\n" if final else ""))
    sys.stderr.flush()


def duration(seconds: float) -> str:
    """'3 h 05 min', '4 min 20 s' or '12 s'."""
    seconds = round(seconds)
    if seconds >= 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
    if seconds >= 60:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds} s"


def _log_plainly() -> None:
    flags.FLAGS.mark_as_parsed()  # absl's logging waits for it; our flags are not in `FLAGS`
    logging.use_absl_handler()
    logging.set_verbosity(logging.INFO)
    logging.set_stderrthreshold("info")
    logging.get_absl_handler().setFormatter(None)
    warnings.filterwarnings("ignore", module=r"PIL\.")  # about sizes and damaged metadata
