"""Trains a feed-forward model: `python train.py --content_dir … --style_dir … --output_dir …`."""

import sys

from tfstyle import cli
from tfstyle.__main__ import main

if __name__ == "__main__":
    cli.leave(main(["train", *sys.argv[1:]]))
