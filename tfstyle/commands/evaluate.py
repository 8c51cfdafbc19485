"""`tfstyle evaluate`: measures and compares models and pictures."""

import os
import pathlib
import platform

from absl import logging

from tfstyle import cli
from tfstyle.config import EvaluateCommand
from tfstyle.errors import InputError, of_flag
from tfstyle.runtime import process, terminal

FLAGS = EvaluateCommand


def main(config: EvaluateCommand) -> int | None:
    """Makes and measures pictures, and reports; 128 + signal number if it was stopped."""
    from tfstyle.batch import ray_pool
    from tfstyle.evaluation import clip_results, pairs, systems
    from tfstyle.runtime import devices

    # Errors in files and flags are reported before TensorFlow loads.
    if config.engine == "ray":
        ray_pool.check_installed()
    found_pairs = pairs.find_pairs(config.content_dir, config.style_dir)
    clip_results.check_clips(config, systems.make_systems(config))
    for flag in ("lpips_weights", "fid_network", "style_network"):
        if getattr(config, flag) and not os.path.exists(getattr(config, flag)):
            raise InputError(f"--{flag}: {getattr(config, flag)}: no such file")
    terminal.show_progress(None, "loading TensorFlow")
    devices.start_tensorflow()
    from tfstyle.evaluation import html_report, page, tables
    from tfstyle.evaluation.measurement import evaluate

    if config.page:
        with of_flag("page"):
            page.check_page(pathlib.Path(config.page))

    def show(done, text, remaining):
        terminal.show_progress(done, text, remaining=remaining)

    terminal.show_progress(None, "loading the networks that measure")
    with process.StopSignal() as stop:
        try:
            evaluation = evaluate(config, show, stop.requested, found_pairs)
            clips: list[clip_results.ClipRow] = []
            complete = evaluation.complete
            if complete and config.clip:
                clips, complete = clip_results.measure_clips(
                    config, evaluation.systems, evaluation.pairs, terminal.show_progress,
                    stop.requested,
                )  # fmt: skip
        except KeyboardInterrupt as error:
            if os.path.exists(os.path.join(config.output_dir, "run.json")):
                error.add_note(f"the same command goes on from {config.output_dir}")
            raise
    terminal.end_progress()
    if not complete:
        logging.info(
            "Stopped: %s holds what was measured so far; the same command goes on from there.",
            config.output_dir,
        )
        return 128 + stop.number
    command = f"python {cli.command_line(config, 'evaluate.py')}"
    folder = pathlib.Path(config.output_dir)
    terminal.show_progress(None, "writing the report")
    found = tables.Tables.of(evaluation, clips)
    tables.write_summary(evaluation, folder / "summary.csv")
    html_report.write_report(evaluation, found, folder / "report.html", command, _machine())
    if config.page:
        page.write_page(evaluation, found, pathlib.Path(config.page), command, _machine())
    terminal.end_progress()
    shown = [one for one in (found.distances, found.others, found.clips) if one]
    print("\n\n".join(map(tables.markdown, shown)), flush=True)
    logging.info("Wrote %s.", folder / "report.html")
    return 0


def _machine():
    import keras
    import tensorflow as tf

    return (
        f"{os.cpu_count()} processor threads ({platform.machine()}), Python "
        f"{platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}"
    )
