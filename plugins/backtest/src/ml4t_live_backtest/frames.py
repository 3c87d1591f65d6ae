"""Bars in a table: read from a file, checked, and pushed through the pipeline in their own order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import polars as pl

from ml4t.live.cli.exits import Refused
from ml4t.live.clock import SystemClock
from ml4t.live.contracts.feed import Sink
from ml4t.live.model import Bar
from ml4t.live.times import NANOS

TIME, ASSET = "timestamp", "asset"
PRICES = ("open", "high", "low", "close")

_NAMES: Mapping[str, str] = {
    "date": TIME,
    "datetime": TIME,
    "time": TIME,
    "symbol": ASSET,
    "ticker": ASSET,
    "product": ASSET,
}
_BATCH = 1_000
"""Bars made at a time: no more than the engine takes in one turn, so that they are still in the cache when it does."""
_DAY = 86_400 * NANOS
_SHOWN = 5


class UnusableData(Refused):
    """A table that cannot be run in both engines: the text says which rows, and why."""


def read_frame(path: Path, *, assets: bool = True) -> pl.DataFrame:
    """Return the table of a CSV (also `.gz`) or Parquet file, with the columns `timestamp` and, for `assets`, `asset`.

    Raises UnusableData when it cannot be read, or has no such columns.
    """
    try:
        frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, try_parse_dates=True)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UnusableData(f"{path} cannot be read: {error}") from error
    return named(frame, str(path), assets=assets)


def named(frame: pl.DataFrame, what: str = "the data", *, assets: bool = True) -> pl.DataFrame:
    """Return a table with its columns in lower case, time and symbol under the names of the backtest.

    Raises UnusableData when there is no such column.
    """
    lower = {column: column.strip().lower() for column in frame.columns}
    known = set(lower.values())
    names = {column: name if _NAMES.get(name, name) in known else _NAMES.get(name, name) for column, name in lower.items()}
    renamed = frame.rename(names)
    needed = (TIME, ASSET) if assets else (TIME,)
    if missing := [name for name in needed if name not in renamed.columns]:
        raise UnusableData(f"{what} has no column {' and no '.join(missing)}; it has {', '.join(frame.columns)}")
    if renamed.schema[TIME] == pl.Date:  # the backtest asks its timestamps for their date
        renamed = renamed.with_columns(pl.col(TIME).cast(pl.Datetime("us")))
    if renamed.schema[TIME] == pl.String:
        raise UnusableData(f"{what}: the column {TIME} is text that is no time, such as {renamed[TIME][0]!r}; write ISO times")
    return renamed


def usable_bars(frame: pl.DataFrame) -> pl.DataFrame:
    """Return bars in order of time. Raises UnusableData that names the first rows that a live engine refuses."""
    if missing := [name for name in (*PRICES, "volume") if name not in frame.columns]:
        raise UnusableData(f"the bars have no {', '.join(missing)}; a bar has open, high, low, close and volume")
    bad = _bad_rows(frame)
    if bad.height:
        rows = "; ".join(str(row) for row in bad.head(_SHOWN).iter_rows())
        raise UnusableData(
            f"{bad.height} of {frame.height} rows are no bars that a live engine believes: prices have to be above zero, "
            f"with the open and the close between low and high, volume not below zero, one bar an asset and time. {rows}"
        )
    _refuse_repeated_hours(frame[TIME])
    frame = frame.with_columns(pl.col(*PRICES, "volume").cast(pl.Float64))  # whole numbers in a file are no other bars
    return frame if frame[TIME].is_sorted() else frame.sort(TIME, maintain_order=True)


def _refuse_repeated_hours(times: pl.Series) -> None:
    """Raise UnusableData when the clock of the data was set back: the backtest takes the second hour for the first."""
    zone = getattr(times.dtype, "time_zone", None)
    if zone in {None, "UTC"}:
        return
    moments_shown = times.unique()
    if moments_shown.dt.replace_time_zone(None).n_unique() < moments_shown.len():
        raise UnusableData(
            f"the clock of {zone} shows an hour twice in these times, and the backtest cannot tell the two apart; "
            'write the times in UTC, as in .dt.convert_time_zone("UTC")'
        )


def _bad_rows(frame: pl.DataFrame) -> pl.DataFrame:
    values = frame.select(*PRICES, "volume")
    finite = [values[name].cast(pl.Float64).is_finite() for name in values.columns]
    good = finite[0]
    for each in finite[1:]:
        good = good & each
    low, high = frame["low"], frame["high"]
    good = good & (low > 0) & (frame["volume"] >= 0) & frame.select(TIME, ASSET).is_unique()
    for name in ("open", "close"):
        good = good & (frame[name] >= low) & (frame[name] <= high)
    return frame.filter(~good.fill_null(value=False))


def moments(frame: pl.DataFrame) -> list[int]:
    """Return the times of a table in nanoseconds UTC; naive ones are taken for UTC."""
    return frame[TIME].dt.epoch("ns").to_list()


class FrameFeed:
    """Pushes the bars of a table, in order of time, as complete bars of a recording."""

    historical = True

    def __init__(self, frame: pl.DataFrame) -> None:
        self._columns = [frame[name].cast(pl.Float64).to_numpy() for name in (*PRICES, "volume")]
        self._moments = moments(frame)
        names = frame[ASSET].cast(pl.String)
        self.symbols: Sequence[str] = names.unique(maintain_order=True).to_list()
        self._numbers = names.cast(pl.Enum(self.symbols)).to_physical().to_numpy()
        self.interval = spacing(frame)

    async def run(self, sink: Sink) -> None:
        """Push every bar, in batches."""
        clock = SystemClock()
        for start in range(0, len(self._moments), _BATCH):
            sink.push_many(list(self._bars(start)))
            await sink.ready()
            await clock.sleep(0)

    def _bars(self, start: int) -> Iterator[Bar]:
        part = slice(start, start + _BATCH)
        columns = (column[part].tolist() for column in self._columns)
        symbols = map(self.symbols.__getitem__, self._numbers[part].tolist())
        return map(Bar, symbols, self._moments[part], *columns, repeat(self.interval))


def spacing(frame: pl.DataFrame) -> int:
    """Return the length of the bars in nanoseconds: none may reach past the start of the next."""
    shortest: Any = frame[TIME].unique().sort().dt.epoch("ns").diff().min()
    return _DAY if shortest is None else int(shortest)


class Stamps:
    """Gives a moment the very timestamp that it has in a table: naive or not, in its zone, or a date."""

    def __init__(self, frame: pl.DataFrame) -> None:
        times = frame[TIME].unique().sort()
        self._known = dict(zip(times.dt.epoch("ns").to_list(), times.to_list(), strict=True))

    def __call__(self, moment: int) -> Any:
        """Return the timestamp of a time in nanoseconds UTC."""
        return self._known[moment]
