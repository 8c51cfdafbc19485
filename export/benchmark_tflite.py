"""Times TFLite files side by side: `python export/benchmark_tflite.py --file … --file …`."""

import sys

from tfstyle import cli
from tfstyle.__main__ import main

if __name__ == "__main__":
    cli.leave(main(["benchmark_tflite", *sys.argv[1:]]))
