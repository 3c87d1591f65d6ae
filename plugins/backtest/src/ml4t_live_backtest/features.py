"""Feature functions: from a table of bars to signals, the same ones in a backtest and live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isinf, isnan
from typing import Any, TypeAlias

import polars as pl

from ml4t.live.errors import LiveError
from ml4t.live.plugins.reference import import_reference
from ml4t_live_backtest.config import ENGINEER
from ml4t_live_backtest.engineer import engineer_function

Function: TypeAlias = Callable[[pl.DataFrame], Any]
"""Takes the last bars of one asset (timestamp, open, high, low, close, volume), the newest last, and returns a column of as
many rows (a Series, an array, an expression), a number for the newest bar, or several of either by name."""

Value: TypeAlias = float | None
"""A signal: None where the function gave null or NaN, as it does before it has enough bars."""


class UnusableSignal(LiveError):
    """What a feature function returned is no signal."""


def load_functions(references: Mapping[str, str]) -> dict[str, Function]:
    """Return the functions of `[host.signals]` by the names of their signals.

    Raises ValueError that names every one that cannot be had, and why.
    """
    found: dict[str, Function] = {}
    problems = []
    for name, reference in references.items():
        try:
            found[name] = _load(name, reference)
        except Exception as error:  # noqa: BLE001 - importing somebody's module may raise anything
            problems.append(f"signals.{name} = {reference!r}: {error or repr(error)}")
    if problems:
        raise ValueError("; ".join(problems))
    return found


def _load(name: str, reference: str) -> Function:
    if reference.startswith(ENGINEER):
        return engineer_function(name, reference.removeprefix(ENGINEER))
    function = import_reference(reference)
    if not callable(function):
        raise TypeError(f"is a {type(function).__name__}; name a function that takes a table of bars")
    return function


def columns_of(name: str, function: Function, bars: pl.DataFrame) -> dict[str, pl.Series]:
    """Return what a function makes of bars, as columns by the names of the signals; a number is a column of one row.

    Several go by `name` and their own. Raises UnusableSignal for anything else, besides what the function itself raises.
    """
    result = function(bars)
    if isinstance(result, pl.Expr):
        result = bars.select(result)
    if isinstance(result, pl.DataFrame):
        own = [column for column in result.get_columns() if column.name not in bars.columns or result.width == 1]
        result = own[0] if len(own) == 1 else {column.name: column for column in own}
    if isinstance(result, pl.Series) and isinstance(result.dtype, pl.Struct):
        result = result.struct.unnest().to_dict()
    if not isinstance(result, Mapping):
        return {name: _column(result, bars)}
    if not result:
        raise UnusableSignal("returned no column besides those of the bars")
    if all(isinstance(each, pl.Expr) for each in result.values()):
        result = dict(bars.select(**result).to_dict())
    prefix = f"{name}_"
    return {(key if key.startswith(prefix) else prefix + key): _column(each, bars) for key, each in result.items()}


def _column(given: Any, bars: pl.DataFrame) -> pl.Series:
    column = _as_series(given)
    if len(column) not in {1, bars.height}:
        raise UnusableSignal(f"returned {len(column)} rows for {bars.height} bars: nobody knows which of them is the newest")
    if not (column.dtype.is_numeric() or column.dtype in {pl.Boolean, pl.Null}):
        raise UnusableSignal(f"returned a column of {column.dtype}; a signal is a number")
    return column


def _as_series(given: Any) -> pl.Series:
    if isinstance(given, pl.Series):
        return given
    if given is None or isinstance(given, int | float):
        return pl.Series([given], dtype=pl.Float64, strict=False)
    if not hasattr(given, "__array__"):
        raise UnusableSignal(f"returned {given!r:.80}; a signal is a number, or a column of them")
    return pl.Series(given if getattr(given, "ndim", 1) else [given.item()])


def last_values(name: str, function: Function, bars: pl.DataFrame) -> dict[str, Value]:
    """Return the signals of the newest bar. Raises as `columns_of`, and UnusableSignal for one that is infinite."""
    return {key: value_of(column[-1]) for key, column in columns_of(name, function, bars).items()}


def value_of(cell: Any) -> Value:
    """Return a cell of a column as a signal. Raises UnusableSignal when it is infinite."""
    if cell is None or isnan(cell):
        return None
    if isinf(cell):
        raise UnusableSignal("is infinite: it divides by zero somewhere")
    return float(cell)
