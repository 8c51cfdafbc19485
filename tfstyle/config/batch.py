"""The flags of `tfstyle batch`."""

import dataclasses
from typing import Any

from tfstyle.config.options import check_options, option
from tfstyle.config.stylize import StylizeCommand
from tfstyle.errors import InputError


def _same(name: str) -> Any:
    """The flag of that name of `stylize.py`."""
    (field,) = (one for one in dataclasses.fields(StylizeCommand) if one.name == name)
    return dataclasses.field(default=field.default, metadata=field.metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchCommand:
    """The flags of `tfstyle batch`. Raises InputError for a value out of range."""

    input: tuple[str, ...] = option(
        (), "Photos to paint: a folder, a pattern in quotes such as 'photos/**/*.jpg', a photo, or "
        "a list of paths, which is a .txt file with a path a line, or a .csv or .parquet file with "
        "a column 'path'; repeat it for more.", section="Files",
    )  # fmt: skip
    style: tuple[str, ...] = _same("style")
    style_library: str = _same("style_library")
    style_name: tuple[str, ...] = _same("style_name")
    output: str = option(
        "", "Folder of the pictures, called CONTENT__STYLE.png, of their table manifest.csv and of "
        "failed.csv, the photos that could not be painted. What is there already, of the same "
        "photos and flags, is not painted again.", section="Files",
    )  # fmt: skip
    bits: int = _same("bits")
    engine: str = option(
        "local", "What paints: processes of this machine, or a Ray cluster, of which all machines "
        "need the same network folders: that of the variable RAY_ADDRESS, or else one of this "
        "machine.", section="Workers", choices=("local", "ray"),
    )  # fmt: skip
    workers: int = option(
        0, "Number of processes, each with the model. 0 for one for each processor, if there is "
        "memory for them, or for each GPU.", section="Workers",
    )  # fmt: skip
    strength: float = _same("strength")
    style_weights: tuple[float, ...] = _same("style_weights")
    size: int = _same("size")
    style_size: int = _same("style_size")
    prepare: str = _same("prepare")
    preserve_color: str = _same("preserve_color")
    photorealistic: bool = _same("photorealistic")
    wrap: str = _same("wrap")
    model: str = _same("model")
    tile_size: int = _same("tile_size")
    no_cache: bool = _same("no_cache")

    def __post_init__(self):
        check_options(self, {"workers": (0, 10_000)})
        if not self.input:
            raise InputError("--input: give the photos to paint")
        if not self.output:
            raise InputError("--output: give the folder of the pictures")
        for flag, values in (("preserve_color", ("histogram", "linear")), ("prepare", ("match",))):
            if getattr(self, flag) in values:
                raise InputError(
                    f"--{flag}={getattr(self, flag)}: depends on photo and painting, and here each "
                    "style is encoded once for all photos; stylize.py can do it"
                )
        self.stylize()

    def stylize(self) -> StylizeCommand:
        """The flags that say how to paint; InputError if they do not fit."""
        own = {field.name for field in dataclasses.fields(self)} - {"input", "engine", "workers"}
        values = {name: getattr(self, name) for name in own}
        return StylizeCommand(content=self.input, **values)
