"""Makes the reference values beside this file with independent, published code.

    python -m tests.golden.generate

It needs `lpips` and `torchvision`, which the tests do not: richzhang/PerceptualSimilarity, release
0.1.4. No trained weights are used; those here are waves, the same on every machine.
"""

import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).parent
ALEXNET = {
    "net.slice1.0": (64, 3, 11, 11),
    "net.slice2.3": (192, 64, 5, 5),
    "net.slice3.6": (384, 192, 3, 3),
    "net.slice4.8": (256, 384, 3, 3),
    "net.slice5.10": (256, 256, 3, 3),
}


def wave(shape, pitch, scale=1.0):
    """float32 values without a pattern that the eye sees."""
    count = int(np.prod(shape))
    return (scale * np.sin(np.arange(count) ** 1.5 * pitch)).astype(np.float32).reshape(shape)


def lpips_state():
    """A state dict of `lpips.LPIPS(net="alex")` with waves for weights."""
    state = {}
    for number, (name, shape) in enumerate(ALEXNET.items()):
        state[f"{name}.weight"] = wave(shape, 0.37 + number, 2.0 / np.sqrt(np.prod(shape[1:])))
        state[f"{name}.bias"] = wave(shape[:1], 0.11 + number, 0.1)
        state[f"lin{number}.model.1.weight"] = np.abs(wave((1, shape[0], 1, 1), 0.7 + number))
    return state


def pictures():
    """Two pictures, `(1, 70, 90, 3)` in [0, 1]."""
    return [0.5 + 0.5 * wave((1, 70, 90, 3), pitch) for pitch in (0.013, 0.029)]


def feature_maps():
    """Two dicts of features after ReLU, with positions where all channels are 0."""
    maps = []
    for pitch in (0.21, 0.43):
        found = {
            f"relu{block}_1": np.maximum(wave((1, side, side + 1, width), pitch * block), 0.0)
            for block, (side, width) in enumerate(((16, 8), (8, 16), (4, 32)), 1)
        }
        found["relu2_1"][:, 2, 3:5] = 0.0
        maps.append(found)
    maps[1]["relu2_1"][:, 2, 3:6] = 0.0
    return maps


def main():
    import lpips
    import torch

    first, second = (torch.tensor(one.transpose(0, 3, 1, 2)) for one in pictures())
    network = lpips.LPIPS(pretrained=False, net="alex", pnet_rand=True, verbose=False)
    state = {name: torch.tensor(value) for name, value in lpips_state().items()}
    network.load_state_dict(state, strict=False)
    with torch.no_grad():
        distance = network(first, second, normalize=True).item()
    perceptual = 0.0
    for layer, maps in feature_maps()[0].items():
        units = [
            lpips.normalize_tensor(torch.tensor(one.transpose(0, 3, 1, 2)))
            for one in (maps, feature_maps()[1][layer])
        ]
        squares = (units[0] - units[1]) ** 2
        perceptual += lpips.lpips.spatial_average(squares.sum(dim=1, keepdim=True)).item()
    np.savez(
        FOLDER / "lpips.npz",
        lpips=distance,
        perceptual=perceptual,
        source="https://github.com/richzhang/PerceptualSimilarity",
        versions=f"lpips 0.1.4, torch {torch.__version__}",
    )


if __name__ == "__main__":
    main()
