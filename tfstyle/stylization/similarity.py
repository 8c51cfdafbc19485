"""How alike style codes are: the cosine between them, as one vector each.

Half of a painting finds its other half by it among those of 1,550 paintings more often than by the
Wasserstein distance of means and covariances, or with parts of the code scaled alike; see
benchmarks/RESULTS.md. Among very many, few are found first by short descriptors, which keep
distances roughly, and are then compared exactly.
"""

import functools
from collections.abc import Mapping

import numpy as np

NUMBERS = 128  # of a descriptor
_FOUND = 100  # styles that descriptors find


def directions(codes: Mapping[str, np.ndarray]) -> np.ndarray:
    """Vectors of length 1, whose products are the cosines.

    Args:
        codes: `(n, …)` arrays by name.
    Returns: `(n, numbers)` float32.
    """
    parts = [codes[name].reshape(len(codes[name]), -1) for name in sorted(codes)]
    found = np.concatenate(parts, axis=1).astype(np.float32)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-30)


def descriptors(found: np.ndarray) -> np.ndarray:
    """Short vectors at about the distances of `directions`, `(n, 128)` float32.

    Each number is added to, or subtracted from, one of the descriptor's, which are drawn by lot:
    the count sketch of Charikar, Chen and Farach-Colton, "Finding Frequent Items in Data Streams",
    ICALP 2002.
    """
    places, signs = _lots(found.shape[1])
    return np.stack([np.bincount(places, signs * one, NUMBERS) for one in found]).astype("<f4")


@functools.lru_cache(maxsize=2)
def _lots(count):
    """The place and the sign of each number; files depend on these lots."""
    random = np.random.RandomState(0)  # the same in all versions of NumPy
    return random.randint(0, NUMBERS, count), random.randint(0, 2, count) * 2.0 - 1.0


def shortlist(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Numbers of the descriptors that are nearest to one.

    Args:
        known: `(n, 128)`.
        wanted: `(128,)`.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # of a damaged file
        distances = np.einsum("nd,nd->n", known, known) - 2.0 * (known @ wanted)
    count = min(_FOUND, len(known))
    return np.argpartition(distances, count - 1)[:count] if count else np.arange(0)
