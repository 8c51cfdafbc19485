"""Makes a system's pictures of pairs, and measures them."""

import pathlib
from typing import Any, NamedTuple

import numpy as np

from tfstyle import files, metrics
from tfstyle.config import EvaluateCommand
from tfstyle.evaluation.litert_painter import load_style_network
from tfstyle.evaluation.measuring import Measurer
from tfstyle.evaluation.pairs import Pair
from tfstyle.evaluation.systems import System
from tfstyle.metrics.lpips import LPIPS
from tfstyle.metrics.networks import load_features, load_fid_network


class Measured(NamedTuple):
    """What is known of a picture.

    Attributes:
        row: `metrics.METRICS` by name.
        embeddings: vectors by kind.
        peak_memory: of the process that made it so far, in bytes; 0 where unknown.
    """

    row: dict[str, float]
    embeddings: dict[str, np.ndarray]
    peak_memory: int


class Maker:
    """Makes and measures the pictures of a system.

    Args:
        system: that makes them.
        painter: a `painting.Painting` or `painting.PairPainter` of it; None if it does not paint.
        measurer: of the pictures.
        folder: of the results.
    """

    def __init__(self, system: System, painter: Any, measurer: Measurer, folder: pathlib.Path):
        self._system, self._painter, self._measurer = system, painter, measurer
        self._folder = folder

    def measure(self, pair: Pair, strength: float) -> Measured:
        """Writes the picture of a pair, if the system paints, and measures it.

        Raises: InputError if the system cannot be loaded, or its process ends.
        """
        path = picture_path(self._folder, self._system, pair, strength)
        painted = None
        if self._painter:
            path.parent.mkdir(parents=True, exist_ok=True)
            painted = self._painter.paint(pair, strength, path)
        row, embeddings = self._measurer.measure(pair, path)
        if painted:
            row["seconds"] = painted.seconds
            row["broken"] = max(row["broken"], float(not painted.finite))
        row = {name: row[name] for name in metrics.METRICS if name in row}
        return Measured(row, embeddings, painted.peak_memory if painted else 0)


def picture_path(
    folder: pathlib.Path, system: System, pair: Pair, strength: float = 1.0
) -> pathlib.Path:
    """The file of a system's picture of a pair."""
    if not system.paints:
        return system.find(pair)
    name = system.name if strength == 1.0 else f"{system.name}@{strength:g}"
    return folder / "pictures" / name / f"{pair.name}.png"


def load_measurer(config: EvaluateCommand) -> tuple[Measurer, dict[str, Any]]:
    """What measures pictures, and the identity of its networks, JSON-compatible.

    Raises: InputError for files of networks that cannot be used.
    """
    features, encoder = load_features(config.encoder, config.vgg_weights)
    fid, fid_identity = load_fid_network(config.fid_network) if config.fid_network else (None, "")
    lpips = LPIPS(config.lpips_weights) if config.lpips_weights else None
    style_network = None
    if config.style_network:
        style_network = load_style_network(pathlib.Path(config.style_network), config.size)
    identity = {
        "encoder": encoder,
        "lpips_weights": lpips and files.file_digest(config.lpips_weights),
        "fid_network": fid_identity,
        "style_network": style_network and files.file_digest(config.style_network),
    }
    return Measurer(features, config.size, lpips, fid, style_network), identity
