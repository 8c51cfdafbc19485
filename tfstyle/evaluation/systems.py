"""Systems to evaluate: trained models, TFLite files, the renderer, folders of pictures.

A `System` is a small description that can be sent to another process, where `open` loads it and
returns a `Painter`. For systems that do not paint, `find` returns the file of a pair's picture.
"""

import dataclasses
import functools
import hashlib
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from tfstyle import files, images
from tfstyle.config import (
    DEFAULT_MODEL,
    TILE_SIZE,
    EvaluateCommand,
    OptimizeConfig,
    did_you_mean,
)
from tfstyle.encoders import weight_files
from tfstyle.errors import InputError
from tfstyle.evaluation import imports
from tfstyle.evaluation.pairs import Pair
from tfstyle.models import packaged
from tfstyle.runtime import devices

if TYPE_CHECKING:
    from tfstyle.stylization import Stylizer

CONTENT, STYLE = "content itself", "style itself"  # names of the trivial systems


class Painter(Protocol):
    """A loaded system. Pictures are `(1, h, w, 3)` float32 RGB in [0, 1]."""

    def encode(self, style: np.ndarray, name: str) -> Any:
        """The code of a style, which is called `name`."""

    def paint(self, content: np.ndarray, code: Any, strength: float) -> np.ndarray:
        """The content in that style."""


@dataclasses.dataclass(frozen=True)
class _FunctionPainter:
    """A `Painter` of two functions."""

    encode: Callable[[np.ndarray, str], Any]
    paint: Callable[[np.ndarray, Any, float], np.ndarray]


@dataclasses.dataclass(frozen=True)
class System:
    """A source of a picture for each pair."""

    name: str
    paints: ClassVar[bool] = False
    has_strength: ClassVar[bool] = False
    is_original: ClassVar[bool] = False
    cost: ClassVar[float] = 1.0  # of making and measuring a picture, relative, for the time left

    def fingerprint(self) -> str:
        """Changes whenever the pictures could change; older results are then dropped."""
        return type(self).__name__

    def find(self, pair: Pair) -> pathlib.Path:
        """The file of a pair's picture, for a system that does not paint."""
        raise NotImplementedError

    def check(self, pairs: Sequence[Pair]) -> None:
        """Raises InputError, before any work, if a pair has no picture and cannot be painted."""
        for pair in pairs if not self.paints else ():
            self.find(pair)

    def open(self, size: int) -> Painter:
        """Loads the system for square pictures of `size` pixels."""
        raise NotImplementedError


class Content(System):
    """The photograph itself: metrics that rank it first reward doing nothing."""

    is_original: ClassVar[bool] = True

    def find(self, pair):
        return pair.content


class Style(System):
    """The painting itself, which has all of the style and none of the content."""

    is_original: ClassVar[bool] = True

    def find(self, pair):
        return pair.style


@dataclasses.dataclass(frozen=True)
class Folder(System):
    """Pictures made elsewhere, called CONTENT__STYLE.png; their centre square is measured."""

    folder: pathlib.Path

    def fingerprint(self):
        found = sorted(
            f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}"
            for path in self.folder.iterdir()
        )
        return f"folder {hashlib.sha256(repr(found).encode()).hexdigest()[:16]}"

    def find(self, pair):
        for suffix in images.SUFFIXES:
            path = self.folder / f"{pair.name}{suffix}"
            if path.exists():
                return path
        raise InputError(f"--images: {self.folder / pair.name}.png: no such file")


@dataclasses.dataclass(frozen=True)
class TrainedModel(System):
    """A Keras model of this package, compiled for the size.

    One with styles of its own paints a pair in the style that has the name of the painting's file.
    """

    path: pathlib.Path
    paints: ClassVar[bool] = True
    has_strength: ClassVar[bool] = True

    def fingerprint(self):
        return f"model {files.file_digest(self.path)} {code_digest('tfstyle.stylization.transfer')}"

    def check(self, pairs):
        own = packaged.own_styles(self.path)
        for style in sorted({pair.style for pair in pairs}) if own else ():
            if style.stem not in own:
                raise InputError(
                    f"--style_dir: {style}: {self.name} paints styles of its own alone, each "
                    f"measured with a painting of that name{did_you_mean(style.stem, tuple(own))}"
                )

    def open(self, size):
        stylizer = self.stylizer(size)
        stylizer.model.check_picture(np.empty((1, size, size, 3)), "--size")
        encode = functools.partial(encode_style, stylizer)
        return _FunctionPainter(encode=encode, paint=stylizer.paint)

    def stylizer(self, size: int) -> "Stylizer":
        """The loaded model, compiled, for pictures of up to `size` pixels a side."""
        devices.start_tensorflow()
        from tfstyle.stylization import Stylizer

        return Stylizer(self.path, tile_size=max(TILE_SIZE, size), compiled=True)


