"""What a conformance run tells a venue, and asks of its books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml4t.live.model import Fill, Order, OrderSide, OrderState, OrderType, TimeInForce
from ml4t_live_ib.simulator.control.server import Server
from ml4t_live_ib.simulator.venue import order as simulated
from ml4t_live_ib.simulator.venue.contract import Contract

_TYPES = {
    "MKT": OrderType.MARKET,
    "LMT": OrderType.LIMIT,
    "STP": OrderType.STOP,
    "STP LMT": OrderType.STOP_LIMIT,
    "TRAIL": OrderType.TRAILING_STOP,
    "MOC": OrderType.MOC,
    "LOC": OrderType.MOC,
    "MIT": OrderType.STOP,
}
_STATES = {"Filled": OrderState.FILLED, "Cancelled": OrderState.CANCELLED}


class VenueControls(Server):
    """The venue of `ml4t.live.testing.rig.VenueControl`. Orders are named by their `orderRef`."""

    @property
    def requests(self) -> int:
        """How many requests to place, modify or cancel an order have arrived."""
        return self._call(lambda: self._tws.orders.requests)

    def price(self, symbol: str, price: float) -> None:
        """Let the market be there: market orders trade at it, resting orders when it touches them."""
        self._call(lambda: self._tws.market.price(self._contract(symbol), price))

    def hold(self, on: bool) -> None:
        """While it is on, orders are acknowledged and trade only by `execute`."""
        self._call(lambda: setattr(self._tws.book, "hold", on))

    def execute(self, order_id: str, quantity: float, price: float, *, commission: float | None = 0.0) -> str:
        """Trade that much of an order; return the execution's id. None: the fee comes later, with `charge`.

        Raises ValueError when there is no such open order, or less of it is left.
        """
        return self._call(lambda: self._tws.book.execute(self._open(order_id), quantity, price, commission).exec_id)

    def charge(self, execution_id: str, commission: float) -> None:
        """Send the fee of an execution."""
        self._call(lambda: self._tws.book.charge(execution_id, commission))

    def repeat(self, execution_id: str) -> None:
        """Send an execution again, as it was."""
        self._call(lambda: self._tws.orders.executed(self._tws.book.executions[execution_id]))

    def correct(self, execution_id: str, price: float) -> None:
        """Send a correction of an execution: the same id with the next revision, and this price."""
        self._call(lambda: self._tws.book.correct(execution_id, price))

    def execute_before_acknowledging(self) -> None:
        """Execute the next order whole, and tell of it before it is acknowledged."""
        self._call(lambda: setattr(self._tws.faults, "next_executed_first", True))

    def reject_next(self, reason: str) -> None:
        """Turn the next order away for this reason, with error 201."""
        self._call(lambda: setattr(self._tws.faults, "next_rejected", reason))

    def lose_next_answer(self) -> None:
        """Take the next order, and send no answer and no news of it on this connection; questions are answered."""
        self._call(lambda: setattr(self._tws.faults, "next_unanswered", True))

    def lose_next_request(self) -> None:
        """Swallow the next order as if it had never arrived."""
        self._call(lambda: setattr(self._tws.faults, "next_lost", True))

    def sync_partially(self, on: bool) -> None:
        """Leave the question for positions unanswered, or without its end, which a client cannot tell apart."""
        self._call(lambda: self._set_partial(on))

    def _set_partial(self, on: bool) -> None:
        if on:
            self._tws.faults.without_end.add("reqPositions")
        else:
            self._tws.faults.without_end.clear()

    # --- the books

    def orders(self) -> Sequence[Order]:
        """Return every order ever taken, with our id and where it stands; what was turned away was not taken."""
        return self._call(lambda: [_as_order(order) for order in self._tws.book.orders.values()])

    def fills(self) -> Sequence[Fill]:
        """Return what has traded, every execution once and as corrected."""
        return self._call(lambda: [_as_fill(execution) for execution in self._tws.book.fills()])

    def positions(self) -> Mapping[str, float]:
        """Return what all accounts hold, by symbol."""
        return self._call(self._positions)

    def _positions(self) -> dict[str, float]:
        held: dict[str, float] = {}
        for account in self._tws.accounts.values():
            for holding in account.open_holdings:
                held[holding.contract.name] = held.get(holding.contract.name, 0.0) + holding.quantity
        return held

    def cash(self) -> float:
        """Return the cash of the first account, in USD."""
        return self._call(lambda: next(iter(self._tws.accounts.values())).cash)

    def _contract(self, symbol: str) -> Contract:
        contract = self._tws.universe.named(symbol)
        if contract is None:
            raise ValueError(f"the simulator has no {symbol}; add it with prices")
        return contract

    def _open(self, order_id: str) -> simulated.Order:
        found = [order for order in self._tws.book.open_orders() if order.ref == order_id]
        if not found:
            raise ValueError(f"there is no open order {order_id}")
        return found[-1]


def _as_order(order: simulated.Order) -> Order:
    state = _STATES.get(order.status)
    if state is None:
        state = OrderState.PARTIALLY_FILLED if order.filled else OrderState.WORKING
    terms, trails = order.terms, order.kind == "TRAIL"
    return Order(
        order.ref,
        order.contract.name,
        OrderSide.BUY if order.sign > 0 else OrderSide.SELL,
        terms["totalQuantity"],
        _TYPES[order.kind],
        limit_price=terms["lmtPrice"] if "LMT" in order.kind else None,
        stop_price=terms["auxPrice"] if "STP" in order.kind else None,
        trail_amount=terms["auxPrice"] if trails else None,
        time_in_force=TimeInForce(terms["tif"].lower()),
        state=state,
        venue_order_id=str(order.perm_id),
        filled_quantity=order.filled,
        average_price=order.average or None,
        reason=order.reason,
        parent_id=order.parent.ref if order.parent else "",
        oco_group=order.oca_group,
    )


def _as_fill(execution: simulated.Execution) -> Fill:
    order = execution.order
    return Fill(
        execution.exec_id,
        order.ref,
        order.contract.name,
        OrderSide.BUY if order.sign > 0 else OrderSide.SELL,
        execution.quantity,
        execution.price,
        execution.time,
        commission=execution.commission or 0.0,
        account=order.account,
        venue_order_id=str(order.perm_id),
        corrects=execution.corrects,
    )
