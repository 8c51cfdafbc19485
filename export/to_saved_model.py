"""Exports a trained model for servers: `python export/to_saved_model.py --output DIR`."""

import sys

from tfstyle import cli
from tfstyle.__main__ import main

if __name__ == "__main__":
    cli.leave(main(["to_saved_model", *sys.argv[1:]]))
