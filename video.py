"""Stylizes videos with a trained model: `python video.py --input … --style …`."""

from tfstyle.__main__ import script

if __name__ == "__main__":
    script("video.py")
