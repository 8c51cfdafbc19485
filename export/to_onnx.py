"""Exports a trained model to ONNX: `python export/to_onnx.py --output DIR`."""

import sys

from tfstyle import cli
from tfstyle.__main__ import main

if __name__ == "__main__":
    cli.leave(main(["to_onnx", *sys.argv[1:]]))
