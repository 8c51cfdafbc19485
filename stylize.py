"""Stylizes photos with a trained model: `python stylize.py --content … --style …`."""

import sys

from tfstyle import cli
from tfstyle.__main__ import main

if __name__ == "__main__":
    cli.leave(main(["stylize", *sys.argv[1:]]))
