"""What Yahoo's charts say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from ml4t.live.model import Bar
from ml4t.live.times import NANOS, to_datetime, to_nanoseconds

SOURCE = "yfinance"
SECONDS: Mapping[str, int] = {"1m": 60, "2m": 120, "5m": 300, "15m": 900, "30m": 1_800, "60m": 3_600}
Numbers = tuple[float, float, float, float, float]
_COLUMNS = ("open", "high", "low", "close", "volume")


def bars(said: Any, symbol: str, interval: str) -> list[Bar]:
    """Return the bars of a chart, oldest first; one that Yahoo does not yet know the end of says that it is not complete.

    Raises ValueError, KeyError or TypeError for what is no chart.
    """
    [result] = said["chart"]["result"]
    times: Sequence[int] = result.get("timestamp") or ()
    if not times:
        return []
    [quote] = result["indicators"]["quote"]
    rows = zip(times, *(quote[name] for name in _COLUMNS), strict=True)
    meta = result["meta"]
    # Values of many exchanges are delayed: by our clock a bar may be over that Yahoo has only the beginning of.
    known_until = max(int(meta["regularMarketTime"]), int(times[-1]))
    if interval == "1d":
        return list(_days(rows, symbol, ZoneInfo(meta["exchangeTimezoneName"])))
    return list(_intraday(rows, symbol, SECONDS[interval], known_until))


def _intraday(rows: Iterable[tuple[Any, ...]], symbol: str, seconds: int, known_until: int) -> Iterator[Bar]:
    grid: int | None = None  # an hour may begin at half past nine
    for time, *given in rows:
        grid = time % seconds if grid is None else grid
        # The row of the running bar has the time of its last trade, and after the close that of the closing auction.
        if time % seconds == grid and (numbers := _numbers(given)) is not None:
            complete = time + seconds <= known_until
            yield _bar(symbol, time * NANOS, numbers, seconds * NANOS, complete=complete)


def _days(rows: Iterable[tuple[Any, ...]], symbol: str, there: ZoneInfo) -> Iterator[Bar]:
    for time, *given in rows:
        local = to_datetime(time * NANOS).astimezone(there)
        midnight = datetime(local.year, local.month, local.day, tzinfo=there)
        start, end = to_nanoseconds(midnight), to_nanoseconds(midnight + timedelta(days=1))
        if (numbers := _numbers(given)) is not None:
            yield _bar(symbol, start, numbers, end - start)


def _bar(symbol: str, start: int, numbers: Numbers, interval: int, *, complete: bool = True) -> Bar:
    first, high, low, last, volume = numbers
    return Bar(symbol, start, first, high, low, last, volume, interval=interval, complete=complete, source=SOURCE)


def _numbers(given: Sequence[Any]) -> Numbers | None:
    """Return the numbers of a row; None when nothing was traded. Raises ValueError for what is no price."""
    if None in given[:4]:
        return None
    first, high, low, last, volume = (float(value or 0.0) for value in given)
    if not all(map(isfinite, (first, high, low, last, volume))) or min(first, high, low, last) <= 0.0:
        raise ValueError("a row has numbers that are no prices")
    return first, high, low, last, volume