def encode_style(stylizer: "Stylizer", style: np.ndarray, name: str) -> Any:
    """The code of a style: of the painting, or of its name if the model has styles by name."""
    from tfstyle.models.capabilities import StylePictures

    if isinstance(stylizer.model, StylePictures):
        return stylizer.encode_style(style)
    return stylizer.named_style(name)


@dataclasses.dataclass(frozen=True)
class LiteRTPair(System):
    """A style encoder and a transfer network as TFLite files.

    Strength is a scalar input of the transfer network, if it has one; otherwise the style's code is
    mixed with the content's own, as in Magenta's demonstrations.
    """

    encoder: pathlib.Path
    transfer: pathlib.Path
    paints: ClassVar[bool] = True
    has_strength: ClassVar[bool] = True

    def fingerprint(self):
        return f"tflite {files.file_digest(self.encoder)} {files.file_digest(self.transfer)}"

    def open(self, size):
        from tfstyle.evaluation.litert_painter import LiteRTPainter

        return LiteRTPainter(self.encoder, self.transfer, size)


class Optimization(System):
    """`optimize.py` with its defaults at the size of the measurement."""

    paints: ClassVar[bool] = True
    cost: ClassVar[float] = 20.0

    def fingerprint(self):
        devices.start_tensorflow()
        from tfstyle import optimization

        config = OptimizeConfig()
        config = dataclasses.replace(config, encoder=optimization.choose_encoder(config))
        encoders = [
            files.file_digest(weight_files.encoder_path(name)) for name in ("lite", "vgg19")
        ]
        code = code_digest("tfstyle.optimization.renderer")
        return f"renderer {config} {encoders} {code}"

    def open(self, size):
        devices.start_tensorflow()
        from tfstyle.optimization import Renderer

        renderer = Renderer(OptimizeConfig(size=size))
        return _FunctionPainter(
            encode=lambda style, _: style,
            paint=lambda content, style, _: renderer.render(content, [style]).image,
        )


def make_systems(config: EvaluateCommand) -> list[System]:
    """The systems that the flags name, then the two trivial ones.

    Raises: InputError for a file or folder that is missing, or a name that is given twice.
    """
    systems: list[System] = []
    given = config.model
    if not (config.model or config.tflite or config.images or config.optimize):
        given = (DEFAULT_MODEL,)
    for text in given:
        name, file = _named(text)
        path = packaged.model_path(file)
        systems.append(TrainedModel(name or pathlib.Path(file).stem, path))
    for text in config.tflite:
        name, rest = _named(text)
        pair = [pathlib.Path(part) for part in rest.split(",")]
        if len(pair) != 2:
            raise InputError(f"--tflite: '{text}': give two files, STYLE_ENCODER,TRANSFER")
        for path in pair:
            if not path.is_file():
                raise InputError(f"--tflite: {path}: no such file")
        systems.append(LiteRTPair(name or pair[1].stem, *pair))
    for text in config.images:
        name, folder = _named(text)
        if not name:
            raise InputError(f"--images: '{text}': give NAME=FOLDER")
        if not pathlib.Path(folder).is_dir():
            raise InputError(f"--images: {folder}: no such folder")
        systems.append(Folder(name, pathlib.Path(folder)))
    if config.optimize:
        systems.append(Optimization("renderer"))
    systems += [Content(CONTENT), Style(STYLE)]
    names = [system.name for system in systems]
    for name in names:
        if [other.casefold() for other in names].count(name.casefold()) > 1:
            raise InputError(f"two systems are called '{name}'; rename one by NAME=FILE")
        if not name or set(name) & set('/\\:*?"<>|@') or name[0] in "._":
            raise InputError(f"'{name}': cannot be the name of a folder; give another, NAME=FILE")
    if config.baseline and config.baseline not in names:
        raise InputError(
            f"--baseline: '{config.baseline}'{did_you_mean(config.baseline, tuple(names))}"
        )
    return systems


def code_digest(*modules: str) -> str:
    """16 hexadecimal digits of the SHA-256 of modules and of all that they import of this package.

    Comments, docstrings and texts of `--help` do not count. Of imports by name at run time, only
    those in `registry` are found.
    """
    digest = hashlib.sha256()
    for path in sorted(set().union(*map(imports.sources, modules))):
        digest.update(imports.code(path).encode())
    return digest.hexdigest()[:16]


def _named(text):
    """`("NAME", "VALUE")` of NAME=VALUE, with an empty name if there is none."""
    name, equals, value = text.partition("=")
    return (name, value) if equals and not pathlib.Path(text).exists() else ("", text)
