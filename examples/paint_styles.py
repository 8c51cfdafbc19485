"""Paints the four example style pictures, from nothing but a seed, NumPy and Pillow.

    python examples/paint_styles.py [FOLDER]

Each painter returns an RGB picture of 768 × 768 pixels, drawn at twice the size and reduced.
"""

import pathlib
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 768
_BIG = 2 * SIDE


def _hex(*codes):
    return np.array([[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in codes], float)


def _noise(generator, cells, side=_BIG):
    """Smooth `(side, side)` noise of deviation 1 with features of `side / cells` pixels."""
    grid = Image.fromarray(generator.normal(size=(cells + 3, cells + 3)).astype(np.float32))
    field = np.asarray(grid.resize((side, side), Image.Resampling.BICUBIC))
    return (field - field.mean()) / field.std()


def _clouds(generator, cells, octaves=4, side=_BIG):
    """Fractal noise of deviation 1."""
    total = sum(_noise(generator, cells * 2**k, side) / 1.7**k for k in range(octaves))
    return total / total.std()


def _grid():
    y, x = np.mgrid[0:_BIG, 0:_BIG] / _BIG
    return x, y


def _finish(pixels):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(
        np.clip(pixels, 0, 255).astype(np.uint8)
    )  # fmt: skip
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def paint_brushstrokes(generator):
    """Thick oil strokes that follow whirls, from dark blue to yellow."""
    x, y = _grid()
    angle = 0.5 * _noise(generator, 3) + 0.6 * np.sin(5 * x + 2)
    for cx, cy, turn, reach in ((0.3, 0.3, 1, 0.28), (0.75, 0.24, -1, 0.2), (0.62, 0.72, 1, 0.3)):
        dx, dy = x - cx, y - cy
        pull = np.exp(-((dx**2 + dy**2) / reach**2))
        swirl = np.arctan2(dy, dx) + turn * np.pi / 2
        angle = np.arctan2(
            np.sin(angle) * (1 - pull) + np.sin(swirl) * pull,
            np.cos(angle) * (1 - pull) + np.cos(swirl) * pull,
        )
    glow = sum(
        np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / r**2))
        for cx, cy, r in ((0.3, 0.3, 0.1), (0.75, 0.24, 0.07), (0.62, 0.72, 0.12))
    )
    tone = 0.32 + 0.17 * _clouds(generator, 4, 3) + 0.75 * glow
    palette = _hex(
        "0b1738", "12306b", "1d4f9e", "2f7fc1", "5fb0c9", "a9cfb0", "f0d264", "f5a623", "fdf3cf"
    )
    image = Image.new("RGB", (_BIG, _BIG), (16, 38, 86))
    draw = ImageDraw.Draw(image)
    for width, count, length in ((44, 2600, 9), (26, 6500, 9), (14, 9000, 8)):
        for _ in range(count):
            px, py = generator.uniform(0, _BIG, 2)
            level = tone[int(py), int(px)] + generator.normal(0, 0.07)
            color = palette[int(np.clip(level * len(palette), 0, len(palette) - 1))]
            if generator.random() < 0.05:  # a touch of the complement
                color = _hex("c8452d", "e8742c", "7a2f5d")[generator.integers(3)]
            points = [(px, py)]
            for _ in range(length):
                a = angle[int(np.clip(py, 0, _BIG - 1)), int(np.clip(px, 0, _BIG - 1))]
                px, py = px + np.cos(a) * width * 0.55, py + np.sin(a) * width * 0.55
                points.append((px, py))
            _stroke(draw, generator, np.array(points), width, color)
    return _finish(image)


