"""A training step of AdaIN in plain PyTorch: the baseline of `train.py`'s timings.

The network is that of `tfstyle.models.adain`, with the same weights, so that losses can be
compared. With `paper`, the decoder pads by reflection before each convolution and upsamples by
nearest neighbour, as the authors' Torch code and its PyTorch ports do.
"""

import numpy as np
import torch
import torch.nn.functional as F

from tfstyle import encoders
from tfstyle.models.adain import STYLE_LAYERS


class Reference:
    """A copy of a model, and Adam.

    Args:
        model: `AdaINModel`.
        paper: whether the decoder pads by reflection and upsamples by nearest neighbour.
    """

    def __init__(self, model, paper=False):
        self.model = model
        self.paper = paper
        self.encoder = {
            name: _weights(layer) for name, layer in model.encoder._convolutions.items()
        }
        self.decoder = {
            name: [weight.requires_grad_() for weight in _weights(layer)]
            for name, layer in model.decoder._convolutions.items()
        }
        parameters = [weight for pair in self.decoder.values() for weight in pair]
        self.optimizer = torch.optim.Adam(parameters, lr=1e-4)

    def step(self, content, style):
        """Updates the decoder by one Adam step; returns the loss of `(batch, 3, h, w)` images."""
        self.optimizer.zero_grad()
        loss = self.loss(content, style)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def loss(self, content, style):
        """The weighted sum of all terms."""
        with torch.no_grad():
            style_features = self.encode(style)
            before = self.encode(content)["relu4_1"]
            mean, std = _mean_and_std(before, 1e-5)
            style_mean, style_std = _mean_and_std(style_features["relu4_1"], 0.0)
            target = (before - mean) / std * style_std + style_mean
        after = self.encode(self.decode(target))
        total = self.model.content_weight * _relative(after["relu4_1"] - target, target)
        for name in STYLE_LAYERS:
            expected = torch.stack(_mean_and_std(style_features[name], 1e-5), 1)
            actual = torch.stack(_mean_and_std(after[name], 1e-5), 1)
            share = self.model.style_weight / len(STYLE_LAYERS)
            total = total + share * _relative(actual - expected, expected)
        return total

    def encode(self, image):
        """Dict of features at `STYLE_LAYERS`."""
        means = torch.tensor(encoders.CHANNEL_MEANS_BGR)[:, None, None]
        x = image.flip(1) * 255.0 - means
        features = {}
        for name, (kernel, bias) in self.encoder.items():
            if name.endswith("_1") and name != "relu1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu(F.conv2d(x, kernel, bias, padding=1))
            if name in STYLE_LAYERS:
                features[name] = x
        return features

    def decode(self, features):
        """`(batch, 3, h, w)` images in [0, 1]."""
        x = features / self.model.decoder.feature_scale
        for name, (kernel, bias) in self.decoder.items():
            if self.paper:
                x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel, bias)
            else:
                x = F.conv2d(x, kernel, bias, padding=1)
            if name != "1_1":
                x = F.relu(x)
                if name.endswith("_1"):
                    x = F.interpolate(
                        x, scale_factor=2, mode="nearest" if self.paper else "bilinear"
                    )
        return torch.sigmoid(x)


def to_torch(images):
    """`(batch, 3, h, w)` from `(batch, h, w, 3)` NumPy images."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def _weights(layer):
    kernel = torch.from_numpy(np.array(layer.kernel)).permute(3, 2, 0, 1).contiguous()
    return [kernel, torch.from_numpy(np.array(layer.bias))]


def _mean_and_std(features, epsilon):
    variance, mean = torch.var_mean(features, (2, 3), correction=0, keepdim=True)
    return mean, (variance + epsilon).sqrt()


def _relative(difference, target):
    axes = tuple(range(1, target.ndim))
    return (difference.square().mean(axes) / (target.square().mean(axes) + 1e-8)).mean()
