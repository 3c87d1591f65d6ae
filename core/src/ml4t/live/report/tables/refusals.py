"""What the risk checks refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml4t.live.model import OrderState
from ml4t.live.report.table import Table, table
from ml4t.live.report.words import NOTHING, plural

COLUMNS = ("check", "code", "count", "the latest, for example")


def refusals_table(lines: Sequence[Mapping[str, Any]], orders: Mapping[str, int]) -> Table:
    """Return the table, the check that refused most first; `orders` counts the orders by state."""
    by_venue = orders.get(OrderState.REJECTED, 0)
    empty = "No check refused an order" + (f" ({by_venue} rejected by the venue)" if by_venue else "")
    title = f"What the checks refused: {plural(sum(line['count'] for line in lines), 'order')}"
    rows = ((line["check"] or NOTHING, line["code"], f"{line['count']:,}", line["example"]) for line in lines)
    return table(title, COLUMNS, rows, numbers="count", empty=empty)
