"""The console command: `tfstyle optimize …` and its kin, also `python -m tfstyle`."""

import importlib
import sys
from collections.abc import Sequence

from tfstyle import __version__, cli
from tfstyle.config import did_you_mean
from tfstyle.errors import InputError

PROGRAMS = {
    "optimize": "stylizes a photo by optimizing its pixels",
    "stylize": "stylizes photos with a trained model",
    "styles": "makes and lists a library of named styles",
    "evaluate": "measures models and pictures, and shows them beside each other",
    "train": "trains a feed-forward model on folders of pictures",
    "to_saved_model": "exports a trained model for servers",
    "to_tflite": "exports a trained model for phones, checked and measured",
    "to_onnx": "exports a trained model for ONNX Runtime and TensorRT",
    "benchmark_tflite": "times TFLite files side by side",
    "shards": "packs a folder of pictures for faster training",
    "examples": "copies the example pictures to a folder",
    "download": "fetches VGG-19 in float32; what ships has 8 bits",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status of the program that the first argument names."""
    return cli.run(_dispatch, sys.argv[1:] if argv is None else argv)


def _dispatch(argv: Sequence[str]) -> int | None:
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
    return importlib.import_module(f"tfstyle.commands.{argv[0]}").main(argv[1:])


def program() -> None:
    """The console command `tfstyle`."""
    cli.leave(main())


if __name__ == "__main__":
    program()
