"""The normal distribution, and Student's t as far as intervals need it, without a library."""

from __future__ import annotations

from math import erfc, exp, inf, log, pi, sqrt

_ROOT_2 = sqrt(2.0)
_ROOT_2PI = sqrt(2.0 * pi)


def density(z: float) -> float:
    """Return the density of the standard normal distribution at `z`."""
    return exp(-0.5 * z * z) / _ROOT_2PI


def cumulative(z: float) -> float:
    """Return the probability of a standard normal value up to `z`."""
    return 0.5 * erfc(-z / _ROOT_2)


def quantile(level: float) -> float:
    """Return the value below which a standard normal one lies with probability `level`; infinite at 0 and 1."""
    if level <= 0.0 or level >= 1.0:
        return -inf if level <= 0.0 else inf
    if level > 0.5:
        return -quantile(1.0 - level)
    # Abramowitz and Stegun 26.2.23 is good to 4.5e-4; each step of Halley's method triples the digits.
    t = sqrt(-2.0 * log(level))
    z = (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t
    for _ in range(3):
        step = (cumulative(z) - level) / density(z)
        z -= step / (1.0 + 0.5 * z * step)
    return z


def student_quantile(level: float, freedom: int) -> float:
    """Return the quantile of Student's t with `freedom` degrees, three or more.

    The first terms of its expansion around the normal one (Abramowitz and Stegun 26.7.5): within 1 % at three degrees for a
    95 % interval, and far better with more.
    """
    z = quantile(level)
    square = z * z
    terms = (
        (square + 1.0) / 4.0,
        ((5.0 * square + 16.0) * square + 3.0) / 96.0,
        (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0,
        ((((79.0 * square + 776.0) * square + 1482.0) * square - 1920.0) * square - 945.0) / 92160.0,
    )
    return z * (1.0 + sum(term / float(freedom) ** power for power, term in enumerate(terms, start=1)))
