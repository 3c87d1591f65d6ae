"""`orders`: what was ordered, and how it stands."""

from __future__ import annotations

from typing import Annotated, Any

import attrs
import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.state import open_journal
from ml4t.live.model import Order
from ml4t.live.report.summary import iso
from ml4t.live.report.words import NOTHING, moment, price, quantity

app = typer.Typer(add_completion=False)

Open = Annotated[bool, typer.Option("--open", help="Only those that may still trade.")]
Symbol = Annotated[str | None, typer.Option("--symbol", metavar="SYMBOL", help="Only those of one symbol.")]

COLUMNS = ("time", "order", "symbol", "side", "quantity", "type", "state", "filled", "price", "why")


@app.command(epilog="Example: ml4t-live orders --state-dir state/momentum --symbol AAPL --limit 20")
def orders(
    state_dir: options.StateDir = None,
    open_only: Open = False,
    symbol: Symbol = None,
    limit: options.Limit = 50,
    mode: options.Mode = None,
    as_json: options.Json = False,
) -> None:
    """List orders, the newest last, refused ones included."""
    with open_journal(state_dir, mode) as journal:
        found = journal.orders(open_only=open_only, symbol=symbol, limit=limit)
    if as_json:
        output.data([as_dict(order) for order in found])
        return
    title = f"{len(found)} {'open ' if open_only else ''}orders" + (f" of {symbol}" if symbol else "")
    output.show(output.table(title, COLUMNS, map(_row, found), numbers="quantity filled price"))


def as_dict(order: Order) -> dict[str, Any]:
    """Return an order as plain values; times are ISO 8601."""
    return attrs.asdict(order) | {"created_at": iso(order.created_at), "updated_at": iso(order.updated_at)}


def _row(order: Order) -> tuple[str, ...]:
    return (
        moment(order.created_at),
        order.order_id,
        order.symbol,
        order.side.value,
        quantity(order.quantity),
        order.order_type.value.replace("_", " "),
        order.state.value.replace("_", " "),
        quantity(order.filled_quantity),
        price(order.average_price),
        f"{order.code}: {order.reason}" if order.code else order.reason or order.cause or NOTHING,
    )
