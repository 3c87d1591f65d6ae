"""What the simulated exchange has taken and traded, in the framework's words and under our ids."""

from __future__ import annotations

from ml4t.live.model import Fill, Order, OrderSide, OrderState, OrderType, TimeInForce
from ml4t_live_crypto.simulator.orders import Execution, VenueOrder
from ml4t_live_crypto.times import from_millis

_STATES = {
    "NEW": OrderState.WORKING,
    "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED,
    "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELLED,
    "EXPIRED": OrderState.EXPIRED,
}
_KINDS = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT,
    "STOP_LOSS": OrderType.STOP,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
}
_TIMES = {"IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}


def order_of(order: VenueOrder) -> Order:
    """Return an order as its client should have it."""
    return Order(
        order_id=order.client_id,
        symbol=order.pair.id,
        side=OrderSide(order.side.lower()),
        quantity=float(order.quantity),
        order_type=_KINDS[order.kind],
        limit_price=None if order.price is None else float(order.price),
        stop_price=None if order.stop is None else float(order.stop),
        time_in_force=_TIMES.get(order.within, TimeInForce.GTC),
        created_at=from_millis(order.created),
        state=_STATES[order.status],
        venue_order_id=str(order.id),
        filled_quantity=float(order.filled),
        average_price=float(order.paid / order.filled) if order.filled else None,
        updated_at=from_millis(order.updated),
    )


def fill_of(execution: Execution) -> Fill:
    """Return an execution as its client should have it."""
    order = execution.order
    return Fill(
        execution_id=execution.name,
        order_id=order.client_id,
        symbol=order.pair.id,
        side=OrderSide(order.side.lower()),
        quantity=float(execution.quantity),
        price=float(execution.price),
        time=from_millis(execution.time),
        venue="binance",
        venue_order_id=str(order.id),
    )
