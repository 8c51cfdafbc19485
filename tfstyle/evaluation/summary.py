"""Means, medians, intervals and differences of the rows."""

import dataclasses
import math

import numpy as np

from tfstyle import metrics
from tfstyle.evaluation.results import Key, Results
from tfstyle.evaluation.systems import CONTENT, STYLE

MAIN = ("content_distance", "style_distance")  # what systems are ranked and shown by
_RESAMPLES = 2000
_MIN_GROUPS = 3  # contents, and styles, that an interval needs
_QUANTILES = (0.025, 0.975)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean over pairs, of a metric or a difference, with its 95 % interval."""

    count: int
    mean: float
    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: dict[tuple[str, str], float]) -> "Estimate | None":
        """From `{(content, style): value}`; None if there are none.

        The interval is that of the percentile bootstrap over contents and styles, not pairs, since
        pairs that share a photograph or a painting are correlated: Owen, "The pigeonhole
        bootstrap", Annals of Applied Statistics 2007. If only a few of all pairs are present, it
        is rather too wide; with less than three contents or styles there is none.
        """
        if not values:
            return None
        found = np.array(list(values.values()))
        mean, median = float(found.mean()), float(np.median(found))
        names = [sorted({key[part] for key in values}) for part in range(2)]
        if not np.isfinite(found).all() or min(map(len, names)) < _MIN_GROUPS:
            return cls(len(found), mean, median, math.nan, math.nan)
        # Sums over the pairs present, weighted by how often content and style were drawn.
        table, there = np.zeros((2, len(names[0]), len(names[1])))
        for (content, style), value in values.items():
            place = names[0].index(content), names[1].index(style)
            table[place], there[place] = value, 1.0
        random = np.random.default_rng(0)
        contents, styles = (
            random.multinomial(len(each), np.full(len(each), 1 / len(each)), _RESAMPLES)
            for each in names
        )
        sums, counts = (((contents @ one) * styles).sum(axis=1) for one in (table, there))
        low, high = np.quantile(sums[counts > 0] / counts[counts > 0], _QUANTILES)
        return cls(len(found), mean, median, min(float(low), mean), max(float(high), mean))


def values(results: Results, system: str, metric: str, strength: float = 1.0) -> dict:
    """`{(content, style): value}` of a system."""
    return {
        (key.content, key.style): row[metric]
        for key, row in results.rows.items()
        if key.system == system and key.strength == strength and metric in row
    }


def difference(results: Results, system: str, baseline: str, metric: str) -> Estimate | None:
    """The system's value minus the baseline's, over the pairs that both have."""
    ours, theirs = (values(results, name, metric) for name in (system, baseline))
    return Estimate.of({pair: ours[pair] - theirs[pair] for pair in ours if pair in theirs})


def set_distances(results: Results, system: str) -> dict[str, float]:
    """The `metrics.SET_METRICS` of a system's pictures.

    A photograph counts once for each of its pairs, and so does a painting.
    """
    distances = {}
    for metric, kind, other in (
        ("frechet_to_styles", "features", STYLE),
        ("frechet_to_contents", "features", CONTENT),
        ("fid", "fid", STYLE),
    ):
        sets = [_embeddings(results, name, kind) for name in (system, other)]
        if min(map(len, sets)) > 1:
            distances[metric] = metrics.frechet_distance(
                *(metrics.Gaussian.of(np.stack(found)) for found in sets)
            )
    return distances


def _embeddings(results, system, kind):
    """The vectors of a system's pictures of full strength."""
    return [
        embedding[kind]
        for key, embedding in results.embeddings.items()
        if key.system == system and key.strength == 1.0 and kind in embedding
    ]


def ranked(results: Results, system: str) -> list[Key]:
    """A system's pictures, best first, by the sum of their ranks in content and style distance."""
    keys = [key for key in results.rows if key.system == system and key.strength == 1.0]
    ranks = np.zeros(len(keys))
    for metric in MAIN:
        ranks += np.argsort(np.argsort([results.rows[key][metric] for key in keys]))
    return [keys[k] for k in np.argsort(ranks, kind="stable")]
