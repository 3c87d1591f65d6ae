"""What the simulated exchange has taken and traded, in the framework's words and under our ids."""

from __future__ import annotations

from collections.abc import Sequence

from ml4t.live.model import Fill, Order, OrderSide, OrderState, OrderType, TimeInForce
from ml4t_live_okx.simulator.books import UID
from ml4t_live_okx.simulator.exchange import Exchange
from ml4t_live_okx.simulator.instruments import ZERO
from ml4t_live_okx.simulator.orders import Execution, VenueOrder
from ml4t_live_okx.times import from_millis

_STATES = {
    "live": OrderState.WORKING,
    "partially_filled": OrderState.PARTIALLY_FILLED,
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELLED,
}
_TIMES = {"ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}


class Statement:
    """The books of an exchange as its client should have them: quantities are in coins."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def orders(self) -> Sequence[Order]:
        """Return every order ever taken, with our id and where it stands."""
        return [_order(order) for order in self._exchange.orders.values()]

    def fills(self) -> Sequence[Fill]:
        """Return what has traded, every execution once."""
        return [_fill(each) for each in self._exchange.books.executions.values()]

    def positions(self) -> dict[str, float]:
        """Return what is held, by symbol: coins as the pair that buys them, and contracts, long and short ones as one."""
        books = self._exchange.books
        held = {f"{coin}-USDT": balance for coin, balance in books.balances.items() if coin != "USDT" and balance}
        for each in books.positions.values():
            held[each.listed.id] = held.get(each.listed.id, ZERO) + each.units
        return {symbol: float(units) for symbol, units in held.items() if units}

    def cash(self) -> float:
        """Return the money of the account, as if what contracts are worth had been paid for them."""
        books = self._exchange.books
        return float(books.balances["USDT"] - sum(each.units * each.average for each in books.positions.values()))


def _order(order: VenueOrder) -> Order:
    return Order(
        order_id=order.client_id,
        symbol=order.listed.id,
        side=OrderSide(order.side),
        quantity=float(order.size * order.listed.contract),
        order_type=OrderType.MARKET if order.price is None else OrderType.LIMIT,
        limit_price=None if order.price is None else float(order.price),
        time_in_force=_TIMES.get(order.kind, TimeInForce.GTC),
        created_at=from_millis(order.created),
        state=_STATES[order.state],
        venue_order_id=order.id,
        filled_quantity=float(order.filled * order.listed.contract),
        average_price=float(order.paid / order.filled) if order.filled else None,
        commission=-float(order.fee),
        updated_at=from_millis(order.updated),
    )


def _fill(execution: Execution) -> Fill:
    order = execution.order
    return Fill(
        execution_id=execution.name,
        order_id=order.client_id,
        symbol=order.listed.id,
        side=OrderSide(order.side),
        quantity=float(execution.size * order.listed.contract),
        price=float(execution.price),
        time=from_millis(execution.time),
        venue="okx",
        account=UID,
        venue_order_id=order.id,
    )
