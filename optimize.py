"""Stylizes a photo by optimizing its pixels: `python optimize.py --content … --style …`."""

import sys

from tfstyle import cli
from tfstyle.__main__ import main

if __name__ == "__main__":
    cli.leave(main(["optimize", *sys.argv[1:]]))
