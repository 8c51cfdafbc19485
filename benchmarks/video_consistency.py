"""Flicker and sharpness of stylized clips with exact motion: `video.py` against what is simpler.

    python -m benchmarks.video_consistency [--model mobile] [--size 240] [--frames 20]
        [--made NAME …] [--clip FILE …] [--strips FOLDER] [--engine optimize --encoder lite]
        [--oldest 15]

Clips are made from the example photographs: a pan, a zoom, a rotation, a cut-out before a
background, a ramp of brightness, and a cut. Each is stylized frame by frame (in isolation), with a
plain exponential blend of frames, and as `video.py` does. Real clips are measured by estimated
flow. Figures are ratios to those of isolation, but for those rows and the seconds. With `--oldest`,
`video.py`'s blend has a limit that it does not have: pixels begin anew after so many frames.
"""

import dataclasses
import pathlib
import time

import numpy as np
from absl import app, flags

_MODEL = flags.DEFINE_string("model", "mobile", "A packaged model or a .keras file.")
_SIZE = flags.DEFINE_integer("size", 240, "Longest side of the clips in pixels.")
_FRAMES = flags.DEFINE_integer("frames", 20, "Frames of a clip.", lower_bound=8)
_STYLE = flags.DEFINE_string("style", "", "Painting; the example brushstrokes by default.")
_MADE = flags.DEFINE_multi_string("made", [], "Clip with exact motion to measure; all by default.")
_ENGINE = flags.DEFINE_enum("engine", "models", ["models", "optimize"], "As of video.py.")
_ENCODER = flags.DEFINE_string("encoder", "lite", "Of --engine=optimize.")
_OLDEST = flags.DEFINE_integer("oldest", 0, "Frames that a pixel is blended for; 0 for all.")
_CLIPS = flags.DEFINE_multi_string("clip", [], "Video to measure by estimated flow, too.")
_STRIPS = flags.DEFINE_string("strips", "", "Folder for strips of five frames of each clip.")
_EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
_CELL = 16  # pixels whose first ages are equal
_EMA = 0.3  # share of the last frame in the plain blend
_TARGETS = {"warping_error": "≤ 0.40", "sharpness_to_isolation": "≥ 0.90"}


def main(_):
    from tfstyle.runtime import devices

    devices.start_tensorflow()
    from benchmarks import table
    from tfstyle import images, metrics

    table.print_heading()
    style = images.read_image(_STYLE.value or _EXAMPLES / "brushstrokes.jpg", 384)
    clips = {name: clip for name, clip in make_clips().items() if name in (_MADE.value or [name])}
    clips |= {pathlib.Path(path).stem: real_clip(path) for path in _CLIPS.value}
    run = render_both if _ENGINE.value == "optimize" else paint_both
    found, seconds = {}, {}
    for name, clip in clips.items():
        results, seconds[name] = stylize(run(style), clip)
        found[name] = {way: measure(frames, results, clip) for way, frames in results.items()}
        if _STRIPS.value:
            write_strips(pathlib.Path(_STRIPS.value), name, clip, results)
    print(f"(each: {', '.join(found)})\n")
    for figure, about in metrics.CLIP_METRICS.items():
        isolated = [found[name]["isolation"][figure] for name in found]
        table.print_row(f"{figure}, in isolation", "", isolated, about.digits)
        for way in ("exponential", "video.py"):
            ratios = [
                found[name][way][figure] / one for name, one in zip(found, isolated, strict=True)
            ]
            target = _TARGETS.get(figure, "") if way == "video.py" else ""
            table.print_row(f"{figure}, {way}", target, ratios, 2)
    for number, figure in enumerate(("frame in isolation", "first frame", "next frame")):
        table.print_row(f"seconds, {figure}", "", [each[number] for each in seconds.values()], 2)
    if "cut" not in found:
        return
    ghosts = [found["cut"][way]["ghost"] for way in ("exponential", "video.py")]
    table.print_row("frame after the cut, to that in isolation, grey levels", "0", ghosts, 2)


