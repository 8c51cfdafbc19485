"""What paints the frames of `video.py`: a trained model, or the renderer of `optimize.py`."""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

from tfstyle import files
from tfstyle.config import VideoCommand
from tfstyle.errors import InputError, of_flag
from tfstyle.runtime import terminal

_BATCH_PIXELS = 4_000_000  # at once on a GPU
_RENDERED_PART = 12  # frames, which may take as many minutes


@dataclasses.dataclass(frozen=True)
class Engine:
    """What paints.

    Attributes:
        filters: of the frames, in order.
        identity: JSON-compatible; what of it must be the same in a run that goes on.
        part_length: frames of a part; 0 for the usual number.
    """

    filters: Sequence[Any]
    identity: dict[str, str]
    part_length: int = 0


def check(config: VideoCommand) -> VideoCommand:
    """The flags, with the only style of the library or the model if none is given.

    Raises: InputError for a missing file, or a style that is in none.
    """
    from tfstyle.encoders import weight_files
    from tfstyle.models import packaged

    if config.engine == "optimize":
        weight_files.check_encoder(config.encoder, "")
        return config
    packaged.model_path(config.model)
    if config.style_library:
        return _check_library(config)
    if config.style or config.style_name:
        return config
    return dataclasses.replace(config, style_name=packaged.only_style(config.model))


def _check_library(config):
    """The flags, with the library's only style if none is given."""
    names = [config.style_name] if config.style_name else _library(config).names()
    if len(names) != 1:
        path = config.style_library
        raise InputError(f"--style_name: give one of the {len(names)} styles in {path}")
    _library(config).check_names(names)
    return dataclasses.replace(config, style_name=names[0])


def _library(config):
    from tfstyle.stylization import StyleLibrary

    with of_flag("style_library"):
        return StyleLibrary.load(config.style_library)


def read_paintings(config: VideoCommand, reader: Any) -> list[Any]:
    """The paintings, as large as they are needed."""
    from tfstyle import images

    with of_flag("style"):
        if config.engine == "optimize":
            size = math.ceil(config.style_scale * render_size(reader))
        else:
            size = config.style_size
        return [images.read_image(path, size, enlarge=False) for path in config.style]


def render_size(reader: Any) -> int:
    """The longest side of rendered frames, in pixels: of a video's, `--size` made even."""
    return max(reader.clip.width, reader.clip.height)


def start(
    config: VideoCommand, reader: Any, paintings: Sequence[Any], should_stop: Callable[[], bool]
) -> Engine:
    """The engine that a command asks for.

    Args:
        config: of `check`.
        reader: of the clip.
        paintings: of `read_paintings`.
        should_stop: what the renderer asks after each iteration.
    Raises: InputError for frames or paintings that it cannot take.
    """
    if config.engine == "optimize":
        return _start_renderer(config, reader, paintings, should_stop)
    return _start_model(config, reader, paintings)


def _start_renderer(config, reader, paintings, should_stop):
    from tfstyle import colors, optimization
    from tfstyle.video.flow import MotionFilter
    from tfstyle.video.frame_renderer import GAPS, FrameRenderer

    render = config.render_config(render_size(reader))
    render = dataclasses.replace(render, encoder=optimization.choose_encoder(render))
    _, styles = colors.prepare(_first_frame(reader), paintings, config.preserve_color)
    # Reports frames that are too narrow, or too large, before any is read.
    shape = reader.clip.height, reader.clip.width
    optimization.plan(render, shape, [style.shape[1:3] for style in styles])

    what = "rendering the first frame of a shot" if config.consistency else "rendering a frame"

    def show(progress):
        terminal.show_progress(None, what, f"{100 * progress.done:.0f} % of it")

    renderer = FrameRenderer(
        render, styles, config.next_iterations, config.consistency,
        config.preserve_color == "luminance", show, should_stop,
    )  # fmt: skip
    filters = [MotionFilter(GAPS), renderer] if config.consistency else [renderer]
    identity = {"encoder": render.encoder, "style": _digest(paintings)}
    return Engine(filters, identity, _RENDERED_PART)


def _start_model(config, reader, paintings):
    from tfstyle.models import packaged
    from tfstyle.video.consistency import ConsistencyFilter
    from tfstyle.video.flow import MotionFilter
    from tfstyle.video.painters import Painter

    stylizer, code = _style(config, reader, paintings)
    painter = Painter(
        stylizer, code, config.strength, config.preserve_color, _batch(config, reader.clip),
        config.consistency > 0,
    )  # fmt: skip
    filters: list[Any] = [painter]
    if config.consistency:
        filters = [MotionFilter(), painter, ConsistencyFilter(config.consistency)]
    # Of the paintings and not of the code, whose last bits depend on the number of threads.
    model = files.file_digest(packaged.model_path(config.model))
    style = _digest([*code.values()] if config.style_library else paintings)
    return Engine(filters, {"model": model, "style": style})


def _style(config, reader, paintings):
    """The model, and the style's code: of the paintings, mixed, or of a name."""
    from tfstyle.stylization import Stylizer

    terminal.show_progress(None, "encoding the style")
    stylizer = Stylizer(config.model, config.tile_size, compiled=True)
    content = _first_frame(reader)
    stylizer.check_photo(content, config.input)
    if config.style_library:
        return stylizer, _code_of_library(config, stylizer)
    if not paintings:
        return stylizer, stylizer.named_style(config.style_name)
    for path, painting in zip(config.style, paintings, strict=True):
        stylizer.model.check_picture(painting, f"--style: {path}")
    codes = stylizer.encode_styles(paintings, content, config.preserve_color)
    return stylizer, stylizer.mix(codes, config.style_weights)


def _code_of_library(config, stylizer):
    library, name = _library(config), config.style_name
    library.check_model(stylizer.model.code_identity(), config.style_library)
    code = library.code(name)
    stylizer.check_code(code, f"{config.style_library}: style '{name}'")
    return code


def _batch(config, clip):
    from tfstyle.runtime import devices

    batch = config.batch_size
    if not batch:
        batch = 8 if devices.has_gpu() else 1
        while batch > 1 and batch * clip.width * clip.height > _BATCH_PIXELS:
            batch //= 2
    return batch


def _first_frame(reader):
    """`(1, h, w, 3)` in [0, 1]."""
    from tfstyle.video.painters import floats

    return floats([next(reader.frames()).image])


def _digest(paintings):
    found = hashlib.sha256()
    for painting in paintings:
        found.update(f"{painting.shape}".encode() + painting.tobytes())
    return found.hexdigest()[:16]
