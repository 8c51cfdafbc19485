"""The flags of the programs in `export/`."""

import dataclasses
import re

from tfstyle.config.options import check_options, did_you_mean, option
from tfstyle.config.stylize import DEFAULT_MODEL
from tfstyle.errors import InputError

PRECISIONS = ("float32", "float16", "dynamic", "int8")
DYNAMIC = "dynamic"  # a size
_LEAST, _MOST = 64, 4096  # pixels a side


def _model(name):
    return option(name, "A packaged model's name, or a .keras file of train.py.", section="Files")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SavedModelCommand:
    """The flags of `export/to_saved_model.py`."""

    model: str = _model(DEFAULT_MODEL)
    output: str = option("", "Folder to write, new or empty.", section="Files")

    def __post_init__(self):
        _check_output(self.output)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TFLiteCommand:
    """The flags of `export/to_tflite.py`. Raises InputError for a value out of range."""

    model: str = _model("mobile")
    output: str = option("", "Folder to write, new or empty.", section="Files")
    size: str = option(
        "384", "Sizes of the photographs, separated by commas: 384 for squares, 288x384 for height "
        f"and width, {DYNAMIC} for any. Each is a signature of the file; they share their weights.",
        section="Files",
    )  # fmt: skip
    style_size: str = option(
        "384", "Size of the paintings, in one of those forms; relative to that of the photographs, "
        "it determines the size of strokes.", section="Files",
    )  # fmt: skip
    tile_size: str = option(
        "", "Size of the tiles in which large photographs are painted; adds the signatures "
        "encode_whole and transfer_tile.", section="Files",
    )  # fmt: skip
    precision: str = option(
        "float32,float16,dynamic", f"Precisions, separated by commas, of {', '.join(PRECISIONS)}; "
        "each gets a folder. int8 needs --calibration_dir.", section="Files",
    )  # fmt: skip
    uint8: bool = option(
        False, "Pictures are bytes, 0 to 255, instead of float32 in [0, 1].",
        section="Files",
    )  # fmt: skip
    single_file: bool = option(
        False, "Also writes stylize.tflite, which takes a photograph and a painting at once.",
        section="Files",
    )  # fmt: skip
    calibration_dir: str = option(
        "", "Folder of photographs, 100 to 300, to calibrate the ranges of int8 with; more are not "
        "read.", section="Calibration",
    )  # fmt: skip
    calibration_style_dir: str = option(
        "", "Folder of paintings for calibration; by default, the photographs are used.",
        section="Calibration",
    )  # fmt: skip
    check_content_dir: str = option(
        "", "Folder of photographs on which each file is compared with the Keras model; by "
        "default, the package's examples.", section="Check",
    )  # fmt: skip
    check_style_dir: str = option("", "Folder of paintings for the comparison.", section="Check")
    check_pairs: int = option(
        8, "Number of pairs, drawn at random but always the same.", section="Check"
    )
    min_psnr: float = option(
        28.0, "Least mean PSNR in dB of a dynamic or int8 file's pictures against the Keras "
        "model's; float16 must have 45, float32 55.", section="Check",
    )  # fmt: skip

    def __post_init__(self):
        check_options(self, {"check_pairs": (1, 10_000), "min_psnr": (0, 100)})
        _check_output(self.output)
        precisions(self.precision)
        for flag in ("size", "style_size", "tile_size"):
            found = sizes(flag, getattr(self, flag))
            if len(found) > 1 and flag != "size" or not found and flag != "tile_size":
                raise InputError(f"--{flag}: give one size")
            if flag == "tile_size" and (None, None) in found:
                raise InputError("--tile_size: give a size in pixels")
            if (None, None) in found and "int8" in precisions(self.precision):
                raise InputError(
                    f"--{flag}={DYNAMIC}: int8 is for fixed sizes; use --precision={DYNAMIC}"
                )
        if "int8" in precisions(self.precision) and not self.calibration_dir:
            raise InputError("--calibration_dir: give the folder of photographs, for int8")
        for flag in ("calibration_dir", "calibration_style_dir"):
            if getattr(self, flag) and "int8" not in precisions(self.precision):
                raise InputError(f"--{flag}: is for int8, which --precision does not list")
        if bool(self.check_content_dir) != bool(self.check_style_dir):
            raise InputError("--check_content_dir, --check_style_dir: give both or none")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ONNXCommand:
    """The flags of `export/to_onnx.py`."""

    model: str = _model(DEFAULT_MODEL)
    output: str = option("", "Folder to write, new or empty.", section="Files")
    size: str = option(
        DYNAMIC, "Size of photographs and paintings: 384 for squares, 288x384 for height and "
        f"width, {DYNAMIC} for any.", section="Files",
    )  # fmt: skip

    def __post_init__(self):
        _check_output(self.output)
        if len(sizes("size", self.size)) != 1:
            raise InputError("--size: give one size")


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchmarkTFLiteCommand:
    """The flags of `export/benchmark_tflite.py`."""

    file: tuple[str, ...] = option((), "TFLite file; repeat it for more.", section="Files")
    size: int = option(
        384, "Side of the pictures in pixels, for files that take any size.", section="Measurement"
    )
    threads: str = option("1,2", "Numbers of threads, separated by commas.", section="Measurement")
    rounds: int = option(
        30, "Number of times each file is timed, in turn; the median is printed.",
        section="Measurement",
    )  # fmt: skip
    operators: int = option(
        0, "Number of the most expensive operators to list of each file, for files of one size.",
        section="Measurement",
    )  # fmt: skip

    def __post_init__(self):
        limits = {"size": (_LEAST, _MOST), "rounds": (1, 10_000), "operators": (0, 10_000)}
        check_options(self, limits)
        if not self.file:
            raise InputError("--file: give a TFLite file")
        for part in self.threads.split(","):
            if not part.strip().isdecimal() or not 1 <= int(part) <= 256:
                raise InputError(f"--threads: '{part}' is not a number from 1 to 256")


def precisions(text: str) -> tuple[str, ...]:
    """The names in a list with commas; InputError for an unknown or repeated one."""
    found = tuple(part.strip() for part in text.split(","))
    for name in found:
        if name not in PRECISIONS:
            raise InputError(f"--precision: unknown '{name}'{did_you_mean(name, PRECISIONS)}")
        if found.count(name) > 1:
            raise InputError(f"--precision: '{name}' is given twice")
    return found


def sizes(flag: str, text: str) -> tuple[tuple[int | None, int | None], ...]:
    """Heights and widths of a list with commas, None for any; InputError for what is no size."""
    found: list[tuple[int | None, int | None]] = []
    for part in (part.strip() for part in text.split(",") if text):
        if part == DYNAMIC:
            size: tuple[int | None, int | None] = (None, None)
        else:
            match = re.fullmatch(r"(\d+)(?:x(\d+))?", part)
            height, width = (int(side or match[1]) for side in match.groups()) if match else (0, 0)
            if not (_LEAST <= height <= _MOST and _LEAST <= width <= _MOST):
                raise InputError(
                    f"--{flag}: '{part}' is not a size from {_LEAST} to {_MOST} pixels, such as "
                    f"384, 288x384 or {DYNAMIC}"
                )
            size = (height, width)
        if size in found:
            raise InputError(f"--{flag}: '{part}' is given twice")
        found.append(size)
    return tuple(found)


def _check_output(output):
    if not output:
        raise InputError("--output: give the folder to write")
