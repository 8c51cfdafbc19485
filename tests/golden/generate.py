"""Makes the reference values beside this file with independent code: published, or float64 SciPy.

    python -m tests.golden.generate lpips vgg19

`lpips` needs `lpips` and `torchvision`, which the tests do not: richzhang/PerceptualSimilarity,
release 0.1.4. No trained weights are used; those here are waves, the same on every machine. `vgg19`
reads the arrays that ship and the example pictures.
"""

import pathlib
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).parent
ROOT = FOLDER.parent.parent
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


def make_lpips():
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


def make_vgg19():
    """Channel means of VGG-19's first and last features, of a crop of a photograph."""
    import scipy
    from PIL import Image

    with Image.open(ROOT / "examples" / "astronaut.jpg") as picture:
        crop = np.asarray(picture.convert("RGB"))[100:132, 200:232]
    x = crop[..., ::-1].astype(np.float64) - [103.939, 116.779, 123.68]  # BGR, as Caffe has it
    means = {}
    with np.load(ROOT / "tfstyle" / "pretrained" / "vgg19.npz") as arrays:
        for block, count in enumerate((2, 2, 4, 4, 4), 1):
            for layer in (f"{block}_{number}" for number in range(1, count + 1)):
                index = arrays[f"conv{layer}/kernel.index"]
                kernel = arrays[f"conv{layer}/kernel.table"].astype(np.float64)[index]
                planes = [
                    sum(
                        scipy.signal.correlate(plane, part, mode="same", method="direct")
                        for plane, part in zip(np.moveaxis(x, 2, 0), parts, strict=True)
                    )
                    for parts in np.transpose(kernel, (3, 2, 0, 1))
                ]
                x = np.maximum(np.stack(planes, axis=2) + arrays[f"conv{layer}/bias"], 0.0)
                if layer in ("1_1", "5_4"):
                    means[f"relu{layer}"] = x.mean(axis=(0, 1))
            height, width, channels = x.shape
            x = x.reshape(height // 2, 2, width // 2, 2, channels).max(axis=(1, 3))
    np.savez(
        FOLDER / "vgg19.npz",
        picture=crop,
        **means,
        source="float64 correlations, `make_vgg19`",
        versions=f"scipy {scipy.__version__}, numpy {np.__version__}",
    )


def main():
    makers = {"lpips": make_lpips, "vgg19": make_vgg19}
    for name in sys.argv[1:] or makers:
        makers[name]()


if __name__ == "__main__":
    main()