def _stroke(draw, generator, points, width, color):
    """A stroke as a bundle of bristles, each a little lighter or darker."""
    normal = np.gradient(points, axis=0)[:, ::-1] * (1, -1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    taper = np.sin(np.linspace(0.35, np.pi - 0.25, len(points)))[:, None]
    bristles = max(4, width // 5)
    for offset in np.linspace(-0.5, 0.5, bristles):
        line = points + normal * taper * offset * width
        shade = generator.normal(0, 9) - 26 * offset
        tint = tuple(int(v) for v in np.clip(color + shade, 0, 255))
        draw.line([tuple(p) for p in line], fill=tint, width=width // bristles + 3, joint="curve")


def paint_stained_glass(generator):
    """A rosette of coloured panes between lead cames."""
    x, y = _grid()
    dx, dy = x - 0.5, y - 0.5
    radius, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    centres, colors = [], []
    jewels = _hex("8c1029", "c62828", "e0752a", "f2b632", "2e7d4f", "0f5c6e", "1a3f95", "4d2a86")
    for ring, (r, petals) in enumerate(
        ((0.0, 1), (0.1, 8), (0.2, 12), (0.3, 16), (0.4, 24), (0.5, 28), (0.6, 32), (0.7, 36))
    ):
        for petal in range(petals):
            a = 2 * np.pi * (petal + 0.5 * (ring % 2)) / petals + generator.normal(0, 0.03)
            distance = r + generator.normal(0, 0.008)
            centres.append((0.5 + distance * np.cos(a), 0.5 + distance * np.sin(a)))
            colors.append(jewels[(ring * 2 + (petal % 2) * 3 + generator.integers(2)) % 8])
    nearest, second = np.full(x.shape, 9.0), np.full(x.shape, 9.0)
    index = np.zeros(x.shape, int)
    for k, (cx, cy) in enumerate(centres):
        distance = np.hypot(x - cx, y - cy)
        closer = distance < nearest
        second = np.where(closer, nearest, np.minimum(second, distance))
        index = np.where(closer, k, index)
        nearest = np.where(closer, distance, nearest)
    glass = np.array(colors)[index]
    light = 1.0 + 0.16 * _clouds(generator, 10) + 0.5 * np.exp(-(radius**2) / 0.12) - 3.0 * nearest
    streaks = 0.06 * np.sin(60 * angle + 9 * _noise(generator, 6)) * (radius > 0.06)
    glass = glass * (light + streaks)[..., None] + 26 * (light[..., None] - 0.9)
    lead = np.clip((second - nearest - 0.006) / 0.004, 0, 1)
    rings = np.clip((np.abs((radius / 0.2) % 1.0 - 0.75) * 0.2 - 0.004) / 0.003, 0, 1)
    came = np.minimum(lead, rings)[..., None]
    return _finish(glass * came + (18 + 10 * _noise(generator, 90)[..., None]) * (1 - came))


def paint_ink_wash(generator):
    """Mountains in mist, bamboo and a red seal, in ink on warm paper."""
    x, y = _grid()
    paper = (
        np.array([240.0, 232, 214])
        + 5 * (_clouds(generator, 5) + 0.8 * _noise(generator, 350))[..., None]
    )
    ink = np.zeros_like(x)
    for depth, (base, height, tone) in enumerate(
        ((0.36, 0.16, 0.22), (0.5, 0.2, 0.36), (0.66, 0.2, 0.52), (0.84, 0.16, 0.78))
    ):
        ridge = sum(
            _noise(generator, 3 * 2**k)[0] / 2.1**k for k in range(7)
        ) * height * 0.4 + np.interp(x[0], [0, 0.3, 0.6, 1], generator.uniform(-0.1, 0.1, 4))
        below = y - (base + ridge[None])
        wash = np.exp(-np.maximum(below, 0) / (0.05 + 0.07 * height / (depth + 1)))
        grain = 0.75 + 0.22 * _clouds(generator, 14) + 0.12 * _noise(generator, 160)
        edge = np.clip(below / 0.0025, 0, 1)
        ink = np.maximum(ink * (1 - 0.4 * edge), tone * wash * np.clip(grain, 0.1, 1.5) * edge)
    sheet = Image.new("L", (_BIG, _BIG), 0)
    draw = ImageDraw.Draw(sheet)
    for _ in range(7):
        px, lean, width = generator.uniform(0.02, 0.4), generator.normal(0, 0.05), 13
        for joint in np.arange(1.02, generator.uniform(0.0, 0.35), -0.1):
            start = ((px + lean * (1 - joint)) * _BIG, joint * _BIG)
            end = ((px + lean * (1.09 - joint)) * _BIG, (joint - 0.09) * _BIG)
            draw.line([start, end], fill=int(generator.uniform(110, 235)), width=width)
            for _ in range(generator.integers(0, 4)):
                a = generator.normal(0.7, 0.5) if generator.random() < 0.6 else np.pi - 0.6
                reach = generator.uniform(60, 150)
                tip = (end[0] + np.cos(a) * reach, end[1] + np.sin(a) * reach)
                middle = (
                    end[0] + np.cos(a + 0.14) * reach / 2,
                    end[1] + np.sin(a + 0.14) * reach / 2,
                )
                other = (
                    end[0] + np.cos(a - 0.14) * reach / 2,
                    end[1] + np.sin(a - 0.14) * reach / 2,
                )
                draw.polygon([end, middle, tip, other], fill=int(generator.uniform(120, 255)))
    strokes = np.asarray(sheet.filter(ImageFilter.GaussianBlur(1.5)), float) / 255
    dry = np.clip(0.85 + 0.25 * _noise(generator, 260) + 0.1 * _clouds(generator, 20), 0.15, 1)
    ink = np.maximum(ink, strokes * dry * 0.92)
    for _ in range(90):  # splashes
        px, py, r = generator.uniform(0, 1), generator.uniform(0, 1), generator.exponential(0.0025)
        ink = np.maximum(ink, 0.6 * (np.hypot(x - px, y - py) < r))
    picture = paper * (1 - ink[..., None]) + np.array([22.0, 24, 30]) * ink[..., None]
    seal = (np.abs(x - 0.87) < 0.035) & (np.abs(y - 0.14) < 0.045)
    carved = seal & (np.sin(x * 420) * np.sin(y * 340) + 0.35 * _noise(generator, 120) > 0.35)
    red = (seal & ~carved)[..., None] * np.clip(0.86 + 0.1 * _noise(generator, 200), 0, 1)[
        ..., None
    ]
    return _finish(picture * (1 - red) + np.array([176.0, 38, 30]) * red)


def paint_mosaic(generator):
    """A sun over waves in glass tesserae that follow the shapes."""
    x, y = _grid()
    sun = np.hypot(x - 0.62, y - 0.34)
    wave = 0.62 + 0.05 * np.sin(11 * x + 1) + 0.03 * np.sin(23 * x)
    sky = y < wave
    # Rows of tesserae run along the level lines of `band`, columns along `along`.
    band = np.where(sky, sun, y - wave + 0.02 * np.sin(17 * x))
    along = np.where(
        sky, np.arctan2(y - 0.34, x - 0.62) * np.maximum(np.round(sun / 0.024), 1) * 0.024, x
    )
    size = 0.024
    row = np.floor(band / size)
    offset = (row * 0.618) % 1.0
    column = np.floor(along / (size * 1.15) + offset)
    inside = np.minimum.reduce([
        band / size - row, row + 1 - band / size,
        along / (size * 1.15) + offset - column, column + 1 - along / (size * 1.15) - offset,
    ])  # fmt: skip
    key = ((row * 7919 + column * 104729 + sky * 15485863).astype(np.int64)) % 65536
    jitter = generator.normal(0, 1, (65536, 4))[key]
    warm = _hex("fff1c1", "fcd34d", "f59e2d", "e4572e", "b5304a", "6d2b63", "35306b", "1f2a55")
    cool = _hex("e4f1e4", "7fcdbb", "2a9d8f", "1b7a99", "17568c", "132f5e", "0d1f3f", "0b1730")
    rays = 0.12 * np.sign(np.sin(18 * np.arctan2(y - 0.34, x - 0.62))) * (sun > 0.12)
    level = np.where(sky, sun * 9.0 + rays * 5, (y - wave) * 16 + 1.5 * np.sin(40 * band))
    level = np.clip(level + jitter[..., 0] * 0.55, 0, 7).astype(int)
    color = np.where(sky[..., None], warm[level], cool[level])
    gold = (jitter[..., 1] > 2.1)[..., None]
    color = np.where(gold, np.array([226.0, 178, 72]), color)
    bevel = np.clip(inside / 0.3, 0, 1)
    shade = 0.86 + 0.2 * bevel + 0.06 * jitter[..., 2] + 0.03 * _noise(generator, 200)
    tile = np.clip((inside - 0.06) / 0.06, 0, 1)[..., None]
    edge = np.clip(np.abs(y - wave) / 0.003 - 1, 0, 1)[..., None]
    grout = np.array([58.0, 54, 52]) + 6 * _noise(generator, 250)[..., None]
    tile = tile * edge
    return _finish(color * shade[..., None] * tile + grout * (1 - tile))


PAINTERS = {
    "brushstrokes": paint_brushstrokes,
    "stained_glass": paint_stained_glass,
    "ink_wash": paint_ink_wash,
    "mosaic": paint_mosaic,
}


def main(folder):
    """Writes `NAME.jpg` for each painter to `folder`."""
    for seed, (name, paint) in enumerate(PAINTERS.items()):
        picture = paint(np.random.default_rng(seed))
        picture.save(pathlib.Path(folder) / f"{name}.jpg", quality=90, subsampling=0)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
