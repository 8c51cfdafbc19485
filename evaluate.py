"""Measures models and pictures: `python evaluate.py --content_dir … --style_dir … --model …`."""

import sys

from tfstyle import cli
from tfstyle.__main__ import main

if __name__ == "__main__":
    cli.leave(main(["evaluate", *sys.argv[1:]]))
