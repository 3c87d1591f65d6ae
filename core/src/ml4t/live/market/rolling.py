"""Means and variances of the last so many values, exact however many there have been.

Sums are kept as whole numbers of 2**-128, so adding and taking away lose nothing: no drift over years, nothing left behind by
a bad print, the same result for the same window whatever came before it. It takes three times what a running mean of floats
does, and is done when somebody reads: what nobody reads costs nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from itertools import islice
from math import isqrt, sqrt
from typing import Generic, TypeVar

_BITS = 128
_SCALE = 2.0**_BITS

Point = TypeVar("Point")


class Moments:
    """Mean and variance of the last `window` values; None holds the place of a value that there is not."""

    __slots__ = ("_squares", "_sum", "_values", "count", "window")

    def __init__(self, window: int) -> None:
        if window < 1:
            raise ValueError(f"a window of {window} values holds nothing; write 1 or more")
        self.window = window
        self.count = 0
        """How many of the last `window` values there are."""
        self._values: deque[int | None] = deque()
        self._sum = 0
        self._squares = 0

    def add(self, value: float | None) -> None:
        """Take the next value, and forget the one that leaves the window."""
        values = self._values
        if len(values) == self.window:
            old = values.popleft()
            if old is not None:
                self.count -= 1
                self._sum -= old
                self._squares -= old * old
        if value is None:
            values.append(None)
            return
        new = int(value * _SCALE)
        values.append(new)
        self.count += 1
        self._sum += new
        self._squares += new * new

    @property
    def mean(self) -> float | None:
        """The mean, None without a value."""
        return self._sum / (self.count << _BITS) if self.count else None

    @property
    def mean_square(self) -> float | None:
        """The mean of the squares, None without a value."""
        return self._squares / (self.count << 2 * _BITS) if self.count else None

    @property
    def variance(self) -> float | None:
        """The sample variance (divided by one less than the count), None with fewer than two values."""
        n = self.count
        return (n * self._squares - self._sum * self._sum) / (n * (n - 1) << 2 * _BITS) if n > 1 else None

    @property
    def deviation(self) -> float | None:
        """The sample standard deviation, None with fewer than two values."""
        variance = self.variance
        return None if variance is None else sqrt(variance)


class JointMoments:
    """The correlation of the last `window` pairs; None holds the place of a pair that there is not."""

    __slots__ = ("_pairs", "_x", "_xx", "_xy", "_y", "_yy", "count", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.count = 0
        self._pairs: deque[tuple[int, int] | None] = deque()
        self._x = self._y = self._xx = self._yy = self._xy = 0

    def add(self, x: float | None, y: float | None) -> None:
        """Take the next pair, and forget the one that leaves the window."""
        if len(self._pairs) == self.window and (old := self._pairs.popleft()) is not None:
            self._count(*old, -1)
        if x is None or y is None:
            self._pairs.append(None)
            return
        new = int(x * _SCALE), int(y * _SCALE)
        self._pairs.append(new)
        self._count(*new, 1)

    @property
    def correlation(self) -> float | None:
        """Pearson's coefficient, None with fewer than three pairs or when one side does not move."""
        n = self.count
        across = (n * self._xx - self._x * self._x) * (n * self._yy - self._y * self._y)
        if n < 3 or across == 0:
            return None
        covariance = n * self._xy - self._x * self._y
        return max(-1.0, min(1.0, covariance / isqrt(across)))

    def _count(self, x: int, y: int, sign: int) -> None:
        self.count += sign
        self._x += sign * x
        self._y += sign * y
        self._xx += sign * x * x
        self._yy += sign * y * y
        self._xy += sign * x * y


class Rolling(Generic[Point]):
    """The moments of `step(before, after)` over the last `window` steps of a history, brought up to date when read.

    The result depends on the last `window` + 1 points and on nothing else: one that begins to be read late, or after a
    restart, says the same.
    """

    __slots__ = ("_seen", "_step", "moments")

    def __init__(self, window: int, step: Callable[[Point, Point], float]) -> None:
        self.moments = Moments(window)
        self._step = step
        self._seen = 0

    def pull(self, points: deque[Point], count: int, cuts: Collection[int]) -> Moments:
        """Take in what is new among `points`, the last ones of `count`; the step to a number in `cuts` is left out."""
        missed = count - self._seen
        if not missed:
            return self.moments
        window = self.moments.window
        if missed > window:
            missed = window
            self.moments = Moments(window)
        tail = list(islice(reversed(points), missed + 1))
        self._seen = count
        number = count - len(tail)
        add, step = self.moments.add, self._step
        for later in range(len(tail) - 2, -1, -1):
            number += 1
            add(None if number in cuts else step(tail[later + 1], tail[later]))
        return self.moments
