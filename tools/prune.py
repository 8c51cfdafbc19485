"""Makes the initial `lite`: VGG-19 with few of its channels, layers refitted by least squares.

    python -m tools.prune --images DIR --images DIR --output start.npz [--widths 16,32,64,192,256]

`tools.distillation.pruning` documents the method and the file.
"""

import pathlib

import keras
import numpy as np
from absl import app, flags

from tfstyle import files
from tfstyle.encoders import layer_names, weight_files
from tools.distillation.crops import crop_at, load_pixels
from tools.distillation.pruning import prune

_IMAGES = flags.DEFINE_multi_string("images", None, "Folder of JPEG or PNG files.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "File (.npz) to write.", required=True)
_WIDTHS = flags.DEFINE_list("widths", [16, 32, 64, 192, 256], "Channels of the five blocks.")
_START = flags.DEFINE_string("start", None, "File of an earlier lite: its first layers are kept.")
_VGG = flags.DEFINE_string("vgg_weights", "", "Keras' VGG-19 weights; cached or packaged if empty.")
_CROPS = flags.DEFINE_integer("crops", 384, "Crops of the pictures.")
_CROP = flags.DEFINE_integer("crop", 160, "Side of a crop in pixels.")
_POSITIONS = flags.DEFINE_integer("positions", 40000, "Positions that a layer is fitted to.")
_SEED = flags.DEFINE_integer("seed", 12345, "Seed of crops and positions.")


def main(_):
    keras.config.set_image_data_format("channels_last")
    pixels = load_pixels(_IMAGES.value)
    image = np.stack(
        [crop_at(pixels, _SEED.value, index, _CROP.value) for index in range(_CROPS.value)]
    )
    names = [layer.replace("relu", "conv") for layer in layer_names.TRUNK_LAYERS]
    vgg = weight_files.read_weights(weight_files.encoder_path("vgg19", _VGG.value), names)
    generator = np.random.default_rng(_SEED.value)
    widths = [int(width) for width in _WIDTHS.value]
    start = dict(np.load(_START.value)) if _START.value else None
    arrays = prune(vgg, image, widths, _POSITIONS.value, generator, start)
    with files.replacing(pathlib.Path(_OUTPUT.value)) as temporary:
        np.savez_compressed(temporary, **arrays)


if __name__ == "__main__":
    app.run(main)
