"""Many pictures in one command of optimize.py, against their single renders without start-up.

    python -m benchmarks.many_pictures [--pictures 100] [--size 256] [--iterations 40]

The two alternate, picture by picture, in one process. A single render reads its photo and its
painting, computes the painting's targets and writes its picture, with all compiled by a first one
that does not count. The command's time has its own tracing and compiling, and all that is not
single renders; photos have four shapes in turn.
"""

import pathlib
import tempfile
import time

from absl import app, flags

_PICTURES = flags.DEFINE_integer("pictures", 100, "Number of photos.", lower_bound=3)
_SIZE = flags.DEFINE_integer("size", 256, "Longest side in pixels.")
_ITERATIONS = flags.DEFINE_integer("iterations", 40, "As in optimize.py.")
_ENCODER = flags.DEFINE_string("encoder", "mixed", "As in optimize.py.")
_EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
_TARGET = 1.1


def main(_):
    from tfstyle.runtime import devices

    devices.start_tensorflow()
    from benchmarks import table
    from tfstyle import images, optimization
    from tfstyle.__main__ import main as program
    from tfstyle.config import OptimizeConfig

    table.print_heading()
    count, painting = _PICTURES.value, _EXAMPLES / "mosaic.jpg"
    config = OptimizeConfig(size=_SIZE.value, iterations=_ITERATIONS.value, encoder=_ENCODER.value)
    single = optimization.Renderer(config)
    render = optimization.Renderer.render
    singles, marks = [], []  # seconds of single renders; when each of the command began

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        photos = _make_photos(folder / "photos", count)

        def render_alone(number):
            start = time.perf_counter()
            photo, style = images.read_image(photos[number]), images.read_image(painting)
            style[0, 0, 0] = number / count  # another painting: its targets are not known
            result = render(single, photo, [style])
            images.write_image(folder / "single.png", result.image)
            return time.perf_counter() - start

        def alternating(renderer, content, styles, **options):
            singles.append(render_alone(len(singles)))
            marks.append(time.perf_counter())
            return render(renderer, content, styles, **options)

        render_alone(count - 1)
        optimization.Renderer.render = alternating
        started = time.perf_counter()
        status = program(
            ["optimize", f"--content={folder / 'photos'}", f"--style={painting}",
             f"--output={folder / 'out'}", f"--size={config.size}",
             f"--iterations={config.iterations}", f"--encoder={config.encoder}"]
        )  # fmt: skip
        ended = time.perf_counter()
    if status:
        raise SystemExit(status)
    alone = sum(singles)
    whole = ended - started - alone
    # From one render of the command to the next, without the single render between them.
    each = [
        (following - mark) - seconds
        for mark, following, seconds in zip(
            marks, [*marks[1:], ended], [*singles[1:], 0.0], strict=True
        )
    ]
    ratios = [mine / seconds for mine, seconds in zip(each[1:], singles[1:], strict=True)]
    table.print_row(
        f"{count} pictures, command / single renders", f"≤ {_TARGET}", [whole / alone], 3
    )
    table.print_row("each but the first", f"≤ {_TARGET}", ratios, 2)
    extra = whole - sum(each[1:]) * count / (count - 1)
    hundred = (extra + 100 * sum(each[1:]) / (count - 1)) / (100 * alone / count)
    table.print_row("a hundred, by these", f"≤ {_TARGET}", [hundred], 3)
    table.print_row("a single render, s", "", singles, 1)


def _make_photos(folder, count):
    """Files of crops of the example photos, in four shapes."""
    from tfstyle import images

    folder.mkdir()
    sources = [images.read_image(_EXAMPLES / f"{name}.jpg") for name in ("astronaut", "chelsea")]
    shapes = [(1.0, 0.67), (0.75, 1.0), (1.0, 1.0), (0.6, 1.0)]
    photos = []
    for number in range(count):
        height, width = (round(2 * _SIZE.value * side) for side in shapes[number % len(shapes)])
        photo = images.cover(sources[number // len(shapes) % 2], (height, width))
        photos.append(folder / f"{number:03d}.jpg")
        images.write_image(photos[-1], photo * (1.0 - 0.3 * number / count))
    return photos


if __name__ == "__main__":
    app.run(main)
