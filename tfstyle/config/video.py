"""The flags of `video.py`."""

import dataclasses

from tfstyle.config.optimize import OptimizeConfig
from tfstyle.config.options import (
    LARGEST_SIZE,
    check_options,
    check_shares,
    option,
    preserve_color_option,
)
from tfstyle.errors import InputError

_LEAST = 40  # pixels a side that a model needs
_RENDERER = "With --engine=optimize"
_OF_MODELS = (
    "style_library", "style_name", "strength", "style_size", "model", "batch_size", "tile_size",
)  # fmt: skip
_OF_RENDERS = (
    "content_weight", "style_weight", "style_weights", "style_scale", "encoder", "iterations"
)  # fmt: skip
CAMERA, PLAYED = "camera:", "live:"  # what a live --input starts with
_LONGEST = 1e6  # seconds
LARGEST_BATCH = 16  # frames; a part of a clip holds three of these


def _renderer_option(name, **others):
    """A field like that of `OptimizeConfig`, with `others` in its metadata."""
    (field,) = (one for one in dataclasses.fields(OptimizeConfig) if one.name == name)
    metadata = {**field.metadata, "section": _RENDERER, **others}
    return dataclasses.field(default=field.default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class VideoCommand:
    """The flags of `video.py`. Raises InputError for a value out of range."""

    input: str = option(
        "", "Video to paint, or a GIF or WebP animation, or a folder of numbered pictures. "
        "camera:0 is a camera, painted live in a window; live:FILE plays a file like one.",
        section="Files",
    )  # fmt: skip
    style: tuple[str, ...] = option(
        (), "Painting to take the style of; repeat it to mix several.", section="Files"
    )
    style_library: str = option(
        "", "File of named styles, made by `tfstyle styles`.", section="Files"
    )
    style_name: str = option(
        "", "Name of a style of the library, or of a model that has named styles (not needed where "
        "there is one).", section="Files",
    )  # fmt: skip
    output: str = option(
        "stylized.mp4", "Video (.mp4, .mov, .mkv, .webm) or animation (.gif, .webp) to write; a "
        "name without a suffix is a folder of numbered pictures.", section="Files",
    )  # fmt: skip
    resume: bool = option(
        False, "Goes on with a run that was stopped or killed, after its last whole part, two "
        "seconds at most; the video is the same as without a stop.", section="Files",
    )  # fmt: skip
    start: float = option(0.0, "Second of the input to start at.", section="Clip")
    end: float = option(0.0, "Second of the input to end at; 0 for its end.", section="Clip")
    size: int = option(
        0, "Longest side of the result in pixels; 0 for the input's own.", section="Clip"
    )
    rate: float = option(25.0, "Frames per second of a folder of pictures.", section="Clip")
    codec: str = option(
        "auto", "FFmpeg's name of an encoder, such as libx264, libx265, libvpx-vp9 or libsvtav1; "
        "auto is H.264, and VP9 for .webm.", section="Clip",
    )  # fmt: skip
    crf: int = option(
        18, "Constant rate factor of the encoder: less is better, and a larger file. Codecs "
        "without one ignore it.", section="Clip",
    )  # fmt: skip
    consistency: float = option(
        1.0, "How much of the last frame, moved along, stays in the next one: from 0, each frame "
        "by itself, to 1, the least flicker.", section="Look",
    )  # fmt: skip
    strength: float = option(
        1.0, "Strength of the style: from 0, the clip, to 1, the full style.", section="Look"
    )
    style_weights: tuple[float, ...] = option(
        (), "Share of each style, in the same order; repeat it. Equal by default.", section="Look"
    )
    style_size: int = option(
        512, "Longest side that a painting is resized to before encoding, in pixels; a smaller "
        "side gives smaller strokes.", section="Look",
    )  # fmt: skip
    preserve_color: str = preserve_color_option()
    engine: str = option(
        "models", "What paints: models is a trained model; optimize is the renderer of "
        "optimize.py, which takes seconds to minutes for a frame.", section="Model",
        choices=("models", "optimize"),
    )  # fmt: skip
    model: str = option(
        "mobile", "A packaged model's name, or a .keras file of train.py.", section="Model"
    )
    batch_size: int = option(
        0, "Frames painted at once; 0 for 1 on a processor and 8 on a GPU, fewer if they are "
        "large.", section="Model",
    )  # fmt: skip
    tile_size: int = option(
        2048, "Longest side in pixels that is painted at once: larger frames are painted in tiles.",
        section="Model",
    )  # fmt: skip
    content_weight: float = _renderer_option("content_weight")
    style_weight: float = _renderer_option("style_weight")
    style_scale: float = _renderer_option("style_scale")
    encoder: str = _renderer_option(
        "encoder",
        help="Network that the losses read, as of optimize.py: auto is vgg19 on a GPU, else mixed. "
        "Frames that start from the last one take that of mixed's last iterations, which is vgg19 "
        "for up to 1024 × 1024 pixels; lite is several times as fast.",
    )
    iterations: int = _renderer_option("iterations")
    next_iterations: int = option(
        10,
        "Iterations of a frame that starts from the last one; the first of a shot takes "
        "--iterations.",
        section=_RENDERER,
    )

    def __post_init__(self):
        check_options(
            self,
            {"strength": (0, 1), "consistency": (0, 1), "size": (0, LARGEST_SIZE),
             "style_size": (_LEAST, LARGEST_SIZE), "tile_size": (64, LARGEST_SIZE),
             "start": (0, _LONGEST), "end": (0, _LONGEST), "rate": (0.01, 1000), "crf": (0, 63),
             "batch_size": (0, LARGEST_BATCH), "next_iterations": (1, 1_000_000)},
        )  # fmt: skip
        if not self.input:
            raise InputError("--input: give the video to paint")
        if not self.output:
            raise InputError("--output: give the video to write")
        if self.is_live and (self.start or self.resume):
            raise InputError("--start, --resume: are not for a live --input; omit them")
        if self.size and self.size < _LEAST:
            raise InputError(
                f"--size: must be 0 or from {_LEAST} to {LARGEST_SIZE}, not {self.size}"
            )
        if self.end and self.end <= self.start:
            raise InputError(f"--end: must be after --start={self.start:g}, not {self.end:g}")
        if self.batch_size & (self.batch_size - 1):
            raise InputError(f"--batch_size: must be 1, 2, 4, 8 or 16, not {self.batch_size}")
        if self.style and self.style_name:
            raise InputError("--style, --style_name: give one of the two")
        if self.style and self.style_library:
            raise InputError("--style, --style_library: give one of the two")
        if self.style_weights and len(self.style_weights) != len(self.style):
            raise InputError(
                f"--style_weights: {len(self.style_weights)} given for {len(self.style)} --style"
            )
        named = self.style_library or self.style_name
        if named and self.preserve_color in ("histogram", "linear"):
            raise InputError(
                f"--preserve_color={self.preserve_color}: recolours the painting; styles by name "
                "have none. Use luminance"
            )
        check_shares("style_weights", self.style_weights)
        self._check_engine()

    @property
    def is_live(self) -> bool:
        """Whether the input is a camera, or a file to play like one."""
        return self.input.startswith((CAMERA, PLAYED))

    def _check_engine(self):
        optimizes = self.engine == "optimize"
        other = "models" if optimizes else "optimize"
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            renderer, model = field.metadata["section"] == _RENDERER, field.name in _OF_MODELS
            if (model if optimizes else renderer) and value != field.default:
                raise InputError(
                    f"--{field.name}={value}: is of --engine={other}; leave it out, or give that"
                )
        if optimizes and self.is_live:
            raise InputError("--engine=optimize: is too slow for a live --input; leave it out")
        if optimizes:
            if not self.style:
                raise InputError("--style: give the painting to take the style of")
            self.render_config(self.size or LARGEST_SIZE)

    def render_config(self, size: int) -> OptimizeConfig:
        """How frames are rendered, whose longest side has `size` pixels."""
        return OptimizeConfig(size=size, **{name: getattr(self, name) for name in _OF_RENDERS})
