"""The latest orders that traded, one by one."""

from __future__ import annotations

from collections.abc import Sequence

from ml4t.live.model import Order
from ml4t.live.report.table import Table, table
from ml4t.live.report.words import NOTHING, moment, price, quantity

COLUMNS = ("time", "order", "symbol", "side", "quantity", "price", "state", "why")


def latest_table(orders: Sequence[Order]) -> Table:
    """Return the table, the newest order last."""
    rows = (
        (
            moment(order.created_at),
            order.order_id,
            order.symbol,
            order.side.value,
            quantity(order.filled_quantity),
            price(order.average_price),
            order.state.value.replace("_", " "),
            order.cause or order.strategy or NOTHING,
        )
        for order in orders
    )
    return table("The latest that traded", COLUMNS, rows, numbers="quantity price", empty="No order has traded")
