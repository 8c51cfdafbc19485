"""`tfstyle evaluate`: measures models and pictures beside others, and shows them."""

import os
import pathlib
import platform
import shlex
import sys
import time
from collections.abc import Sequence

from absl import logging

from tfstyle import cli
from tfstyle.config import EvaluateCommand
from tfstyle.errors import InputError

_REPORT_SECONDS = 10.0  # between two lines of a log


def main(argv: Sequence[str]) -> int | None:
    """Makes, measures and reports; 128 + signal number if it was stopped."""
    own = sys.argv[0].endswith("evaluate.py")
    config = cli.parse(EvaluateCommand, argv, "evaluate.py" if own else "tfstyle evaluate")
    if config is None:
        return 0
    from tfstyle import devices
    from tfstyle.evaluation import pairs, systems

    # Whatever is wrong with files and flags is said before TensorFlow loads.
    pairs.find_pairs(config.content_dir, config.style_dir)
    systems.make_systems(config)
    for flag in ("lpips_weights", "fid_network", "style_network"):
        if getattr(config, flag) and not os.path.exists(getattr(config, flag)):
            raise InputError(f"--{flag}: {getattr(config, flag)}: no such file")
    devices.start_tensorflow()
    from tfstyle.evaluation import page, report, tables
    from tfstyle.evaluation.loop import evaluate

    if config.page:
        page.check_page(pathlib.Path(config.page))

    said = 0.0

    def show(done, text):
        nonlocal said
        now = time.monotonic()
        if sys.stderr.isatty() or done == 1.0 or now - said > _REPORT_SECONDS:
            cli.show_progress(done, text, final=done == 1.0)
            said = now

    with cli.StopSignal() as stop:
        evaluation = evaluate(config, show, lambda: bool(stop.number))
    if not evaluation.complete:
        logging.info("Stopped; the same command goes on with %s.", config.output_dir)
        return 128 + stop.number
    command = shlex.join(["python", "evaluate.py"] if own else ["tfstyle", "evaluate"])
    command = f"{command} {shlex.join(argv)}"
    folder = pathlib.Path(config.output_dir)
    logging.info("Writing the report.")
    found = tables.Tables.of(evaluation)
    print(f"{tables.markdown(found.distances)}\n\n{tables.markdown(found.others)}", flush=True)
    tables.write_summary(evaluation, folder / "summary.csv")
    report.write_report(evaluation, found, folder / "report.html", command, _machine())
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
