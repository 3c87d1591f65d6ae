"""The last bars of one asset, as columns that grow in place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import polars as pl

from ml4t.live.model import Bar
from ml4t.live.times import to_nanoseconds

TIME = "timestamp"
VALUES = ("open", "high", "low", "close", "volume")
COLUMNS = (TIME, *VALUES)
"""The columns of the table that a feature function gets."""


class Stamps:
    """Turns moments into a column of the timestamps that the strategy sees: see `HostConfig.timestamps`."""

    def __init__(self, stamp: Callable[[int], datetime]) -> None:
        self._stamp = stamp
        zone = stamp(0).tzinfo
        self._type = pl.Datetime("us", None if zone is None else str(zone))

    def number(self, moment: int) -> int:
        """Return a moment (nanoseconds UTC) as microseconds: of the wall clock where timestamps are naive."""
        stamped = self._stamp(moment)
        return to_nanoseconds(stamped if stamped.tzinfo is not None else stamped.replace(tzinfo=UTC)) // 1_000

    def column(self, numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pl.Series:
        """Return the column of such numbers."""
        return pl.Series(TIME, numbers).cast(self._type)


class BarHistory:
    """The last `length` bars of one asset. Adding one costs nothing that grows with `length`, a table of them a copy.

    The columns have room for twice as many, and begin anew at the front when it is used up.
    """

    __slots__ = ("_end", "_length", "_stamps", "_times", "_values", "until")

    def __init__(self, length: int, stamps: Stamps) -> None:
        self._length = length
        self._stamps = stamps
        self._times = np.empty(2 * length, dtype=np.int64)
        self._values = np.empty((len(VALUES), 2 * length))
        self._end = 0
        self.until = -1
        """When the newest bar begins (nanoseconds UTC), -1 before the first."""

    def add(self, bar: Bar) -> None:
        """Take a bar that comes after those before it."""
        if self._end == 2 * self._length:
            kept = self._length - 1
            self._times[:kept] = self._times[-kept:]
            self._values[:, :kept] = self._values[:, -kept:]
            self._end = kept
        self._times[self._end] = self._stamps.number(bar.event_time)
        self._values[:, self._end] = bar.open, bar.high, bar.low, bar.close, bar.volume
        self._end += 1
        self.until = bar.event_time

    def table(self) -> pl.DataFrame:
        """Return the bars, oldest first, as a table that what comes later does not change."""
        part = slice(max(0, self._end - self._length), self._end)
        columns = [pl.Series(name, values[part]) for name, values in zip(VALUES, self._values, strict=True)]
        return pl.DataFrame([self._stamps.column(self._times[part]), *columns])
