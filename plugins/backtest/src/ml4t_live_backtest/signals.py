"""Signals for a backtest from the very functions that make them live, and the check that both are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isclose
from typing import Any

import polars as pl

from ml4t_live_backtest.bars import COLUMNS
from ml4t_live_backtest.features import Function, UnusableSignal, Value, columns_of, last_values, value_of
from ml4t_live_backtest.frames import ASSET, TIME, UnusableData, named

HISTORY = 500
"""Bars that a function gets, as `[host] history`."""

TOLERANCE = 1e-9
"""How far two values of a signal may be apart, relative: sums over many bars are rounded on the way."""


def signals_frame(bars: pl.DataFrame, functions: Mapping[str, Function], *, history: int = HISTORY) -> pl.DataFrame:
    """Return the table of signals (timestamp, asset, a column for each) that a backtest of these bars takes.

    Each value is what the function makes of the bars of its asset up to then, the last `history` of them: as live, bar by
    bar. Raises UnusableSignal that names the bar at which a function fails, UnusableData for a table that has no bars.
    """
    parts = []
    for asset, own in _by_asset(bars):
        columns: dict[str, list[Value]] = {}
        for name, function in functions.items():
            rolling = [_values(name, function, asset, _window(own, row, history)) for row in range(own.height)]
            for key in dict.fromkeys(key for each in rolling for key in each):
                columns[key] = [each.get(key) for each in rolling]
        made = [pl.Series(key, values, dtype=pl.Float64) for key, values in columns.items()]
        parts.append(pl.DataFrame([own[TIME], pl.Series(ASSET, [asset] * own.height), *made]))
    return pl.concat(parts, how="diagonal").sort(TIME, maintain_order=True)


def check_signals(bars: pl.DataFrame, functions: Mapping[str, Function], *, history: int = HISTORY) -> list[str]:
    """Return what is wrong with functions, one sentence each that names the first bar at which it shows; none when all is well.

    A function that looks ahead gives another column for the whole table than bar by bar; one that needs more than `history`
    bars gives other values with all of the bars before. Raises as `signals_frame`.
    """
    problems: list[str] = []
    for name, function in functions.items():
        found = (_first_problem(name, function, asset, own, history) for asset, own in _by_asset(bars))
        problems.extend(problem for problem in [next(filter(None, found), "")] if problem)
    return problems


def _first_problem(name: str, function: Function, asset: str, bars: pl.DataFrame, history: int) -> str:
    whole = _whole(name, function, bars)
    for row in range(bars.height) if whole else _where_it_matters(bars.height, history):
        live = _values(name, function, asset, _window(bars, row, history))
        over_all = {key: value_of(column[row]) for key, column in whole.items()}
        if whole and _same(over_all, live):
            continue
        before = _values(name, function, asset, bars.head(row + 1))
        where = f"at {asset} {bars[TIME][row]} it is"
        if not _same(live, before):
            return (
                f"{name} needs more than {history} bars: {where} {_told(live, before)} over the last {history} bars, and "
                f"{_told(before, live)} over all before; write a larger history"
            )
        if whole and not _same(over_all, before):
            return (
                f"{name} looks ahead: {where} {_told(over_all, before)} when what comes after is in the table, and "
                f"{_told(before, over_all)} when it is not"
            )
    return ""


def _where_it_matters(height: int, history: int) -> Sequence[int]:
    """Return the rows at which a function that gives no columns is looked at: it sees nothing but what came before."""
    return sorted({row for row in (history, 2 * history, height - 1) if history <= row < height})


def _whole(name: str, function: Function, bars: pl.DataFrame) -> dict[str, pl.Series]:
    """Return the columns for a whole table; none of a function that gives a number for the newest bar."""
    columns = columns_of(name, function, bars)
    return {key: column for key, column in columns.items() if len(column) == bars.height > 1}


def _values(name: str, function: Function, asset: str, bars: pl.DataFrame) -> dict[str, Value]:
    try:
        return last_values(name, function, bars)
    except Exception as error:
        raise UnusableSignal(f"{name} fails at {asset} {bars[TIME][-1]}: {type(error).__name__}: {error}") from error


def _window(bars: pl.DataFrame, row: int, history: int) -> pl.DataFrame:
    first = max(0, row + 1 - history)
    return bars.slice(first, row + 1 - first)


def _by_asset(bars: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    table = named(bars)
    if missing := [column for column in COLUMNS if column not in table.columns]:
        raise UnusableData(f"the bars have no {', '.join(missing)}; a bar has open, high, low, close and volume")
    floats = table.cast(dict.fromkeys(COLUMNS[1:], pl.Float64))
    for (asset,), own in floats.sort(TIME, maintain_order=True).group_by([ASSET], maintain_order=True):
        yield str(asset), own.select(COLUMNS)


def _same(one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    return one.keys() == other.keys() and all(_close(value, other[key]) for key, value in one.items())


def _close(one: Value, other: Value) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE * TOLERANCE)


def _told(values: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Return in words what differs from `other`."""
    differing = {key: value for key, value in values.items() if key not in other or not _close(value, other[key])}
    return ", ".join(str(value) for value in differing.values()) or "nothing"
