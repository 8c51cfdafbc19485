"""`tfstyle evaluate`: measures and compares models and pictures."""

import os
import pathlib
import platform
import sys
import time

from absl import logging

from tfstyle import cli
from tfstyle.config import EvaluateCommand
from tfstyle.errors import InputError
from tfstyle.runtime import process, terminal

_REPORT_SECONDS = 10.0  # between two progress lines of a log


FLAGS = EvaluateCommand


def main(config: EvaluateCommand) -> int | None:
    """Makes and measures pictures, and reports; 128 + signal number if it was stopped."""
    from tfstyle.evaluation import pairs, systems
    from tfstyle.runtime import devices

    # Errors in files and flags are reported before TensorFlow loads.
    found_pairs = pairs.find_pairs(config.content_dir, config.style_dir)
    systems.make_systems(config)
    for flag in ("lpips_weights", "fid_network", "style_network"):
        if getattr(config, flag) and not os.path.exists(getattr(config, flag)):
            raise InputError(f"--{flag}: {getattr(config, flag)}: no such file")
    devices.start_tensorflow()
    from tfstyle.evaluation import html_report, page, tables
    from tfstyle.evaluation.measurement import evaluate

    if config.page:
        page.check_page(pathlib.Path(config.page))

    reported = 0.0

    def show(done, text):
        nonlocal reported
        now = time.monotonic()
        if sys.stderr.isatty() or done == 1.0 or now - reported > _REPORT_SECONDS:
            terminal.show_progress(done, text, final=done == 1.0)
            reported = now

    with process.StopSignal() as stop:
        evaluation = evaluate(config, show, lambda: bool(stop.number), found_pairs)
    if not evaluation.complete:
        logging.info("Stopped; the same command resumes %s.", config.output_dir)
        return 128 + stop.number
    command = f"python {cli.command_line(config, 'evaluate.py')}"
    folder = pathlib.Path(config.output_dir)
    logging.info("Writing the report.")
    found = tables.Tables.of(evaluation)
    print(f"{tables.markdown(found.distances)}\n\n{tables.markdown(found.others)}", flush=True)
    tables.write_summary(evaluation, folder / "summary.csv")
    html_report.write_report(evaluation, found, folder / "report.html", command, _machine())
    if config.page:
        page.write_page(evaluation, found, pathlib.Path(config.page), command, _machine())
    logging.info("Wrote %s.", folder / "report.html")
    return 0


def _machine():
    import keras
    import tensorflow as tf

    return (
        f"{os.cpu_count()} processor threads ({platform.machine()}), Python "
        f"{platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}"
    )
