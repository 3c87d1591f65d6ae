"""Where two runs differ first."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from math import isclose
from typing import Any

from attrs import frozen

from ml4t_live_backtest.trace import Call

RELATIVE = 1e-9
"""How far our own books may be from those of the backtest, which add up in another order."""

NOTHING = "nothing"


@frozen
class Run:
    """What one engine did."""

    calls: Sequence[Call]
    orders: Sequence[Any]
    fills: Sequence[Any]
    trades: Sequence[Any]
    positions: dict[str, Any]
    equity: Sequence[tuple[Any, float]]


@frozen
class Divergence:
    """One thing that is not the same: what, the how-manieth, when, and both sides in words."""

    what: str
    index: int
    timestamp: Any
    backtest: str
    live: str


def first_divergence(backtest: Run, live: Run) -> Divergence | None:
    """Return the earliest difference, None when there is none; everything is compared to the last bit."""
    found = [each for each in _differences(backtest, live) if each is not None]
    timed = [each for each in found if each.timestamp is not None]
    return min(timed, key=lambda each: each.timestamp) if timed else next(iter(found), None)


def _differences(backtest: Run, live: Run) -> Iterator[Divergence | None]:
    yield _first("callback", backtest.calls, live.calls, lambda call: call.timestamp)
    yield _first("order", backtest.orders, live.orders, lambda order: order.created_at)
    yield _first("fill", backtest.fills, live.fills, lambda fill: fill.timestamp)
    yield _first("trade", backtest.trades, live.trades, lambda trade: trade.exit_time)
    yield _first("equity", backtest.equity, live.equity, lambda point: point[0])
    mine, theirs = sorted(backtest.positions.items()), sorted(live.positions.items())
    yield _first("position", mine, theirs, lambda _: None)


def _first(what: str, backtest: Sequence[Any], live: Sequence[Any], when: Callable[[Any], Any]) -> Divergence | None:
    for index, (one, other) in enumerate(zip_longest(backtest, live)):
        if one != other and _plain(one) != _plain(other):
            times = [time for each in (one, other) if each is not None and (time := when(each)) is not None]
            return Divergence(what, index, min(times) if times else None, *_in_words(one, other))
    return None


def _plain(thing: Any) -> Any:
    """Return a record of the backtest as plain values; enumerations by name, so that nothing is equal by accident."""
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return {each.name: _plain(getattr(thing, each.name)) for each in dataclasses.fields(thing)}
    if isinstance(thing, Call):  # its digest is not in its text
        return [thing.name, repr(thing.timestamp), thing.digest]
    if isinstance(thing, tuple | list):
        return [_plain(each) for each in thing]
    if isinstance(thing, dict):
        return {key: _plain(value) for key, value in thing.items()}
    return repr(thing)


def _in_words(one: Any, other: Any) -> tuple[str, str]:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return repr(one), repr(other)
    mine, theirs = _plain(one), _plain(other)
    if not (isinstance(mine, dict) and isinstance(theirs, dict)):
        return (NOTHING if one is None else str(one)), (NOTHING if other is None else str(other))
    differing = [key for key in mine if mine[key] != theirs.get(key)]
    shown = [key for key in ("asset", "symbol", "order_id", "side", "quantity") if key in mine and key not in differing]
    return tuple(", ".join(f"{key}={side.get(key)}" for key in (*shown, *differing)) for side in (mine, theirs))  # type: ignore[return-value]


def books_differ(what: str, ours: float, theirs: float) -> str:
    """Return in words that our own books are not those of the backtest, empty when they are."""
    if isclose(ours, theirs, rel_tol=RELATIVE, abs_tol=RELATIVE):
        return ""
    return f"{what} is {ours!r} in the books of the live engine, and {theirs!r} in the backtest"
