"""Times TFLite files side by side: `python export/benchmark_tflite.py --file … --file …`."""

from tfstyle.__main__ import script

if __name__ == "__main__":
    script("export/benchmark_tflite.py")
