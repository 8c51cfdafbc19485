"""Stylizes photos with a trained model: `python stylize.py --content … --style …`."""

from tfstyle.__main__ import script

if __name__ == "__main__":
    script("stylize.py")
