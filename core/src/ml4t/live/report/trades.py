"""What was traded, added up fill by fill."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import define

from ml4t.live.model import Fill
from ml4t.live.portfolio import Portfolio


@define
class Traded:
    """The sums of one symbol. `realised_pnl` is before commissions, as positions state it."""

    symbol: str
    orders: int = 0
    fills: int = 0
    bought: float = 0.0
    sold: float = 0.0
    turnover: float = 0.0
    commission: float = 0.0
    realised_pnl: float = 0.0
    position: float = 0.0
    average_price: float | None = None
    reason: str = ""
    """What led to its latest order that traded, in the strategy's or trigger's words; empty when nobody said."""


def add_up(fills: Iterable[Fill]) -> dict[str, Traded]:
    """Return the sums by symbol, in the order in which the symbols first traded."""
    books = Portfolio()
    sums: dict[str, Traded] = {}
    for fill in fills:
        line = sums.setdefault(fill.symbol, Traded(fill.symbol))
        position = books.apply(fill)
        line.fills += 1
        line.bought += max(fill.signed_quantity, 0.0)
        line.sold += max(-fill.signed_quantity, 0.0)
        line.turnover += fill.quantity * fill.price
        line.commission += fill.commission
        line.realised_pnl = position.realised_pnl
        line.position = position.quantity
        line.average_price = position.average_price if position.quantity else None
    return sums


def totals(lines: Iterable[Traded]) -> dict[str, Any]:
    """Return the sums over all symbols."""
    lines = list(lines)
    return {
        "fills": sum(line.fills for line in lines),
        "turnover": sum(line.turnover for line in lines),
        "commission": sum(line.commission for line in lines),
        "realised_pnl": sum(line.realised_pnl for line in lines),
    }
