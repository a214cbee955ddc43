"""How sure a figure is: 95 % intervals of shares and means, and tests of two ways on the same questions."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest, bootstrap

SEED = 15


def share_interval(yes: Sequence[bool]) -> tuple[float, float, float]:
    """Return a share with its 95 % interval (Wilson's)."""
    if not yes:
        return 0.0, 0.0, 1.0
    interval = binomtest(sum(yes), len(yes)).proportion_ci(method="wilson")
    return sum(yes) / len(yes), float(interval.low), float(interval.high)


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return a mean with its 95 % interval (bootstrap)."""
    mean = float(np.mean(values)) if values else 0.0
    if len(set(values)) < 2:
        return mean, mean, mean
    interval = bootstrap((np.asarray(values),), np.mean, rng=np.random.default_rng(SEED)).confidence_interval
    return mean, float(interval.low), float(interval.high)


def mcnemar(one: Sequence[bool], other: Sequence[bool]) -> float:
    """Return how likely two ways differ so much by chance (McNemar's exact test, two-sided)."""
    pairs = list(zip(one, other, strict=True))
    gained, lost = sum(b and not a for a, b in pairs), sum(a and not b for a, b in pairs)
    return 1.0 if gained + lost == 0 else float(binomtest(gained, gained + lost).pvalue)


def written(interval: tuple[float, float, float]) -> str:
    """Return a share with its interval as it stands in a table: .62 (.50-.73)."""
    share, low, high = (f"{value:.2f}".removeprefix("0") for value in interval)
    return f"{share} ({low}-{high})"
