"""The published LPIPS distance, if its weights are on disk.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018,
https://arxiv.org/abs/1801.03924; code: https://github.com/richzhang/PerceptualSimilarity.
"""

import os

import numpy as np
from keras import ops

from tfstyle import files
from tfstyle.errors import InputError, brief
from tfstyle.parsing import archives

# AlexNet in torchvision's layout: name in the state dict, stride, padding, whether pooled before.
_CONVOLUTIONS = (
    ("net.slice1.0", 4, 2, False),
    ("net.slice2.3", 1, 2, True),
    ("net.slice3.6", 1, 1, True),
    ("net.slice4.8", 1, 1, False),
    ("net.slice5.10", 1, 1, False),
)
_WIDTHS = [64, 192, 384, 256, 256]
_SHAPES = [
    [(width, below, size, size), (width,)]
    for width, below, size in zip(_WIDTHS, [3, *_WIDTHS], [11, 5, 3, 3, 3], strict=False)
]
# The means and deviations of ImageNet's channels, for pictures in [-1, 1].
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)


class LPIPS:
    """LPIPS v0.1 with AlexNet, the default of the authors' package.

    Args:
        path: NumPy file (.npz) of the `state_dict()` of the authors' `lpips.LPIPS(net="alex")`:
            the arrays of AlexNet's five convolutions and of the five linear layers.
    Raises: InputError if the file is missing or holds something else.
    """

    def __init__(self, path: str | os.PathLike):
        try:
            arrays = archives.read_arrays(path)
            convolutions = [
                [archives.as_float32(arrays[f"{name}.{part}"], name) for part in ("weight", "bias")]
                for name, *_ in _CONVOLUTIONS
            ]
            self._kernels = [
                (ops.array(weight.transpose(2, 3, 1, 0)), ops.array(bias))
                for weight, bias in convolutions
            ]
            self._weights = [
                arrays[f"lin{k}.model.1.weight"].reshape(-1) for k in range(len(_CONVOLUTIONS))
            ]
            shapes = [[weight.shape, bias.shape] for weight, bias in convolutions]
            if shapes != _SHAPES or [len(one) for one in self._weights] != _WIDTHS:
                raise ValueError("arrays of other shapes")
        except files.UNREADABLE as error:
            raise InputError(
                f"--lpips_weights: {path}: not LPIPS' weights ({brief(error)}); give the state "
                "dict of lpips.LPIPS(net='alex') as .npz"
            ) from error

    def features(self, image: np.ndarray) -> dict:
        """AlexNet's features of `(1, h, w, 3)` in [0, 1], of unit norm at each position."""
        x = ops.convert_to_tensor(2.0 * image - 1.0, "float32")
        x = (x - ops.array(_SHIFT, "float32")) / ops.array(_SCALE, "float32")
        found = {}
        for (name, stride, padding, pooled), (kernel, bias) in zip(
            _CONVOLUTIONS, self._kernels, strict=True
        ):
            if pooled:
                x = ops.max_pool(x, 3, 2, data_format="channels_last")
            sides = (padding, padding)
            x = ops.pad(x, ((0, 0), sides, sides, (0, 0)))
            x = ops.relu(ops.conv(x, kernel, stride, data_format="channels_last") + bias)
            maps = ops.convert_to_numpy(x)
            norm = np.sqrt(np.sum(maps**2, axis=-1, keepdims=True)) + 1e-10
            found[name] = maps / norm
        return found

    def distance(self, features: dict, reference: dict) -> float:
        """LPIPS of two pictures' `features`; 0 for equal pictures."""
        return sum(
            float(np.mean(np.square(features[name] - reference[name]) @ weight))
            for (name, *_), weight in zip(_CONVOLUTIONS, self._weights, strict=True)
        )
