"""Orders in the framework's words and in IB's, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import ib_async
from ib_async.util import UNSET_DOUBLE

from ml4t.live.errors import BrokerRefused
from ml4t.live.model import Order, OrderSide, OrderState, OrderType, Terms, TimeInForce
from ml4t_live_ib.rules import Rules

TYPES: Mapping[OrderType, str] = MappingProxyType(
    {
        OrderType.MARKET: "MKT",
        OrderType.LIMIT: "LMT",
        OrderType.STOP: "STP",
        OrderType.STOP_LIMIT: "STP LMT",
        OrderType.TRAILING_STOP: "TRAIL",
        OrderType.MOC: "MOC",
    }
)
"""IB's names of the order types."""

TIMES_IN_FORCE: Mapping[TimeInForce, str] = MappingProxyType({each: each.value.upper() for each in TimeInForce})
"""IB's names of the times in force."""

REDUCE_THE_OTHERS = 2
"""IB's kind of one-cancels-all group in which a fill of one takes as much from the others, without overfilling any."""

_TYPES_BACK = {name: kind for kind, name in TYPES.items()}
_TIMES_BACK = {name: time for time, name in TIMES_IN_FORCE.items()}
_LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_STOPPED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})

STATES: Mapping[str, OrderState] = MappingProxyType(
    {
        "": OrderState.UNKNOWN,
        "PendingSubmit": OrderState.UNKNOWN,
        "ApiPending": OrderState.UNKNOWN,
        "PreSubmitted": OrderState.WORKING,
        "Submitted": OrderState.WORKING,
        "PendingCancel": OrderState.WORKING,
        "Filled": OrderState.FILLED,
        "Cancelled": OrderState.CANCELLED,
        "ApiCancelled": OrderState.CANCELLED,
        "Inactive": OrderState.REJECTED,
    }
)
"""What IB's order states mean. Pending: TWS has the order, and no venue has answered. One that is not listed ends nothing."""


def state_of(status: str, filled: float) -> OrderState:
    """Return the state that an `orderStatus` means, for an order of which so much has traded."""
    state = STATES.get(status, OrderState.WORKING)
    if not filled:
        return state
    if state is OrderState.REJECTED:
        return OrderState.CANCELLED  # what has traded was not refused
    return OrderState.WORKING if state is OrderState.UNKNOWN else state


def rounded(order: Order, rules: Rules) -> Order:
    """Return the order with its size and prices on the grid of its instrument, towards less risk.

    Raises BrokerRefused when nothing is left of its size.
    """
    side = order.side
    limit = order.limit_price if order.order_type in _LIMITED else None
    stop = order.stop_price if order.order_type is not OrderType.LIMIT else None
    trail = order.trail_amount
    return order.changed(
        quantity=rules.quantity(order.quantity),
        limit_price=None if limit is None else rules.limit(limit, side),
        stop_price=None if stop is None else rules.stop(stop, side),
        trail_amount=None if trail is None else rules.trail(trail, stop),
    )


def to_ib(order: Order, *, account: str, outside_rth: bool) -> ib_async.Order:
    """Return what IB is sent for an order that is `rounded`. Raises BrokerRefused for one that lacks a price."""
    for name, wanted in (("limit_price", _LIMITED), ("stop_price", _STOPPED), ("trail_amount", {OrderType.TRAILING_STOP})):
        if order.order_type in wanted and getattr(order, name) is None:
            raise BrokerRefused(f"a {order.order_type.value} order needs a {name}", code="incomplete")
    trailing = order.order_type is OrderType.TRAILING_STOP
    auxiliary = order.trail_amount if trailing else order.stop_price
    on_close = order.order_type is OrderType.MOC
    return ib_async.Order(
        action="BUY" if order.side is OrderSide.BUY else "SELL",
        totalQuantity=order.quantity,
        orderType=TYPES[order.order_type],
        lmtPrice=UNSET_DOUBLE if order.limit_price is None else order.limit_price,
        auxPrice=UNSET_DOUBLE if auxiliary is None or on_close else auxiliary,
        trailStopPrice=order.stop_price if trailing and order.stop_price is not None else UNSET_DOUBLE,
        # IB refuses an order on the close (113) that is for more than the day.
        tif="DAY" if on_close else TIMES_IN_FORCE[order.time_in_force],
        orderRef=order.order_id,
        account=account,
        outsideRth=outside_rth,
        ocaGroup=order.oco_group,
        ocaType=REDUCE_THE_OTHERS if order.oco_group else 0,
        transmit=True,
    )


def terms_of(order: ib_async.Order) -> Terms:
    """Return the terms of an order as IB tells them."""
    kind = _TYPES_BACK.get(order.orderType, OrderType.MARKET)
    return Terms(
        quantity=float(order.totalQuantity),
        limit_price=_price(order.lmtPrice) if kind in _LIMITED else None,
        stop_price=_price(order.auxPrice) if kind in _STOPPED else None,
        trail_amount=_price(order.auxPrice) if kind is OrderType.TRAILING_STOP else None,
    )


def from_ib(order: ib_async.Order, symbol: str, *, status: str, filled: float) -> Order:
    """Return an order that IB tells of. One of a type that the framework has no word for reads as a market order."""
    terms = terms_of(order)
    return Order(
        order_id=order.orderRef,
        symbol=symbol,
        side=OrderSide.BUY if order.action == "BUY" else OrderSide.SELL,
        quantity=terms.quantity,
        order_type=_TYPES_BACK.get(order.orderType, OrderType.MARKET),
        limit_price=terms.limit_price,
        stop_price=terms.stop_price,
        trail_amount=terms.trail_amount,
        time_in_force=_TIMES_BACK.get(order.tif, TimeInForce.DAY),
        state=OrderState.PARTIALLY_FILLED if filled else state_of(status, filled),
        venue_order_id=str(order.permId or ""),
        filled_quantity=filled,
        oco_group=order.ocaGroup,
    )


def _price(price: object) -> float | None:
    number = float(str(price)) if price is not None else UNSET_DOUBLE
    return None if number == UNSET_DOUBLE else number
