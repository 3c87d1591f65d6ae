"""The mean of something that overlaps: forecasts made hourly for a day ahead share 23 hours of luck."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from ml4t.live.ledger.normal import student_quantile

LAGS = 4
"""Horizons back that still count as related, with the falling weights of Newey and West (1987)."""

FEWEST = 10
"""Horizons with a forecast in them before the sums say how strongly neighbours are related."""

_WEIGHTS = tuple(1.0 - lag / (LAGS + 1) for lag in range(LAGS + 1))
_WINDOW = 2 * LAGS


class OverlapMean:
    """A running mean whose standard error allows for values that overlap in time, or that come at once.

    Values are summed per `block`, the number of the horizon that their forecast was issued in: those of one block, of
    whatever symbol, are related, and those of neighbouring blocks share a part of their horizon. The long-run variance of the
    sums is that of Newey and West with `LAGS` lags. It is kept up to date value by value, in a memory of some twenty numbers;
    a value that comes more than `2 * LAGS` blocks late counts as unrelated to what was before.
    """

    __slots__ = (
        *("_blocks", "_counts", "_latest", "_mixed", "_near_count", "_near_sum", "_sums"),
        *("blocks", "count", "squares", "total"),
    )

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.squares = 0.0
        self.blocks = 0
        """How many blocks have had a value."""
        # Weighted sums over pairs of blocks: sum times sum, sum times count, count times count.
        self._sums = self._mixed = self._counts = 0.0
        self._blocks: dict[int, tuple[float, int]] = {}
        # The weighted sum and count around the block of the latest value: the next one is mostly of the same block.
        self._latest = -1
        self._near_sum = self._near_count = 0.0

    def add(self, value: float, block: int) -> None:
        """Take in one value."""
        if block != self._latest:
            self._move_to(block)
        near_sum, near_count = self._near_sum, self._near_count
        self._sums += value * (2.0 * near_sum + value)
        self._mixed += value * near_count + near_sum + value
        self._counts += 2.0 * near_count + 1.0
        self._near_sum = near_sum + value
        self._near_count = near_count + 1.0
        self.count += 1
        self.total += value
        self.squares += value * value
        total, count = self._blocks[block]
        self._blocks[block] = (total + value, count + 1)

    def _move_to(self, block: int) -> None:
        """Turn to another block: forget one that is too far back, and add up what is near."""
        known = self._blocks
        if block not in known:
            self.blocks += 1
            known[block] = (0.0, 0)
            if len(known) > _WINDOW + 1:
                del known[min(other for other in known if other != block)]
        self._latest = block
        self._near_sum = self._near_count = 0.0
        for near, (total, count) in known.items():
            lag = abs(near - block)
            if lag <= LAGS:
                self._near_sum += _WEIGHTS[lag] * total
                self._near_count += _WEIGHTS[lag] * count

    @property
    def mean(self) -> float | None:
        """The mean; None without values."""
        return self.total / self.count if self.count else None

    @property
    def variance(self) -> float:
        """The variance of the mean as if no value had to do with another."""
        if self.count < 2:
            return 0.0
        mean = self.total / self.count
        return max(0.0, self.squares / self.count - mean * mean) / (self.count - 1)

    @property
    def long_run_variance(self) -> float | None:
        """The variance of the mean, allowing for overlap; None before `FEWEST` blocks."""
        if self.blocks < FEWEST:
            return None
        mean = self.total / self.count
        pairs = self._sums - 2.0 * mean * self._mixed + mean * mean * self._counts
        return max(0.0, pairs) / (self.count * self.count) * self.blocks / (self.blocks - 1)

    @property
    def effective_count(self) -> float:
        """How many unrelated values say as much about the mean as these; before `FEWEST` blocks, one a block."""
        long_run = self.long_run_variance
        if long_run is None:
            return float(min(self.count, self.blocks))
        simple = self.variance
        return self.count * min(1.0, simple / long_run) if long_run > 0.0 else float(self.count)

    def interval(self, level: float = 0.95) -> tuple[float | None, float | None]:
        """Return the interval of the mean with Student's t for the number of blocks; Nones before `FEWEST` blocks."""
        variance = self.long_run_variance
        if variance is None:
            return None, None
        mean = self.total / self.count
        half = student_quantile(0.5 + level / 2.0, self.blocks - 1) * sqrt(variance)
        return mean - half, mean + half

    def state(self) -> list[float]:
        """Return it as numbers, for the journal."""
        blocks = [number for block, (total, count) in self._blocks.items() for number in (block, total, count)]
        sums = (self._sums, self._mixed, self._counts, self._latest, self._near_sum, self._near_count)
        return [self.count, self.total, self.squares, self.blocks, *sums, *blocks]

    @classmethod
    def from_state(cls, state: Sequence[float]) -> OverlapMean:
        """Return what `state` wrote."""
        made = cls()
        made.count, made.total, made.squares, made.blocks = int(state[0]), state[1], state[2], int(state[3])
        made._sums, made._mixed, made._counts = state[4:7]
        made._latest, made._near_sum, made._near_count = int(state[7]), state[8], state[9]
        rest = state[10:]
        made._blocks = {int(rest[n]): (rest[n + 1], int(rest[n + 2])) for n in range(0, len(rest), 3)}
        return made
