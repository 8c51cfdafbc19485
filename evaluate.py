"""Measures models and pictures: `python evaluate.py --content_dir … --style_dir … --model …`."""

from tfstyle.__main__ import script

if __name__ == "__main__":
    script("evaluate.py")
