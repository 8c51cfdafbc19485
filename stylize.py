"""Stylizes photos with a trained model: `python stylize.py --content … --style …`."""

import sys

from tfstyle.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["stylize", *sys.argv[1:]]))
