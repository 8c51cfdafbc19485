"""The flags of `tfstyle web`."""

import dataclasses

from tfstyle.config.options import check_options, option
from tfstyle.config.stylize import DEFAULT_MODEL
from tfstyle.errors import InputError

LOOPBACK = ("127.0.0.1", "localhost", "::1")  # addresses that only this machine reaches


@dataclasses.dataclass(frozen=True, kw_only=True)
class WebCommand:
    """The flags of `tfstyle web`. Raises InputError for a value out of range."""

    content: tuple[str, ...] = option(
        (), "Photo to offer on the page, or a folder of photos; repeat it for more. By default, "
        "the example pictures.", section="Files",
    )  # fmt: skip
    style: tuple[str, ...] = option(
        (), "Painting to offer on the page, or a folder of them; repeat it for more. By default, "
        "the example pictures.", section="Files",
    )  # fmt: skip
    style_library: str = option(
        "", "File of named styles (`tfstyle styles`) to offer on the page.", section="Files"
    )
    compare: str = option(
        "", "Folder with a folder of pictures CONTENT__STYLE.png for each system, such as "
        "evaluation/pictures of evaluate.py: shows pairs of two systems, unnamed, left and right "
        "at random, asks which is better, and writes votes.csv and preferences.md to the folder. "
        "--content and --style name the photos and the paintings to show beside them.",
        section="Files",
    )  # fmt: skip
    model: str = option(
        DEFAULT_MODEL, "Model that paints at once: a packaged model's name, or a .keras file.",
        section="Page",
    )  # fmt: skip
    largest_size: int = option(
        1024, "Longest side of a picture in pixels, at most; above 1024, photos are painted in "
        "tiles by TensorFlow, which starts more slowly.", section="Page",
    )  # fmt: skip
    max_upload: float = option(
        40.0, "Megabytes of a file that is uploaded, at most.", section="Page"
    )
    max_pixels: float = option(
        60.0, "Megapixels of a picture that is uploaded, at most.", section="Page"
    )
    host: str = option(
        "127.0.0.1", "Address to listen on; 0.0.0.0 lets other machines in, with a token.",
        section="Server",
    )  # fmt: skip
    port: int = option(7860, "Port to listen on; 0 for any free one.", section="Server")
    token: str = option(
        "", "Password that the page asks for. Without one, a random one is made unless --host is "
        "this machine alone; the address that is printed has it.", section="Server",
    )  # fmt: skip
    no_browser: bool = option(
        False, "Does not open the page in this machine's browser.", section="Server"
    )

    def __post_init__(self):
        check_options(
            self,
            {"largest_size": (128, 4096), "max_upload": (0.1, 1000), "max_pixels": (0.1, 170),
             "port": (0, 65535)},
        )  # fmt: skip
        if self.token and (len(self.token) < 8 or not self.token.isascii()):
            raise InputError("--token: give 8 characters or more of ASCII")
        if self.compare and self.style_library:
            raise InputError("--compare, --style_library: give one of the two")

    def is_private(self) -> bool:
        """Whether only this machine reaches the page."""
        return self.host in LOOPBACK
