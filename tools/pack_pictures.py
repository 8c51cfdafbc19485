"""Packs photographs and paintings in one file for `tools.train_keras`.

    python -m tools.pack_pictures --content_dir DIR --style_dir DIR --output pictures.zip

Pictures are reduced to `--side` pixels on the shorter side and stored as WebP, at the best quality
with which the file has at most `--megabytes`.
"""

import sys

from absl import flags

from tfstyle import cli, files

_FLAGS = flags.FlagValues()
_CONTENT = flags.DEFINE_string(
    "content_dir", None, "Folder of photographs.", required=True, flag_values=_FLAGS
)
_STYLE = flags.DEFINE_string(
    "style_dir", None, "Folder of paintings.", required=True, flag_values=_FLAGS
)
_OUTPUT = flags.DEFINE_string("output", None, "File to write.", required=True, flag_values=_FLAGS)
_MEGABYTES = flags.DEFINE_float(
    "megabytes", 28.0, "Largest size of the file, in units of 2^20 bytes.", 0.01, flag_values=_FLAGS
)
_SIDE = flags.DEFINE_integer(
    "side", 256, "Largest shorter side of a picture, in pixels.", 16, flag_values=_FLAGS
)


def main(_):
    from tools.jax_training import packing

    files.check_writable(_OUTPUT.value)
    folders = {"content": _CONTENT.value, "style": _STYLE.value}
    found = packing.pack(folders, _OUTPUT.value, _SIDE.value, int(_MEGABYTES.value * 2**20))
    print(f"{_OUTPUT.value}: {found}")


if __name__ == "__main__":
    sys.exit(cli.run(main, _FLAGS(sys.argv)))
