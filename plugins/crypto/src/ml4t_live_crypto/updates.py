"""What ccxt says of orders and executions, as the framework's updates, fills and orders."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ml4t.live.contracts import OrderUpdate
from ml4t.live.model import Fill, Order, OrderSide, OrderState, OrderType, Terms, TimeInForce
from ml4t_live_crypto.markets import Listing
from ml4t_live_crypto.times import from_millis

Row = Mapping[str, Any]

STATES: Mapping[str | None, OrderState] = MappingProxyType(
    {
        "closed": OrderState.FILLED,
        "canceled": OrderState.CANCELLED,
        "expired": OrderState.EXPIRED,
        "rejected": OrderState.REJECTED,
    }
)
"""By ccxt's status. One that is not here counts as working, and as exposure."""
_TIMES = {"IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_SLACK = 1e-9


def update_of(row: Row, listing: Listing, order_id: str, *, terms: bool = False) -> OrderUpdate:
    """Return how an order stands, with its terms when they were asked for."""
    return OrderUpdate(
        order_id=order_id,
        state=_state(row),
        time=_time(row, "lastUpdateTimestamp", "lastTradeTimestamp", "timestamp"),
        venue_order_id=str(row["id"]),
        filled_quantity=None if row.get("filled") is None else listing.units(row["filled"], 0.0),
        terms=terms_of(row, listing) if terms else None,
    )


def terms_of(row: Row, listing: Listing) -> Terms:
    """Return the quantity and the prices that an order has."""
    stop = row.get("triggerPrice") or None
    return Terms(listing.units(row.get("amount"), 0.0), row.get("price") if _is_limit(row) else None, stop)


def order_of(row: Row, listing: Listing, order_id: str) -> Order:
    """Return a working order as one of the framework's; `order_id` is empty for one of somebody else's."""
    terms, filled = terms_of(row, listing), listing.units(row.get("filled"), 0.0)
    limited, stopped = terms.limit_price is not None, terms.stop_price is not None
    return Order(
        order_id=order_id,
        symbol=listing.symbol,
        side=OrderSide(row["side"]),
        quantity=terms.quantity,
        order_type=_KINDS[limited, stopped],
        limit_price=terms.limit_price,
        stop_price=terms.stop_price,
        time_in_force=_TIMES.get(row.get("timeInForce") or "", TimeInForce.GTC),
        created_at=_time(row, "timestamp"),
        state=_state(row),
        venue_order_id=str(row["id"]),
        filled_quantity=filled,
        updated_at=_time(row, "lastUpdateTimestamp", "timestamp"),
    )


def fill_of(row: Row, listing: Listing, order_id: str, account: str, *, sign: int = 1) -> Fill | None:
    """Return the execution that a trade of ccxt's is, None when nothing traded; `sign` is that of a fee that was paid.

    Exchanges number trades by symbol, and some on both sides alike, so that of the order belongs to it.
    """
    if not row.get("amount"):
        return None
    price = float(row["price"])
    trade = row["id"] or f"{row['timestamp']}-{row['amount']}-{price}"
    return Fill(
        execution_id=f"{row['order']}-{trade}",
        order_id=order_id,
        symbol=listing.symbol,
        side=OrderSide(row["side"]),
        quantity=listing.units(row["amount"], price),
        price=price,
        time=from_millis(row["timestamp"]),
        commission=_commission(row, listing, price) * sign,
        venue=listing.instrument.venue,
        account=account,
        venue_order_id=str(row["order"]),
    )


_KINDS = {
    (False, False): OrderType.MARKET,
    (True, False): OrderType.LIMIT,
    (False, True): OrderType.STOP,
    (True, True): OrderType.STOP_LIMIT,
}
"""By whether an order has a limit price and a stop price."""


def _state(row: Row) -> OrderState:
    state = STATES.get(row.get("status"))
    filled, amount = float(row.get("filled") or 0.0), float(row.get("amount") or 0.0)
    if state is OrderState.FILLED and filled < amount * (1 - _SLACK):
        return OrderState.CANCELLED
    if state is not None:
        return state
    return OrderState.PARTIALLY_FILLED if filled else OrderState.WORKING


def _is_limit(row: Row) -> bool:
    return "limit" in str(row.get("type") or "") or (row.get("type") != "market" and bool(row.get("price")))


def _commission(row: Row, listing: Listing, price: float) -> float:
    """Return the fee in the quote currency. One in a third currency is left at 0, as one that is not known."""
    fees = row.get("fees") or [row.get("fee") or {}]
    cost = 0.0
    for fee in fees:
        paid = float(fee.get("cost") or 0.0)
        if fee.get("currency") == listing.base:
            cost += paid * price
        elif fee.get("currency") == listing.instrument.currency:
            cost += paid
    return cost


def _time(row: Row, *names: str) -> int:
    millis = next((row[name] for name in names if row.get(name)), None)
    return time.time_ns() if millis is None else from_millis(millis)
