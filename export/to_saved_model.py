"""Exports a trained model for servers: `python export/to_saved_model.py --output DIR`."""

from tfstyle.__main__ import script

if __name__ == "__main__":
    script("export/to_saved_model.py")
