"""Exports a trained model for phones: `python export/to_tflite.py --output DIR`."""

from tfstyle.__main__ import script

if __name__ == "__main__":
    script("export/to_tflite.py")
