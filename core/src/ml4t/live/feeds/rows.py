"""Rows of a recording: numbers that have been looked at."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from ml4t.live.feeds.columns import Columns, find_columns
from ml4t.live.feeds.problem import RecordingError
from ml4t.live.feeds.replay_config import ReplayConfig
from ml4t.live.feeds.stamps import StampReader
from ml4t.live.feeds.tables import BROKEN, Table, open_table

Row = tuple[Any, ...]
"""Time in nanoseconds UTC, symbol, then the floats: open, high, low, close, volume of a bar; price, size of a trade."""

Stamp = Callable[[Any], int]
Who = Callable[[Any], str | None]

_SHOWN = 5
_BAD = (ValueError, TypeError, KeyError, IndexError, OverflowError, msgspec.DecodeError)


class RowReader:
    """Reads the rows of one file from its beginning each time it is iterated.

    Only the configured symbols come out. A row that cannot be true (no time, no finite price above zero, high below low,
    negative volume) is bad; `skipped` counts the bad rows of the last reading, and `problems` tells the first of them.
    """

    def __init__(self, config: ReplayConfig) -> None:
        self.config = config
        self.kind = "bar"
        self.skipped = 0
        self.problems: list[str] = []

    def __iter__(self) -> Iterator[Row]:
        """Yield rows in the order of the file. Raises `RecordingError` at the end of the file, or after five bad rows."""
        config = self.config
        self.skipped, self.problems = 0, []
        with open_table(config.path, config.timezone) as table:
            columns = find_columns(table.names, where=str(config.path), kind=config.kind, renamed=config.columns)
            self.kind = columns.kind
            decode = _decoder(table, columns, config)
            rows, pick = table.read(columns.in_order())
            try:
                for raw in rows:
                    try:
                        row = decode(pick(raw))
                    except _BAD as problem:
                        self._note(table.where(), problem)
                    else:
                        if row is not None:
                            yield row
            except BROKEN as error:
                raise RecordingError(f"{config.path} breaks off after {table.where()}: {error}; get the file again") from error
        if self.problems and config.on_bad_row == "error":
            self._refuse()

    def _note(self, where: str, problem: Exception) -> None:
        self.skipped += 1
        if len(self.problems) < _SHOWN:
            self.problems.append(f"{where}: {_reason(problem)}")
        elif self.config.on_bad_row == "error":
            self._refuse()

    def _refuse(self) -> None:
        more = " (and more)" if self.skipped > _SHOWN else ""
        raise RecordingError(
            f"{self.config.path} has bad rows{more}:\n"
            + "\n".join(f"  {problem}" for problem in self.problems)
            + '\nMend the file, or leave such rows out with on_bad_row = "skip".'
        )


def _reason(problem: Exception) -> str:
    if isinstance(problem, (KeyError, IndexError)):
        return "a column is missing"
    if isinstance(problem, TypeError):
        return "a value is missing"
    return str(problem)


def _decoder(table: Table, columns: Columns, config: ReplayConfig) -> Callable[[Sequence[Any]], Row | None]:
    """Return what makes a row of the picked columns; it returns None for a row of no interest, raises for a bad one."""
    who: Who = _Symbols(config.symbols).__getitem__
    if "symbol" not in columns.names:
        if len(config.symbols) != 1:
            raise RecordingError(
                f'{config.path}: no column for the symbol; name the one symbol it is about, as in symbols = ["AAPL"], '
                'or the column, as in columns = { "their name" = "symbol" }'
            )
        who = partial(_always, config.symbols[0])
    if config.adjust and "adj_close" not in columns.names:
        raise RecordingError(
            f"{config.path}: adjust = true needs a column of adjusted closes of bars; "
            'name it, as in columns = { "their name" = "adj_close" }, or leave adjust out'
        )
    stamp = int if table.holds_times(columns.names["time"]) else StampReader(config.timezone)
    if columns.kind == "bar":
        return _bars(stamp, who, volumes="volume" in columns.names, adjust=config.adjust)
    return _trades(stamp, who, sizes="size" in columns.names)


class _Symbols(dict[Any, str | None]):
    """The symbol for what a file has in its place, None when nobody asked for it; each is worked out once."""

    def __init__(self, wanted: Collection[str]) -> None:
        super().__init__()
        self._wanted = frozenset(wanted)

    def __missing__(self, value: Any) -> str | None:
        symbol = "" if value is None else str(value)
        if not symbol:
            raise ValueError("no symbol")
        self[value] = symbol if not self._wanted or symbol in self._wanted else None
        return self[value]


def _always(symbol: str, _: Any) -> str:
    return symbol


def _bars(stamp: Stamp, who: Who, *, volumes: bool, adjust: bool) -> Callable[[Sequence[Any]], Row | None]:
    infinity = math.inf

    def decode(fields: Sequence[Any]) -> Row | None:
        when, symbol, open_, high, low, close, volume, adjusted = fields
        symbol = who(symbol)
        if symbol is None:
            return None
        open_, high, low, close = float(open_), float(high), float(low), float(close)
        volume = float(volume) if volumes else 0.0
        # Written so that a NaN fails too.
        if not (
            0.0 < low <= high < infinity and 0.0 < open_ < infinity and 0.0 < close < infinity and 0.0 <= volume < infinity
        ):
            raise ValueError(_why_not(open_, high, low, close, volume))
        if adjust:
            adjusted = _price("adjusted close", adjusted)
            factor = adjusted / close
            # What equals the close has to go on doing so: a high below the close by a rounding is no bar.
            open_, high, low = (adjusted if price == close else price * factor for price in (open_, high, low))
            return stamp(when), symbol, open_, high, low, adjusted, volume / factor
        return stamp(when), symbol, open_, high, low, close, volume

    return decode


def _why_not(open_: float, high: float, low: float, close: float, volume: float) -> str:
    for name, price in (("open", open_), ("high", high), ("low", low), ("close", close)):
        if not 0.0 < price < math.inf:
            return f"{name} = {price} is not a price"
    if high < low:
        return f"high = {high} is below low = {low}"
    return f"volume = {volume} is not a volume"


def _price(name: str, value: Any) -> float:
    price = float(value)
    if not 0.0 < price < math.inf:
        raise ValueError(f"{name} = {price} is not a price")
    return price


def _trades(stamp: Stamp, who: Who, *, sizes: bool) -> Callable[[Sequence[Any]], Row | None]:
    infinity = math.inf

    def decode(fields: Sequence[Any]) -> Row | None:
        when, symbol, price, size = fields
        symbol = who(symbol)
        if symbol is None:
            return None
        price = float(price)
        size = float(size) if sizes else 0.0
        if not 0.0 < price < infinity:
            raise ValueError(f"price = {price} is not a price")
        if not 0.0 <= size < infinity:
            raise ValueError(f"size = {size} is not a size")
        return stamp(when), symbol, price, size

    return decode
