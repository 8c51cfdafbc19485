"""Stylizes a photo by optimizing its pixels: `python optimize.py --content … --style …`."""

from tfstyle.__main__ import script

if __name__ == "__main__":
    script("optimize.py")
