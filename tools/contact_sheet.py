"""Renders pairs with the defaults and, for comparison, by plain single-scale Gram L-BFGS.

    python -m tools.contact_sheet --pair CONTENT,STYLE … --output sheet.jpg [--renders DIR]

The plain method is Gatys et al. 2016 as usually implemented: VGG-19, one scale, pixels as
variables, Gram matrices of the layers relu1_1 … relu5_1 and the content at relu4_1.
"""

import pathlib

import keras
import numpy as np
from absl import app, flags, logging
from PIL import Image, ImageDraw

from tfstyle import encoders, files, images, losses, optimization
from tfstyle.config import OptimizeConfig
from tfstyle.encoders.layer_names import HEAD_LAYERS
from tfstyle.optimization.lbfgs import LBFGS
from tfstyle.optimization.objective import Objective
from tfstyle.runtime import devices

_PAIRS = flags.DEFINE_multi_string("pair", None, "CONTENT,STYLE files.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "Contact sheet to write.", required=True)
_RENDERS = flags.DEFINE_string("renders", "", "Folder for single renders.")
_SIZE = flags.DEFINE_integer("size", 512, "Longest side of a render in pixels.")
_THUMBNAIL = flags.DEFINE_integer("thumbnail", 360, "Longest side on the sheet in pixels.")
_ITERATIONS = flags.DEFINE_integer("plain_iterations", 60, "Iterations of the plain method.")
_STYLE_WEIGHT = flags.DEFINE_float("plain_style_weight", 100.0, "Style weight, plain method.")
_INPUTS = flags.DEFINE_bool("inputs", False, "Whether the sheet shows the inputs, too.")


class PixelObjective(Objective):
    """The loss as a function of the pixels themselves."""

    def _picture(self, vector):
        start = self._start.read_value()
        return start + keras.ops.reshape(vector, keras.ops.shape(start))

    def _pull_back(self, gradient):
        return gradient


def render_plainly(content, style):
    """Gatys et al. 2016 at one scale, without our improvements: `(1, h, w, 3)`."""
    loss = losses.PerceptualLoss(
        content={"relu4_1": (losses.ContentLoss(), 1.0)},
        style={
            layer: [(losses.GramLoss(), _STYLE_WEIGHT.value / len(HEAD_LAYERS))]
            for layer in HEAD_LAYERS
        },
    )
    problem = PixelObjective(encoders.load_encoder("vgg19", loss.layers), loss)
    content = images.resize(content, images.fit(content.shape[1:3], _SIZE.value))
    style = images.resize(style, images.fit(style.shape[1:3], _SIZE.value))
    problem.set_targets(content, [style], [1.0])
    problem.set_start(content)
    optimizer = LBFGS(problem.value_and_gradient)
    optimizer.start(np.zeros(content.size, np.float32))
    for _ in range(_ITERATIONS.value):
        optimizer.step()
    return problem.picture(optimizer.position)


def main(_):
    devices.hide_retracing_warnings()
    files.check_writable(_OUTPUT.value)
    if _RENDERS.value:
        pathlib.Path(_RENDERS.value).mkdir(parents=True, exist_ok=True)
    rows = []
    for pair in _PAIRS.value:
        paths = [pathlib.Path(path) for path in pair.split(",")]
        content, style = (images.read_image(path) for path in paths)
        ours = optimization.render(content, [style], OptimizeConfig(size=_SIZE.value)).image
        plain = render_plainly(content, style)
        name = f"{paths[0].stem}-{paths[1].stem}"
        if _RENDERS.value:
            folder = pathlib.Path(_RENDERS.value)
            images.write_image(folder / f"{name}.jpg", ours)
        columns = [content, style, plain, ours] if _INPUTS.value else [plain, ours]
        caption = f"{paths[0].stem} in the style of {paths[1].stem}".replace("_", " ")
        rows.append((caption, [np.clip(image, 0, 1) for image in columns]))
        logging.info("%s", name)
    _write_sheet(rows)


def _write_sheet(rows):
    """Pairs side by side, two pairs in a row, captioned."""
    side, caption, across = _THUMBNAIL.value, 20, 1 if _INPUTS.value else 2
    cells = []
    for name, pictures in rows:
        small = [images.resize(p, images.fit(p.shape[1:3], side)) for p in pictures]
        cell = Image.new(
            "RGB",
            (len(small) * (side + 4) + 8, max(p.shape[1] for p in small) + caption + 8),
            "white",
        )
        ImageDraw.Draw(cell).text((2, 4), name, fill="black")
        for k, picture in enumerate(small):
            pixels = np.uint8(picture[0] * 255 + 0.5)
            cell.paste(Image.fromarray(pixels), (k * (side + 4), caption))
        cells.append(cell)
    lines = [cells[k : k + across] for k in range(0, len(cells), across)]
    heights = [max(cell.height for cell in line) for line in lines]
    sheet = Image.new("RGB", (across * cells[0].width, sum(heights)), "white")
    for k, line in enumerate(lines):
        for column, cell in enumerate(line):
            sheet.paste(cell, (column * cell.width, sum(heights[:k])))
    with files.replacing(_OUTPUT.value) as temporary:
        sheet.save(temporary, quality=88)


if __name__ == "__main__":
    app.run(main)
