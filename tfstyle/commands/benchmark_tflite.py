"""`tfstyle benchmark_tflite`: times TFLite files side by side."""

import functools
import pathlib

from tfstyle.config import BenchmarkTFLiteCommand
from tfstyle.errors import InputError

FLAGS = BenchmarkTFLiteCommand


def main(config: BenchmarkTFLiteCommand) -> int | None:
    """Prints a table of medians, all files timed in turn."""
    data = {}
    for name in config.file:
        if not pathlib.Path(name).is_file():
            what = "is a folder" if pathlib.Path(name).is_dir() else "no such file"
            raise InputError(f"--file: {name}: {what}")
        data[name] = pathlib.Path(name).read_bytes()
    from tfstyle.exporting import operators, profiling
    from tfstyle.runtime.litert import Network

    threads = [int(part) for part in config.threads.split(",")]
    runs = {}
    for name, content in data.items():
        for count in threads:
            network = Network(content, count, name)
            for key in network.signatures:
                inputs = profiling.random_inputs(network, key, config.size)
                network.run(key, inputs)
                runs[name, key, count] = functools.partial(network.run, key, inputs)
    seconds = profiling.median_seconds(runs, config.rounds)
    header = " | ".join(f"{n} thread{'s' * (n > 1)}, ms" for n in threads)
    print(f"| file | signature | MB | {header} | / the first |")
    print("| --- | --- | --- |" + " --- |" * (len(threads) + 1))
    first, first_key, _ = next(iter(runs))
    base = seconds[first, first_key, threads[-1]]
    for name, key in dict.fromkeys((name, key) for name, key, _ in runs):
        times = [seconds[name, key, count] for count in threads]
        cells = " | ".join(f"{1000 * one:.1f}" for one in times)
        print(
            f"| {name} | {key} | {len(data[name]) / 1e6:.2f} | {cells} | {times[-1] / base:.2f} |"
        )
    for name, content in data.items() if config.operators else ():
        for key, graph in operators.graphs(content).items():
            print(f"\n{name} {key}, threads: {threads[-1]}\n")
            try:
                found = operators.operator_times(content, threads[-1], config.rounds, graph)
            except InputError as error:
                raise InputError(f"--operators: {name}: {error}") from error
            print(*operators.table(found, config.operators), sep="\n")
    return 0
