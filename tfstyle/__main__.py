"""The console command: `tfstyle optimize …` and the other programs; also `python -m tfstyle`."""

import importlib
import signal
import sys
from collections.abc import Sequence

from tfstyle import __version__
from tfstyle.runtime import process

PROGRAMS = {
    "optimize": "stylizes a photo by optimizing its pixels",
    "stylize": "stylizes photos with a trained model",
    "batch": "stylizes very many photos, on one machine or a cluster",
    "video": "stylizes videos and animations with a trained model",
    "web": "opens a page in the browser, to see, slide and paint",
    "styles": "makes and lists a library of named styles",
    "evaluate": "measures models and pictures, and shows them side by side",
    "train": "trains a feed-forward model on folders of pictures",
    "to_saved_model": "exports a trained model for servers",
    "to_tflite": "exports a trained model for phones; checks and measures the files",
    "to_onnx": "exports a trained model for ONNX Runtime and TensorRT",
    "benchmark_tflite": "times TFLite files side by side",
    "shards": "packs a folder of pictures into TFRecord shards for faster training",
    "examples": "copies the example pictures to a folder",
    "download": "fetches VGG-19's float32 weights; the packaged ones have 8 bits",
}


def main(argv: Sequence[str] | None = None, shown: str = "") -> int:
    """Runs the program that the first argument names; returns its exit status.

    Args:
        argv: arguments; those of the process if None.
        shown: the program's name in the help; `tfstyle NAME` if empty.
    """
    from tfstyle import cli

    arguments = sys.argv[1:] if argv is None else argv
    return cli.run(lambda words: _dispatch(words, shown), arguments)


def _dispatch(argv: Sequence[str], shown: str) -> int | None:
    from tfstyle import cli
    from tfstyle.config import did_you_mean
    from tfstyle.errors import InputError

    if not argv or argv[0] in ("--help", "-h", "help"):
        print(f"tfstyle {__version__}\n\nusage: tfstyle PROGRAM [--flag value …]\n")
        for name, purpose in PROGRAMS.items():
            print(f"  {name:16} {purpose}")
        print("\n`tfstyle PROGRAM --help` shows its flags.")
        return 0
    if argv[0] == "--version":
        print(__version__)
        return 0
    if argv[0] not in PROGRAMS:
        known = tuple(PROGRAMS)
        raise InputError(f"'{argv[0]}': no such program{did_you_mean(argv[0], known)}")
    command = importlib.import_module(f"tfstyle.commands.{argv[0]}")
    read_parameters = getattr(command, "read_parameters", None)
    config = cli.parse(command.FLAGS, argv[1:], shown or f"tfstyle {argv[0]}", read_parameters)
    return None if config is None else command.main(config)


def program() -> None:
    """Entry point of the console command `tfstyle`."""
    _run_alone([])


def script(path: str) -> None:
    """Runs the program that a script of the checkout, such as `export/to_onnx.py`, is named for."""
    _run_alone([path.rpartition("/")[2].removesuffix(".py")], shown=path)


def _run_alone(words, shown=""):
    """Runs a program as this process, with `words` before the arguments; does not return."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while this loads: ends it without a traceback
    process.open_standard_streams()
    process.leave(main([*words, *sys.argv[1:]], shown))


if __name__ == "__main__":
    program()
