"""Returns predicted from the returns before them: ridge regression, in plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, sqrt

from attrs import frozen

MOST_PERSISTENT = 0.95
"""The largest sum of the sizes of the coefficients: beyond 1, shocks would grow instead of dying out."""

LONGEST = 2_000
"""Steps ahead after which a shock is taken to have died out: from there on variance grows by the same each step."""


@frozen
class Fit:
    """Coefficients of the last returns (the newest first), mean return, and standard deviation of what is left."""

    mean: float
    coefficients: tuple[float, ...]
    deviation: float

    def ahead(self, latest: Sequence[float], steps: int) -> tuple[float, float]:
        """Return mean and standard deviation of the sum of the next `steps` returns, after `latest` (oldest first)."""
        window = [value - self.mean for value in reversed(latest[-len(self.coefficients) :])]
        near = min(steps, LONGEST)
        total = 0.0
        for _ in range(near):
            following = fsum(c * value for c, value in zip(self.coefficients, window, strict=True))
            window = [following, *window[:-1]]
            total += following
        return self.mean * steps + total, self.deviation * sqrt(self._spread(near, steps))

    def _spread(self, near: int, steps: int) -> float:
        """Return the variance of the sum in units of that of one shock: shocks pass on to the returns after them."""
        responses = [1.0] + [0.0] * (len(self.coefficients) - 1)
        passed_on = variance = 0.0
        for _ in range(near):
            passed_on += responses[0]
            variance += passed_on * passed_on
            responses = [fsum(c * r for c, r in zip(self.coefficients, responses, strict=True)), *responses[:-1]]
        return variance + (steps - near) * passed_on * passed_on


def fit(returns: Sequence[float], lags: int, ridge: float) -> Fit | None:
    """Return the fit of each return to the `lags` before it; None when nothing has moved.

    `ridge` is the weight of "no coefficient at all", in returns.
    """
    mean = fsum(returns) / len(returns)
    moves = [value - mean for value in returns]
    variance = fsum(value * value for value in moves) / len(moves)
    if variance <= 0.0:
        return None
    columns = [moves[lags - lag : len(moves) - lag] for lag in range(1, lags + 1)]
    target = moves[lags:]
    matrix = [[_dot(a, b) for b in columns] for a in columns]
    for place in range(lags):
        matrix[place][place] += ridge * variance
    found = solve(matrix, [_dot(column, target) for column in columns])
    size = fsum(abs(value) for value in found)
    shrink = min(1.0, MOST_PERSISTENT / size) if size else 1.0
    coefficients = tuple(value * shrink for value in found)
    left = [y - fsum(c * x for c, x in zip(coefficients, row, strict=True)) for y, *row in zip(target, *columns, strict=True)]
    return Fit(mean, coefficients, sqrt(_dot(left, left) / max(1, len(left) - lags)))


def solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Return the solution of a system of linear equations (Gauss, with pivots); a column of nothing has the solution 0."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for place in range(size):
        pivot = max(range(place, size), key=lambda n: abs(rows[n][place]))
        rows[place], rows[pivot] = rows[pivot], rows[place]
        if rows[place][place] == 0.0:
            continue
        for below in range(place + 1, size):
            factor = rows[below][place] / rows[place][place]
            rows[below] = [a - factor * b for a, b in zip(rows[below], rows[place], strict=True)]
    found = [0.0] * size
    for place in reversed(range(size)):
        rest = rows[place][size] - fsum(rows[place][n] * found[n] for n in range(place + 1, size))
        found[place] = rest / rows[place][place] if rows[place][place] else 0.0
    return found


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return fsum(x * y for x, y in zip(a, b, strict=True))
