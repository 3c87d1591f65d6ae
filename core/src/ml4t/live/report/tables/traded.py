"""What was traded, symbol by symbol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ml4t.live.report.table import Table, table
from ml4t.live.report.trades import Traded, totals
from ml4t.live.report.words import NOTHING, money, plural, price, quantity

COLUMNS = ("symbol", "orders", "fills", "bought", "sold", "turnover", "commission", "realised P&L", "position", "at")
NUMBERS = "orders fills bought sold turnover commission realised_P&L position at"


def traded_table(lines: Sequence[Traded], orders: Mapping[str, int]) -> Table:
    """Return the table, with the sums in its last row; `orders` counts the orders by state."""
    states = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in orders.items())
    title = f"What was traded: {plural(sum(orders.values()), 'order')}"
    title += f" ({states})" if states else ""
    reasons = any(line.reason for line in lines)
    columns = (*COLUMNS, "last reason") if reasons else COLUMNS
    rows = [row if reasons else row[:-1] for row in _rows(lines)]
    return table(title, columns, rows, numbers=NUMBERS, has_total=True, empty=title)


def _rows(lines: Sequence[Traded]) -> Iterator[tuple[str, ...]]:
    for line in lines:
        yield (
            line.symbol,
            str(line.orders),
            str(line.fills),
            quantity(line.bought),
            quantity(line.sold),
            money(line.turnover),
            money(line.commission),
            money(line.realised_pnl),
            quantity(line.position),
            price(line.average_price),
            line.reason or NOTHING,
        )
    if lines:
        sums = totals(lines)
        orders = str(sum(line.orders for line in lines))
        paid = (money(sums["turnover"]), money(sums["commission"]), money(sums["realised_pnl"]))
        yield "all", orders, str(sums["fills"]), "", "", *paid, "", "", ""
