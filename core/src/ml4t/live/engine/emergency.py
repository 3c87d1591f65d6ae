"""Emptying the account when a limit is broken or somebody says so."""

from __future__ import annotations

from ml4t.live.engine.agenda import Agenda
from ml4t.live.model import OrderSide, OrderState, OrderType, TimeInForce
from ml4t.live.orders.desk import Desk
from ml4t.live.orders.identity import decision_id
from ml4t.live.orders.request import make_order
from ml4t.live.times import NANOS

AGAIN = 5 * NANOS
"""How long after an attempt to flatten the account is looked at again."""


class Flattener:
    """Cancels every order and closes every position, past the gate, and looks again until the books are empty."""

    def __init__(self, desk: Desk, agenda: Agenda, run: str) -> None:
        self._desk = desk
        self._agenda = agenda
        self._run = run
        self._busy = False

    def cancel_all(self) -> int:
        """Ask for the cancel of every open order; return how many there were."""
        return sum(self._desk.cancel(order.order_id) for order in list(self._desk.orders.open_orders))

    def flatten(self, why: str) -> None:
        """Begin to empty the account; again while it is under way changes nothing."""
        if self._busy:
            return
        self._busy = True
        self.cancel_all()
        self._attempt(why)

    def _attempt(self, why: str) -> None:
        desk = self._desk
        now = desk.now()
        for symbol in desk.portfolio.positions:
            quantity = desk.closing_quantity(symbol)
            if quantity:
                self._close(symbol, quantity, now, why)
        if not desk.portfolio.positions:
            self._busy = False
            return
        self._agenda.at(now + AGAIN, lambda _: self._attempt(why))

    def _close(self, symbol: str, quantity: float, now: int, why: str) -> None:
        order = make_order(
            decision_id(self._run, "flatten", symbol, now, 0),
            symbol,
            abs(quantity),
            OrderSide.BUY if quantity > 0 else OrderSide.SELL,
            OrderType.MARKET,
            limit_price=None,
            stop_price=None,
            trail_amount=None,
            time_in_force=TimeInForce.GTC,
            created_at=now,
            strategy="flatten",
            cause=why,
        )
        if order.state is OrderState.NEW:
            self._desk.force(order)
