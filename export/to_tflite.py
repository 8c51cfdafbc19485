"""Exports a trained model for phones: `python export/to_tflite.py --output DIR`."""

import sys

from tfstyle import cli
from tfstyle.__main__ import main

if __name__ == "__main__":
    cli.leave(main(["to_tflite", *sys.argv[1:]]))
