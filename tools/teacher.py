"""The network that `lite` is distilled from, read from its array file for development commands.

The file holds the 16-times smaller encoder of Wang et al., "Collaborative Distillation for
Ultra-Resolution Universal Style Transfer", CVPR 2020, in PyTorch's layout; its five heads imitate
the unit-mean VGG-19 features of the AdaIN and WCT papers.
"""

import keras
import numpy as np
from keras import ops

from tfstyle import encoders
from tfstyle.errors import InputError


class Teacher(keras.Model):
    """Reflection-padded quarter-width VGG-19 with heads at `encoders.HEAD_LAYERS`.

    Args:
        path: the `.npz` file of the weights.

    Call arguments:
        image: `(batch, h, w, 3)` float32 RGB in [0, 1].
    Returns: dict of `(batch, h_k, w_k, c_k)` features after ReLU by paper name.
    Raises: InputError if the file is not such a network.
    """

    def __init__(self, path, **kwargs):
        super().__init__(autocast=False, trainable=False, **kwargs)
        try:
            with np.load(path) as arrays:
                self._kernels = {
                    name.removesuffix(".weight"): (
                        ops.array(arrays[name].transpose(2, 3, 1, 0)),
                        ops.array(arrays[name.replace(".weight", ".bias")]),
                    )
                    for name in arrays
                    if name.endswith(".weight")
                }
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{path}: not a teacher network ({error})") from error
        self.built = True

    def call(self, image):
        kernel, bias = self._kernels["conv0"]  # RGB in [0, 1] to BGR minus the channel means
        x = ops.cast(ops.conv(image, kernel) + bias, self.compute_dtype)
        features = {}
        for name in encoders.LAYERS[: 1 + encoders.LAYERS.index(encoders.HEAD_LAYERS[-1])]:
            if name.endswith("_1") and name != encoders.LAYERS[0]:
                x = ops.max_pool(x, 2, 2)
            block, index = name.removeprefix("relu").split("_")
            x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
            x = self._convolve(x, f"conv{block}{index}")
            if index == "1":
                features[name] = self._convolve(x, f"conv{block}1_aux")
        return features

    def _convolve(self, x, name):
        kernel, bias = self._kernels[name]
        kernel, bias = ops.cast(kernel, x.dtype), ops.cast(bias, x.dtype)
        return ops.relu(ops.conv(x, kernel, padding="valid") + bias)
