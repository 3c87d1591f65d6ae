"""What the simulated exchange has taken and traded, in the framework's words and under our ids."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from ml4t.live.model import Fill, Order, OrderSide, OrderState, OrderType, TimeInForce
from ml4t_live_okx.pairs import leg_of, orders_of
from ml4t_live_okx.simulator.algo import AT_MARKET, VenueAlgo
from ml4t_live_okx.simulator.algos import Algos
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

    def __init__(self, exchange: Exchange, algos: Algos) -> None:
        self._exchange = exchange
        self._algos = algos

    def orders(self) -> Sequence[Order]:
        """Return every order ever taken, with our id and where it stands."""
        orders = self._exchange.orders.values()
        sent = [_order(order) for order in orders if not order.algo_id]  # what a trigger made is the order that waited for it
        waited = [_waiting(algo) for algo in self._algos.all.values()]
        return [*sent, *waited, *(exit_ for order in orders for exit_ in _exits(order))]

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
        order_id=_name(order),
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


def _waiting(algo: VenueAlgo) -> Order:
    """Return an algo order as what it is to its client: a stop, with what the order that it made has traded."""
    made, contract = algo.order, algo.listed.contract
    states = {"canceled": OrderState.CANCELLED, "order_failed": OrderState.REJECTED}
    at_market, trailing = algo.stop_price == AT_MARKET, algo.spread is not None
    kind = OrderType.STOP if at_market else OrderType.STOP_LIMIT
    return Order(
        order_id=leg_of(algo.client_id, is_limit=False),
        symbol=algo.listed.id,
        side=OrderSide(algo.side),
        quantity=float(algo.size * contract),
        order_type=OrderType.TRAILING_STOP if trailing else kind,
        limit_price=None if at_market else float(algo.stop_price),
        stop_price=None if trailing or algo.stop is None else float(algo.stop),
        trail_amount=float(algo.spread) if algo.spread is not None else None,
        created_at=from_millis(algo.created),
        state=_STATES[made.state] if made else states.get(algo.state, OrderState.WORKING),
        venue_order_id=made.id if made else algo.id,
        filled_quantity=float(made.filled * contract) if made else 0.0,
        updated_at=from_millis(algo.updated),
    )


def _exits(entry: VenueOrder) -> list[Order]:
    """Return the exits of an entry that has not traded: they are part of it, and go with it."""
    both = [orders_of(each.get("attachAlgoClOrdId", "")) for each in entry.attached]
    made = _order(entry)
    side = OrderSide.SELL if made.side is OrderSide.BUY else OrderSide.BUY
    return [evolve(made, order_id=name, side=side) for names in both for name in names or ()]


def _name(order: VenueOrder) -> str:
    """Return our id of an order; of one that an algo order has made, that of the algo order."""
    return order.client_id or leg_of(order.algo_client_id, is_limit=bool(order.linked_algo))


def _fill(execution: Execution) -> Fill:
    order = execution.order
    return Fill(
        execution_id=execution.name,
        order_id=_name(order),
        symbol=order.listed.id,
        side=OrderSide(order.side),
        quantity=float(execution.size * order.listed.contract),
        price=float(execution.price),
        time=from_millis(execution.time),
        venue="okx",
        account=UID,
        venue_order_id=order.id,
    )
