"""The scores of one forecast, as plain formulas: a call into an array library costs more than all of them.

Unless it says otherwise a smaller score is better, and a score is in the units of the price.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import ceil, exp, log, pi, sqrt

from ml4t.live.ledger.normal import cumulative, density
from ml4t.live.model import Distribution, Family

WORST = 20.0
"""The worst log score that is counted (nats): the probability of what happened was below 2e-9."""

Z95 = 1.959963984540054
"""The half width of a 95 % interval in standard deviations."""

_ROOT_PI = sqrt(pi)
_LOG_ROOT_2PI = 0.5 * log(2.0 * pi)


def brier(confidence: float, hit: bool) -> float:
    """Return the squared error of a probability (Brier 1950): 0 to 1, and 0.25 for one half."""
    miss = confidence - hit
    return miss * miss


def log_score(confidence: float, hit: bool) -> tuple[float, bool]:
    """Return -ln of the probability given to what happened (nats), at most `WORST`, and whether it was cut to that."""
    given = confidence if hit else 1.0 - confidence
    score = -log(given) if given > 0.0 else WORST
    return (WORST, True) if score >= WORST else (score, False)


def pinball(level: float, quantile: float, price: float) -> float:
    """Return the quantile loss (Koenker and Bassett 1978)."""
    miss = price - quantile
    return level * miss if miss >= 0 else (level - 1.0) * miss


def crps_normal(mean: float, deviation: float, price: float) -> float:
    """Return the continuous ranked probability score of a normal distribution (Gneiting and Raftery 2007, equation 21)."""
    z = (price - mean) / deviation
    return deviation * (z * (2.0 * cumulative(z) - 1.0) + 2.0 * density(z) - 1.0 / _ROOT_PI)


def crps_lognormal(location: float, scale: float, price: float) -> float:
    """Return the CRPS of a log-normal distribution (Baran and Lerch 2015); `price` is above 0."""
    z = (log(price) - location) / scale
    tail = cumulative(z - scale) + cumulative(scale / sqrt(2.0)) - 1.0
    return price * (2.0 * cumulative(z) - 1.0) - 2.0 * exp(location + 0.5 * scale * scale) * tail


def crps_samples(ordered: Sequence[float], price: float) -> float:
    """Return the CRPS of the empirical distribution of samples in rising order: mean distance less half the mean spread."""
    count = len(ordered)
    distance = spread = 0.0
    for place, sample in enumerate(ordered):
        distance += abs(sample - price)
        spread += (2 * place - count + 1) * sample
    return distance / count - spread / (count * count)


def pit_samples(ordered: Sequence[float], price: float) -> float:
    """Return the middle of the slot among n samples in rising order that the price falls into, of n + 1 equal ones."""
    return (rank_of(ordered, price) + 0.5) / (len(ordered) + 1)


def rank_of(ordered: Sequence[float], price: float) -> float:
    """Return how many samples lie below the price; those that are equal count half."""
    return (bisect_left(ordered, price) + bisect_right(ordered, price)) / 2


def central_slots(count: int, share: float) -> tuple[int, int]:
    """Return the first and last of the slots between `count` samples whose middles lie in the central `share`."""
    slots, tail = count + 1, (1.0 - share) / 2.0
    first = ceil(tail * slots - 0.5 - 1e-9)
    return first, slots - 1 - first


def crps(distribution: Distribution, price: float) -> float:
    """Return the CRPS of a distribution."""
    formula = crps_normal if distribution.family is Family.NORMAL else crps_lognormal
    return formula(distribution.location, distribution.scale, price)


def pit(distribution: Distribution, price: float) -> float:
    """Return the probability of prices up to this one."""
    value = price if distribution.family is Family.NORMAL else log(price)
    return cumulative((value - distribution.location) / distribution.scale)


def log_density(distribution: Distribution, price: float, unit: float) -> tuple[float, bool]:
    """Return -ln of the density at `price` where prices are counted in `unit`, at most `WORST`, and whether it was cut."""
    value = price if distribution.family is Family.NORMAL else log(price)
    z = (value - distribution.location) / distribution.scale
    score = 0.5 * z * z + _LOG_ROOT_2PI + log(distribution.scale)
    score += -log(unit) if distribution.family is Family.NORMAL else log(price / unit)
    return (WORST, True) if score >= WORST else (score, False)


def wilson(hits: float, trials: float, z: float = Z95) -> tuple[float | None, float | None]:
    """Return the Wilson interval of a share, `z` standard deviations to each side; Nones without trials.

    Unlike the textbook interval it stays within 0 and 1 and is honest about ten forecasts.
    """
    if not trials:
        return None, None
    share, square = hits / trials, z * z
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = z / (1 + square / trials) * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)
