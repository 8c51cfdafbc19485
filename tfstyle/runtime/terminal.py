"""Progress on a terminal, or as log lines elsewhere."""

import shutil
import sys

from absl import logging


def show_progress(done: float, text: str, final: bool = False) -> None:
    """Shows a bar, updated in place, on a terminal, and log lines elsewhere.

    Args:
        done: share of the work in [0, 1].
        text: shown beside the bar.
        final: whether this is the last call.
    """
    if not sys.stderr.isatty():
        logging.info("%3.0f %%  %s", 100 * done, text)
        return
    width = 24
    bar = "█" * round(done * width)
    line = f"{bar:░<{width}} {100 * done:3.0f} %  {text}"
    columns = shutil.get_terminal_size().columns
    sys.stderr.write(f"\r{line[: columns - 1]:{columns - 1}}" + ("\n" if final else ""))
    sys.stderr.flush()


def duration(seconds: float) -> str:
    """'3 h 05 min', '4 min 20 s' or '12 s'."""
    seconds = round(seconds)
    if seconds >= 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
    if seconds >= 60:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds} s"
