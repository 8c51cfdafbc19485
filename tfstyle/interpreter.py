"""LiteRT's interpreter of TFLite files, with errors of one line."""

import importlib.util
from typing import Any

from tfstyle import cli
from tfstyle.errors import InputError


def check_installed() -> None:
    """Raises InputError if LiteRT is not installed."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        raise InputError("LiteRT is not installed; pip install ai-edge-litert")


def load_interpreter(data: bytes, threads: int, name: str) -> Any:
    """An `ai_edge_litert.interpreter.Interpreter`, its tensors not yet allocated.

    Args:
        data: of a TFLite file.
        threads: of the processor.
        name: of the file, or its flag too, for errors.
    Raises: InputError if LiteRT is not installed or the bytes are no TFLite file.
    """
    check_installed()
    from ai_edge_litert.interpreter import Interpreter

    with cli.hidden_stderr():
        try:
            return Interpreter(model_content=data, num_threads=threads)
        except (ValueError, RuntimeError) as error:
            reason = (str(error).strip().splitlines() or ["damaged"])[0]
            raise InputError(f"{name}: not a TFLite file ({reason})") from error
