"""Package metadata; the version is in `tfstyle/__init__.py`, tool settings in `pyproject.toml`."""

import pathlib
import re

from setuptools import find_packages, setup

ROOT = pathlib.Path(__file__).parent
VERSION = re.search(
    r'__version__ = "(.+)"', (ROOT / "tfstyle" / "__init__.py").read_text(encoding="utf-8")
).group(1)

BATCH = ["pyarrow>=18.0", "ray>=2.40"]
WEB = ["starlette>=0.46", "uvicorn>=0.34"]

setup(
    name="tfstyle",
    version=VERSION,
    description="Neural style transfer for TensorFlow and Keras",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    python_requires=">=3.11",
    packages=[*find_packages(include=["tfstyle", "tfstyle.*"]), "tfstyle.examples"],
    package_dir={"tfstyle.examples": "examples"},
    package_data={
        "tfstyle": ["pretrained/*", "pretrained/litert/*/*", "web/page/*"],
        "tfstyle.examples": ["*.jpg", "*.mp4", "README.md"],
    },
    entry_points={"console_scripts": ["tfstyle=tfstyle.__main__:program"]},
    install_requires=[
        "absl-py>=2.1",
        "ai-edge-litert>=2.0",
        "h5py>=3.11",
        "keras>=3.10",
        "matplotlib>=3.9",
        "numpy>=2.0",
        "pillow>=11.3",
        "tensorboard>=2.19",
        "tensorflow>=2.19",
        "tensorflow-probability>=0.25",
        "tf-keras>=2.19",
        "tifffile>=2024.8.30",
    ],
    extras_require={
        "dev": [
            *BATCH,
            *WEB,
            "av>=18.0",
            "hypothesis>=6.100",
            "mypy>=1.15",
            "onnx>=1.17",
            "onnxruntime>=1.20",
            "opencv-python-headless>=4.10",
            "playwright>=1.50",
            "pre-commit>=4.0",
            "pytest>=8.3",
            "pytest-xdist>=3.6",
            "ruff>=0.12",
            "scikit-image>=0.25",
            "scipy>=1.14",
            "tf2onnx>=1.16",
        ],
        "batch": BATCH,
        "heic": ["pillow-heif>=1.0"],
        "onnx": ["onnx>=1.17", "onnxruntime>=1.20", "tf2onnx>=1.16"],
        "torch": ["torch>=2.6"],
        "video": ["av>=18.0", "opencv-python-headless>=4.10"],
        "web": WEB,
    },
)
