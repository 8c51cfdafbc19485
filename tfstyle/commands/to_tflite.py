"""`tfstyle to_tflite`: exports a trained model for phones, and checks and measures each file."""

import dataclasses
import datetime
import os
import platform
import time

from absl import logging

import tfstyle
from tfstyle.config import TFLiteCommand
from tfstyle.config.export import precisions, sizes
from tfstyle.errors import InputError
from tfstyle.runtime import terminal

FLAGS = TFLiteCommand


def main(config: TFLiteCommand) -> int | None:
    """Writes the files and their report; nothing if a file's PSNR is below its limit."""
    from tfstyle import files
    from tfstyle.models import packaged
    from tfstyle.runtime import devices, litert

    packaged.model_path(config.model)
    files.check_new_folder("output", config.output)
    examples = sorted(files.examples_folder().glob("*.jpg"))
    pictures = {
        "calibration": _pictures(config.calibration_dir, "calibration_dir"),
        "calibration_style": _pictures(config.calibration_style_dir, "calibration_style_dir"),
        "content": _pictures(config.check_content_dir, "check_content_dir") or examples,
        "style": _pictures(config.check_style_dir, "check_style_dir") or examples,
    }
    litert.check_installed()
    terminal.show_progress(None, "loading TensorFlow")
    devices.start_tensorflow()
    from tfstyle import models
    from tfstyle.exporting.tflite_files import write_files

    model = models.load_model(config.model).for_inference()
    terminal.show_progress(None, "preparing")
    samples = _samples(model, config, pictures)
    start = time.monotonic()

    def show(done, text):
        left = (time.monotonic() - start) * (1.0 / done - 1.0) if done else None
        terminal.show_progress(done, text, remaining=left)

    with files.new_folder("output", config.output) as folder:
        found = write_files(
            model, config, samples, pictures["content"], pictures["style"], folder, show
        )
        text = _report(model, config, samples, found, folder)
    print(text, end="", flush=True)
    logging.info("Wrote %s.", config.output)
    return 0


def _samples(model, config, pictures):
    """Calibration samples, if int8 is asked for; checks the sizes first."""
    from tfstyle.exporting.calibration import read_samples
    from tfstyle.exporting.tflite import check_sizes
    from tfstyle.models.capabilities import Tileable, require
    from tfstyle.stylization.tiling import least_tile_size

    by_flag = {
        flag: sizes(flag, getattr(config, flag)) for flag in ("size", "style_size", "tile_size")
    }
    check_sizes(model, **by_flag)
    if by_flag["tile_size"]:
        least = least_tile_size(require(model, Tileable, "--tile_size"))
        if any((side or 0) < least for size in by_flag["tile_size"] for side in size):
            raise InputError(f"--tile_size: this model needs tiles of {least} pixels or more")
    if "int8" not in precisions(config.precision):
        return []
    return read_samples(
        model,
        pictures["calibration"],
        pictures["calibration_style"] or pictures["calibration"],
        [*by_flag["size"], *by_flag["tile_size"]],
        *by_flag["style_size"],
    )


def _report(model, config, samples, found, folder):
    """Writes the report and returns its text; if a PSNR is too low, prints it: InputError."""
    from tfstyle.exporting import report

    about = {
        "model": config.model,
        "codes": model.code_identity(),
        "flags": {k: v for k, v in dataclasses.asdict(config).items() if k != "output"},
        **({"calibrated on": f"{len(samples)} pairs of pictures"} if samples else {}),
        "date": datetime.date.today().isoformat(),
        "machine": _machine(),
    }
    report.write_report(folder, found.rows, found.pairs, found.model_itself, about)
    page = report.markdown(found.rows, found.pairs, found.model_itself, about)
    poor = [row for row in found.rows if not row.passes]
    if poor:
        print(page, end="", flush=True)
        raise InputError(
            f"{poor[0].file}, {poor[0].key}: PSNR of {poor[0].likeness.psnr:.1f} dB to the Keras "
            f"model, {poor[0].least_psnr:g} required; nothing was written. Omit this precision, "
            "or set the limit for dynamic and int8 with --min_psnr"
        )
    return page


def _pictures(folder, flag):
    from tfstyle import images

    return images.find_pictures(flag, [folder]) if folder else []


def _machine():
    import tensorflow as tf

    return (
        f"{os.cpu_count()} processor threads ({platform.machine()}), tfstyle "
        f"{tfstyle.__version__}, TensorFlow {tf.__version__}"
    )
