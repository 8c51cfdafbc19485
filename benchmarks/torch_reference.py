"""The objective of a default render in plain PyTorch, on pixels, with PyTorch's own L-BFGS.

The baseline of the render timings: the same trunk, weights and losses, minimized as in PyTorch's
tutorials, by `torch.optim.LBFGS` without a line search on the pixels.
"""

import time

import numpy as np
import torch
import torch.nn.functional as F

from tfstyle import encoders
from tfstyle.config import OptimizeConfig, parse_weights
from tfstyle.encoders import layer_names, weight_files

MARGIN = 16


class Reference:
    """Content, Wasserstein and total variation losses on lite's trunk.

    Args:
        content: `(1, h, w, 3)` float32 picture in [0, 1].
        style: likewise.
        config: gives layers and weights; `style_loss` must be "wasserstein".
    """

    def __init__(self, content, style, config: OptimizeConfig):
        self.config = config
        arrays = weight_files.read_weights(
            weight_files.LITE_PATH, map(_conv, layer_names.TRUNK_LAYERS)
        )
        self.kernels = {
            name: (
                torch.from_numpy(arrays[f"{_conv(name)}/kernel"]).permute(3, 2, 0, 1).contiguous(),
                torch.from_numpy(arrays[f"{_conv(name)}/bias"]),
            )
            for name in layer_names.TRUNK_LAYERS
        }
        known = layer_names.TRUNK_LAYERS
        self.content_layers = parse_weights("content_layers", config.content_layers, known)
        self.style_layers = parse_weights("style_layers", config.style_layers, known)
        self.start = _to_torch(content)
        with torch.no_grad():
            features = self.features(self.start)
            self.content_target = {name: features[name] for name in self.content_layers}
            features = self.features(_to_torch(style))
            self.style_target = {}
            for name in self.style_layers:
                mean, covariance = _covariance(features[name])
                values, vectors = torch.linalg.eigh(covariance)
                root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
                self.style_target[name] = (mean, covariance, root)

    def features(self, image):
        """Dict of `(c, h, w)` activations of a `(1, 3, h, w)` image."""
        means = torch.tensor(encoders.CHANNEL_MEANS_BGR)[:, None, None]
        height, width = image.shape[2:]
        x = F.pad(image.flip(1) * 255.0 - means, (MARGIN,) * 4, mode="reflect")
        features = {}
        for name, (kernel, bias) in self.kernels.items():
            if name.endswith("_1") and name != "relu1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu(F.conv2d(x, kernel, bias, padding=1))
            stride = 2 ** (int(name[4]) - 1)
            start, h, w = MARGIN // stride, height // stride, width // stride
            features[name] = x[0, :, start : start + h, start : start + w]
        return features

    def loss(self, image):
        """The total loss, a scalar, of a `(1, 3, h, w)` image."""
        features = self.features(image)
        total = 0.0
        for name, weight in self.content_layers.items():
            target = self.content_target[name]
            share = self.config.content_weight * weight / sum(self.content_layers.values())
            total = total + share * (features[name] - target).square().mean() / (
                target.square().mean() + 1e-8
            )
        for name, weight in self.style_layers.items():
            share = self.config.style_weight * weight / sum(self.style_layers.values())
            total = total + share * _wasserstein(self.style_target[name], features[name])
        down = (image[:, :, 1:] - image[:, :, :-1]).square().mean()
        across = (image[..., 1:] - image[..., :-1]).square().mean()
        return total + self.config.tv_weight * (down + across)

    def minimize(self, evaluations):
        """`[(seconds, loss), …]` of each evaluation of PyTorch's L-BFGS on the pixels."""
        image = self.start.clone().requires_grad_()
        optimizer = torch.optim.LBFGS([image], lr=1.0, max_iter=evaluations, max_eval=evaluations)
        trace = []
        started = time.perf_counter()

        def closure():
            optimizer.zero_grad()
            loss = self.loss(image)
            loss.backward()
            trace.append((time.perf_counter() - started, loss.item()))
            return loss

        while len(trace) < evaluations:
            before = len(trace)
            optimizer.param_groups[0].update(max_eval=evaluations - before)
            optimizer.step(closure)
            if len(trace) == before:
                break
        return trace


def _conv(name):
    return name.replace("relu", "conv")


def _to_torch(image):
    return torch.from_numpy(np.ascontiguousarray(image.transpose(0, 3, 1, 2)))


def _covariance(features):
    flat = features.flatten(1)
    mean = flat.mean(1)
    centred = flat - mean[:, None]
    return mean, centred @ centred.T / flat.shape[1]


def _wasserstein(target, features):
    mean_target, covariance_target, root = target
    mean, covariance = _covariance(features)
    inner = root @ covariance @ root
    floor = 1e-8 * (covariance_target.trace() / len(mean_target)) ** 2 + 1e-12
    with torch.no_grad():
        _, vectors = torch.linalg.eigh(inner)
    values = (vectors * (inner @ vectors)).sum(0)
    fidelity = (values.clamp(min=0) + floor).sqrt().sum()
    distance = (mean - mean_target).square().sum()
    distance = distance + covariance_target.trace() + covariance.trace() - 2 * fidelity
    return distance / (mean_target.square().sum() + covariance_target.trace() + 1e-8)
