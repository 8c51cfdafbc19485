"""Trains a feed-forward model: `python train.py --content_dir … --style_dir … --output_dir …`."""

from tfstyle.__main__ import script

if __name__ == "__main__":
    script("train.py")
