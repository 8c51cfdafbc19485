"""The flags of `video.py`."""

import dataclasses

from tfstyle.config.options import (
    LARGEST_SIZE,
    check_options,
    check_shares,
    option,
    preserve_color_option,
)
from tfstyle.errors import InputError

_LEAST = 40  # pixels a side that a model needs
_LONGEST = 1e6  # seconds
LARGEST_BATCH = 16  # frames; a part of a clip holds three of these


@dataclasses.dataclass(frozen=True, kw_only=True)
class VideoCommand:
    """The flags of `video.py`. Raises InputError for a value out of range."""

    input: str = option(
        "", "Video to paint, or a GIF or WebP animation, or a folder of numbered pictures.",
        section="Files",
    )  # fmt: skip
    style: tuple[str, ...] = option(
        (), "Painting to take the style of; repeat it to mix several.", section="Files"
    )
    style_name: str = option(
        "", "Name of a style of a model that has named styles (not needed where it has one).",
        section="Files",
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

    def __post_init__(self):
        check_options(
            self,
            {"strength": (0, 1), "consistency": (0, 1), "size": (0, LARGEST_SIZE),
             "style_size": (_LEAST, LARGEST_SIZE), "tile_size": (64, LARGEST_SIZE),
             "start": (0, _LONGEST), "end": (0, _LONGEST), "rate": (0.01, 1000), "crf": (0, 63),
             "batch_size": (0, LARGEST_BATCH)},
        )  # fmt: skip
        if not self.input:
            raise InputError("--input: give the video to paint")
        if not self.output:
            raise InputError("--output: give the video to write")
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
        if self.style_weights and len(self.style_weights) != len(self.style):
            raise InputError(
                f"--style_weights: {len(self.style_weights)} given for {len(self.style)} --style"
            )
        if self.style_name and self.preserve_color in ("histogram", "linear"):
            raise InputError(
                f"--preserve_color={self.preserve_color}: recolours the painting; styles by name "
                "have none. Use luminance"
            )
        check_shares("style_weights", self.style_weights)