def make_clips():
    from benchmarks import exact_clips
    from tfstyle import images

    size = (2 * (_SIZE.value // 3), _SIZE.value)
    photos = [images.read_image(_EXAMPLES / f"{name}.jpg") for name in ("astronaut", "chelsea")]
    clips = exact_clips.standard_clips(photos, size, _FRAMES.value)
    others = exact_clips.standard_clips(photos[::-1], size, _FRAMES.value)
    return {**clips, "cut": exact_clips.joined(clips["cut-out"], others["pan"])}


def real_clip(path):
    """A clip of a file, with the interface of an `ExactClip`; motion is estimated."""
    from benchmarks import exact_clips
    from tfstyle.video import conversion, flow

    frames = conversion.open_clip(path, size=_SIZE.value).frames()
    count = _FRAMES.value if _ENGINE.value == "optimize" else 2 * _FRAMES.value
    pictures = [frame.image for _, frame in zip(range(count), frames, strict=False)]
    estimator = flow.FlowEstimator()

    class Estimated(exact_clips.ExactClip):
        def motion(self, number, earlier):
            found = estimator.motion(pictures[earlier], pictures[number])
            return found.places, (found.weight > 0.5) & (not found.cut)

    return Estimated(np.float32(pictures) / 255.0, (), [0] * len(pictures))


def paint_both(style):
    """Chains of filters: by a model, each frame in isolation, and as `video.py` does."""
    from tfstyle.stylization import Stylizer
    from tfstyle.video import consistency, flow, painters

    stylizer = Stylizer(_MODEL.value, compiled=True)
    code = stylizer.encode_style(style)
    motion = [flow.MotionFilter(), *([AgeFilter(_OLDEST.value)] if _OLDEST.value else [])]
    return [painters.Painter(stylizer, code, steady=False)], [
        *motion, painters.Painter(stylizer, code), consistency.ConsistencyFilter()
    ]  # fmt: skip


class AgeFilter:
    """Lets pixels begin anew that were blended for as many frames as the limit.

    Those of the first frame of a shot have random ages, so that not all begin anew at once.

    Args:
        oldest: the limit.
    """

    def __init__(self, oldest):
        self._oldest = oldest

    def restore(self, state):
        self._random, self._ages = np.random.default_rng(0), None

    def run(self, steps):
        from tfstyle.video.flow import warp

        for step in steps:
            motion = step.notes["motions"].get(1)
            if motion is None:
                self._ages = self._first(step.frame.image.shape[:2])
            else:
                ages = 1.0 + warp(self._ages, motion.places)
                weight = np.where(ages < self._oldest, motion.weight, 0.0).astype(np.float32)
                self._ages = np.where(weight > 0.5, ages, 0.0).astype(np.float32)
                step.notes["motions"][1] = dataclasses.replace(motion, weight=weight)
            yield step

    def _first(self, shape):
        height, width = shape
        cells = self._random.integers(self._oldest, size=(height // _CELL + 1, width // _CELL + 1))
        return np.kron(cells, np.ones((_CELL, _CELL))).astype(np.float32)[:height, :width]


def render_both(style):
    """The same, by the renderer."""
    from tfstyle import images
    from tfstyle.config import VideoCommand
    from tfstyle.video import flow, frame_renderer

    flags = VideoCommand(input="clip", style=("style",), engine="optimize", encoder=_ENCODER.value)
    config = flags.render_config(_SIZE.value)
    style = images.reduce(style, _SIZE.value)
    renderer = frame_renderer.FrameRenderer(config, [style], flags.next_iterations)
    return [renderer], [flow.MotionFilter(frame_renderer.GAPS), renderer]


def stylize(chains, clip):
    """Frames, `(n, h, w, 3)` float32, by the way in which they are made, and seconds of frames.

    Seconds are of a frame in isolation, of the first frame otherwise, and of one after it, medians
    but for the first two frames of a chain, which compile.
    """
    from tfstyle.video import clips, stages

    pictures = np.round(255.0 * clip.frames).astype(np.uint8)

    def run(filters):
        steps = (
            stages.Step(clips.Frame(picture, number, 1), False)
            for number, picture in enumerate(pictures)
        )
        for one in filters:
            one.restore({})
            steps = one.run(steps)
        found, times = [], [time.monotonic()]
        for step in steps:
            found.append(step.frame.image)
            times.append(time.monotonic())
        return np.stack(found).astype(np.float32) / 255.0, np.diff(times)

    (isolated, alone), (steady, times) = map(run, chains)
    blended = [isolated[0]]
    for frame in isolated[1:]:
        blended.append(_EMA * blended[-1] + (1.0 - _EMA) * frame)
    results = {"isolation": isolated, "exponential": np.stack(blended), "video.py": steady}
    return results, (np.median(alone[2:]), times[0], np.median(times[2:]))


def measure(frames, results, clip):
    """The metrics of clips, and a ghost: what a frame after a cut has of the one before."""
    from tfstyle.evaluation.clip_measuring import flicker

    isolated = results["isolation"]
    cuts = [k for k in range(1, len(frames)) if clip.shots[k] != clip.shots[k - 1]]
    ghosts = [255.0 * np.abs(frames[k] - isolated[k]).mean() for k in cuts] or [0.0]
    return {**flicker(frames, isolated, clip), "ghost": float(np.mean(ghosts))}


def write_strips(folder, name, clip, results):
    """Five frames in isolation and as `video.py` makes them, with differences to the last one."""
    from tfstyle import images
    from tfstyle.video.flow import warp

    folder.mkdir(parents=True, exist_ok=True)
    first = len(clip.frames) // 2 - 2
    rows = []
    for way in ("isolation", "video.py"):
        frames = results[way]
        numbers = range(first, first + 5)
        differences = []
        for number in numbers:
            places, visible = clip.motion(number, number - 1)
            last = warp(frames[number - 1], places, sharp=True)
            differences.append(4.0 * np.abs(frames[number] - last) * visible[..., None])
        rows += [np.concatenate([frames[k] for k in numbers], 1), np.concatenate(differences, 1)]
    images.write_image(folder / f"{name}.jpg", np.concatenate(rows)[None])


if __name__ == "__main__":
    app.run(main)
