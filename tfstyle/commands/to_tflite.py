"""`tfstyle to_tflite`: exports a trained model for phones, and checks and measures each file."""

import dataclasses
import datetime
import os
import platform
from collections.abc import Sequence

from absl import logging

import tfstyle
from tfstyle import cli
from tfstyle.commands.examples import examples_folder
from tfstyle.config import TFLiteCommand
from tfstyle.config.export import precisions, sizes
from tfstyle.errors import InputError


def main(argv: Sequence[str]) -> int | None:
    """Writes the files and their report; nothing if one is not as like the model as it must be."""
    config = cli.parse(TFLiteCommand, argv, cli.program("to_tflite", "export"))
    if config is None:
        return 0
    from tfstyle import devices, files, interpreter, weights

    weights.model_path(config.model)
    files.check_new_folder("output", config.output)
    pictures = {
        "calibration": _pictures(config.calibration_dir, "calibration_dir"),
        "calibration_style": _pictures(config.calibration_style_dir, "calibration_style_dir"),
        "content": _pictures(config.check_content_dir or examples_folder(), "check_content_dir"),
        "style": _pictures(config.check_style_dir or examples_folder(), "check_style_dir"),
    }
    interpreter.check_installed()
    devices.start_tensorflow()
    from tfstyle import models
    from tfstyle.exporting import report
    from tfstyle.exporting.tflite import check_sizes, read_samples
    from tfstyle.exporting.writing import write_files

    model = models.load_model(config.model).for_inference()
    sizes_by_flag = {
        flag: sizes(flag, getattr(config, flag)) for flag in ("size", "style_size", "tile_size")
    }
    check_sizes(model, **sizes_by_flag)
    samples = []
    if "int8" in precisions(config.precision):
        samples = read_samples(
            model,
            pictures["calibration"],
            pictures["calibration_style"] or pictures["calibration"],
            [*sizes_by_flag["size"], *sizes_by_flag["tile_size"]],
            *sizes_by_flag["style_size"],
        )
    with files.new_folder("output", config.output) as folder:
        found = write_files(model, config, samples, pictures["content"], pictures["style"], folder)
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
        print(page, end="", flush=True)
        poor = [row for row in found.rows if not row.passes]
        if poor:
            raise InputError(
                f"{poor[0].file}, {poor[0].key}: {poor[0].likeness.psnr:.1f} dB beside the Keras "
                f"model, {poor[0].least_psnr:g} wanted; nothing was written. Leave this precision "
                "out, or set the limit of dynamic and int8 by --min_psnr"
            )
    logging.info("Wrote %s.", config.output)
    return 0


def _pictures(folder, flag):
    from tfstyle import files

    return files.pictures(flag, [folder]) if folder else []


def _machine():
    import tensorflow as tf

    return (
        f"{os.cpu_count()} processor threads ({platform.machine()}), tfstyle "
        f"{tfstyle.__version__}, TensorFlow {tf.__version__}"
    )
