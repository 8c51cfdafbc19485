"""Models as exported files for LiteRT, which paint without Keras and TensorFlow.

A folder has `transfer.tflite`, `model.json` and, for a model of any painting's style,
`style_encoder.tflite`, as `export/to_tflite.py` writes them for one precision, with float32
pictures of any size. The packaged models have theirs in `tfstyle/pretrained/litert`;
`tools/pack_litert.py` makes them.
"""

import os
import pathlib
from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np

from tfstyle import files
from tfstyle.errors import InputError, brief
from tfstyle.models import capabilities
from tfstyle.models.packaged import PACKAGED_MODELS
from tfstyle.parsing import json_text
from tfstyle.runtime import devices
from tfstyle.runtime.litert import Network

ENCODE_STYLE, TRANSFER = "encode_style", "transfer"  # signatures; see `exporting.signatures`
CODE = "code"  # before the names of a code's arrays, as inputs and outputs
DESCRIPTION, ENCODER_FILE, TRANSFER_FILE = (
    "model.json", "style_encoder.tflite", "transfer.tflite"
)  # fmt: skip
FOLDER = pathlib.Path(__file__).parent.parent / "pretrained" / "litert"


class Description(TypedDict):
    """What `model.json` says, at least.

    Attributes:
        architecture: the name of the model's class.
        capabilities: the names of its classes of `models.capabilities`.
        codes: the model's `code_identity`.
        min_size: the model's.
    """

    architecture: str
    capabilities: list[str]
    codes: str
    min_size: int


class _NamedDescription(Description):
    style_names: list[str]


def folder_of(model: str | os.PathLike) -> pathlib.Path | None:
    """The folder of a packaged model's files, or None for another model, or one without them."""
    folder = FOLDER / str(model)
    return folder if str(model) in PACKAGED_MODELS and folder.is_dir() else None


def describe(folder: pathlib.Path) -> Description:
    """What `model.json` says; InputError if it is missing or damaged."""
    path = folder / DESCRIPTION
    try:
        found = json_text.parse(path.read_text("utf-8"))
        about = json_text.check(found, Description)
        named = capabilities.NamedStyles.__name__ in about["capabilities"]
        return json_text.check(found, _NamedDescription) if named else about
    except files.UNREADABLE as error:
        raise InputError(f"{path}: not the description of a model: {brief(error)}") from error


def load_exported(folder: pathlib.Path, threads: int = 0) -> "ExportedModel":
    """The model in a folder, with those of its capabilities that its files have.

    Args:
        folder: of the files.
        threads: to compute with; 0 for as many as there are processors.
    Raises: InputError if a file is missing or damaged, or LiteRT is not installed.
    """
    about = describe(folder)
    kinds = [own for kind, own in _CAPABILITIES.items() if kind.__name__ in about["capabilities"]]
    # With the name of the model's own class, for errors.
    return type(about["architecture"], tuple(kinds) or (ExportedModel,), {})(folder, about, threads)


class ExportedModel:
    """A model's files; as a `StyleTransferModel`, but for NumPy arrays, and not to be trained.

    Args:
        folder: of the files.
        about: what `model.json` says.
        threads: to compute with, which changes no picture; 0 for as many as there are processors.

    Attributes:
        min_size: as of `StyleTransferModel`.
    """

    def __init__(self, folder: pathlib.Path, about: Description, threads: int = 0):
        self.min_size = about["min_size"]
        self._identity = about["codes"]
        self._folder = folder
        self._threads = threads or devices.processors()
        self._networks: dict[str, Network] = {}

    def stylize(
        self, content: np.ndarray, code: Mapping[str, Any], strength: Any = 1.0
    ) -> np.ndarray:
        """As `StyleTransferModel.stylize`."""
        count = len(content)
        strengths = np.broadcast_to(np.asarray(strength, np.float32), (count,))
        return np.concatenate([
            self._run(TRANSFER_FILE, TRANSFER, {
                "content": content[n : n + 1],
                "strength": strengths[n : n + 1],
                **flatten(CODE, {
                    name: part[n : n + 1] if len(part) == count else part
                    for name, part in code.items()
                }),
            })["stylized"]
            for n in range(count)
        ])  # fmt: skip

    def code_identity(self) -> str:
        """As of `StyleTransferModel`."""
        return self._identity

    def check_picture(self, picture: np.ndarray, name: str | os.PathLike) -> None:
        """As of `StyleTransferModel`."""
        capabilities.check_sides(picture, name, self.min_size)

    def _run(self, file, signature, inputs):
        if file not in self._networks:
            path = self._folder / file
            self._networks[file] = Network(path.read_bytes(), self._threads, str(path))
        inputs = {name: np.ascontiguousarray(one, np.float32) for name, one in inputs.items()}
        return self._networks[file].run(signature, inputs)


class ExportedStylePictures(ExportedModel, capabilities.StylePictures):
    """Takes the style of any picture."""

    def encode_style(self, style):
        """As `StylePictures.encode_style`, of one picture."""
        return unflatten(CODE, self._run(ENCODER_FILE, ENCODE_STYLE, {"style": style}))


class ExportedNamedStyles(ExportedModel, capabilities.NamedStyles):
    """Its codes are shares of the styles, as those of `FixedStylesModel`."""

    def __init__(self, folder, about, threads=0):
        super().__init__(folder, about, threads)
        self.style_names = tuple(about["style_names"])

    def encode_index(self, index):
        return {"shares": np.eye(len(self.style_names), dtype=np.float32)[np.asarray(index)]}


class _ExportedMixableCodes(ExportedModel, capabilities.MixableCodes):
    pass


_CAPABILITIES: dict[type, type[ExportedModel]] = {
    capabilities.StylePictures: ExportedStylePictures,
    capabilities.NamedStyles: ExportedNamedStyles,
    capabilities.MixableCodes: _ExportedMixableCodes,
}


def flatten(kind: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """A code's or a summary's arrays by the names of their inputs: `{"code_mean": …}`."""
    return {f"{kind}_{name}": array for name, array in arrays.items()}


def unflatten(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flatten`; other values are ignored."""
    return {
        name.removeprefix(f"{kind}_"): value
        for name, value in values.items()
        if name.startswith(f"{kind}_")
    }
