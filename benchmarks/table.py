"""Output of the benchmarks: the machine, and rows of a Markdown table."""

import os
import pathlib
import platform
import statistics

import keras
import tensorflow as tf


def print_table(parts, functions, *arguments):
    """Prints the heading, and the rows that `measure_…` functions yield.

    Args:
        parts: names of what to measure, in order.
        functions: by name, such as a module's `globals()`.
        *arguments: of each function.
    """
    print_heading()
    for part in parts:
        for row in functions[f"measure_{part}"](*arguments):
            print_row(*row)


def print_heading():
    """Prints the machine, the versions and the table's header."""
    print_machine()
    print("| figure | target | measured | each |\n| --- | --- | --- | --- |", flush=True)


def print_machine():
    """Prints the machine and the versions."""
    print(
        f"{_cpu()}, {os.cpu_count()} threads; Python {platform.python_version()}, "
        f"TensorFlow {tf.__version__}, Keras {keras.__version__}\n"
    )


def print_row(figure, target, values, digits):
    """Prints a row: a figure's mean, and each of its values."""
    each = " ".join(f"{value:.{digits}f}" for value in values)
    mean = statistics.fmean(values)
    print(f"| {figure} | {target} | {mean:.{digits}f} | {each} |", flush=True)


def _cpu():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor()
