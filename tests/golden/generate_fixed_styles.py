"""Makes `fixed_styles.npz`: pictures of transformation networks, by float64 SciPy from the papers.

    python -m tests.golden.generate_fixed_styles

Johnson et al. 2016 (supplementary material, table 1) with instance normalization, and Chen et al.
2017 (section 3.1): strided convolutions, residual blocks or a bank, upsampling by interpolation. No
part of the package is used.
"""

import pathlib

import numpy as np
import scipy

from tests.golden.generate import FOLDER, wave

WIDTHS, KERNEL, MARGIN, SHAPE = (4, 6, 8), 5, 8, (22, 29)
BLOCKS, BANK_LAYERS = 2, 2
PATH = FOLDER / "fixed_styles.npz"


def kernels(blocks):
    """Kernels by the convolutions' names, `(k, k, c, c2)`."""
    full, half, quarter = WIDTHS
    shapes = {
        "down1": (KERNEL, 3, full),
        "down2": (3, full, half),
        "down3": (3, half, quarter),
        **{f"block{b}_{k}": (3, quarter, quarter) for b in range(1, blocks + 1) for k in (1, 2)},
        "up1": (3, quarter, half),
        "up2": (3, half, full),
        "image": (KERNEL, full, 3),
    }
    return {
        name: wave((side, side, inner, outer), 0.21 + 0.1 * number, 1.0 / side)
        for number, (name, (side, inner, outer)) in enumerate(shapes.items())
    }


def filters():
    """Of the layers of a bank."""
    width = WIDTHS[-1]
    return [wave((3, 3, width, width), 0.17 + 0.2 * k, 0.3) for k in range(BANK_LAYERS)]


def affine(names_and_widths):
    """A shift and a scale for each channel."""
    return {
        name: np.concatenate(
            [wave((width,), 0.3 + number, 0.3), 1.0 + wave((width,), 0.6 + number, 0.3)]
        )
        for number, (name, width) in enumerate(names_and_widths.items())
    }


def picture():
    return 0.5 + 0.5 * wave((*SHAPE, 3), 0.031)


def _convolve(x, kernel, stride=1):
    """Zero-padded; with a stride, TensorFlow pads less before an even length than after it."""
    side = kernel.shape[0]
    outputs = []
    for outer in range(kernel.shape[3]):
        outputs.append(
            sum(
                scipy.signal.correlate2d(x[..., c], kernel[:, :, c, outer], mode="full")
                for c in range(x.shape[2])
            )
        )
    full = np.stack(outputs, axis=-1)
    first = (side - 1) - (side - 1) // 2 if stride == 1 else side - 1
    count = [length // stride for length in x.shape[:2]]
    rows, columns = (first + stride * np.arange(n) for n in count)
    return full[rows][:, columns]


def _normalize(x, parameters, stride, margin):
    start = margin // stride
    height, width = (side // stride for side in SHAPE)
    inner = x[start : start + height, start : start + width].reshape(-1, x.shape[2])
    shift, scale = np.split(parameters, 2)
    spread = inner.std(axis=0) + 3e-3 * x.std(axis=(0, 1))  # the margin counts a little
    deviation = np.sqrt(spread**2 + 1e-5)
    return (x - inner.mean(axis=0)) / deviation * scale + shift


def _double(x):
    """Bilinear, half-pixel centres, edges repeated."""
    for axis in (0, 1):
        padded = np.pad(x, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
        low, middle, high = (
            np.take(padded, np.arange(x.shape[axis]) + offset, axis) for offset in (0, 1, 2)
        )
        pair = np.stack([0.25 * low + 0.75 * middle, 0.75 * middle + 0.25 * high], axis + 1)
        shape = list(x.shape)
        shape[axis] *= 2
        x = pair.reshape(shape)
    return x


def paint(blocks, bank=()):
    """A picture of the network, with residual blocks or with a bank."""
    parts = {name: kernel.astype(np.float64) for name, kernel in kernels(blocks).items()}
    widths = {name: kernel.shape[3] for name, kernel in parts.items()}
    widths.update({f"bank{k}": one.shape[3] for k, one in enumerate(bank, 1)})
    style = affine(widths)
    rest = [-side % 4 for side in SHAPE]
    x = np.pad(
        picture().astype(np.float64),
        [(MARGIN, MARGIN + rest[0]), (MARGIN, MARGIN + rest[1]), (0, 0)],
        mode="reflect",
    )
    x = 2.0 * x - 1.0
    for name, stride in (("down1", 1), ("down2", 2), ("down3", 4)):
        x = _convolve(x, parts[name], 1 if stride == 1 else 2)
        x = np.maximum(_normalize(x, style[name], stride, MARGIN), 0.0)
    for number in range(1, blocks + 1):
        names = f"block{number}_1", f"block{number}_2"
        branch = np.maximum(
            _normalize(_convolve(x, parts[names[0]]), style[names[0]], 4, MARGIN), 0.0
        )
        x = x + _normalize(_convolve(branch, parts[names[1]]), style[names[1]], 4, MARGIN)
    for number, kernel in enumerate(bank, 1):
        name = f"bank{number}"
        x = _convolve(x, kernel.astype(np.float64))
        x = np.maximum(_normalize(x, style[name], 4, MARGIN), 0.0)
    for name, stride in (("up1", 2), ("up2", 1)):
        x = _convolve(_double(x), parts[name])
        x = np.maximum(_normalize(x, style[name], stride, MARGIN), 0.0)
    x = _normalize(_convolve(x, parts["image"]), style["image"], 1, MARGIN)
    x = x[MARGIN : MARGIN + SHAPE[0], MARGIN : MARGIN + SHAPE[1]]
    return 1.0 / (1.0 + np.exp(-x))


def main():
    np.savez(
        pathlib.Path(PATH),
        residual=paint(BLOCKS),
        bank=paint(0, filters()),
        source="float64 correlations, `paint`",
        versions=f"scipy {scipy.__version__}, numpy {np.__version__}",
    )


if __name__ == "__main__":
    main()
