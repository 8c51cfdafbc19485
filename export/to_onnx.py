"""Exports a trained model to ONNX: `python export/to_onnx.py --output DIR`."""

from tfstyle.__main__ import script

if __name__ == "__main__":
    script("export/to_onnx.py")
