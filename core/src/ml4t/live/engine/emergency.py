"""Stopping all orders, and emptying the account, when a limit is broken or somebody says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from attrs import frozen

from ml4t.live.engine.agenda import Agenda
from ml4t.live.engine.control import Command, carry_out, flattening
from ml4t.live.journal import RecordKind, StatePut
from ml4t.live.model import Order, OrderSide, OrderState, OrderType, TimeInForce
from ml4t.live.orders.desk import Desk
from ml4t.live.orders.identity import decision_id
from ml4t.live.orders.ports import Recorder
from ml4t.live.orders.request import make_order
from ml4t.live.risk.switch import Connection, Switch
from ml4t.live.times import NANOS

AGAIN = 5 * NANOS
"""How long after an attempt the account is looked at again."""

FLATTEN = "flatten"
"""The strategy that orders which empty the account carry."""


class Emergency:
    """Obeys kill, resume and flatten: journalled first, then done, and done again until the venue has confirmed it."""

    def __init__(
        self,
        switch: Switch,
        flattener: Flattener,
        agenda: Agenda,
        record: Recorder,
        now: Callable[[], int],
        must_flatten: Callable[[], bool],
        rearm: Callable[[], Sequence[StatePut]],
    ) -> None:
        self._switch = switch
        self._flattener = flattener
        self._agenda = agenda
        self._record = record
        self._now = now
        self._must_flatten = must_flatten
        self._rearm = rearm
        self._round = 0

    def obey(self, command: Command, done: Callable[[], None] | None = None) -> None:
        """Carry out a command; `done` is called when its record is on disk. Raises JournalError when it cannot be written."""
        body, state = carry_out(command, self._switch, self._now())
        if command.action == "resume" and command.symbol:
            self._flattener.stop(command.symbol)
        if command.action == "resume" and not command.scope:
            if not self._must_flatten():
                self._flattener.stop()
            if "" not in self._flattener.emptying:  # a broken limit that is still emptying the account stands until it is empty
                state += self._rearm()
        try:
            self._record(RecordKind.KILL_SWITCH, command.scope or "all", body, state=state, on_durable=done)
        finally:  # orders are withdrawn whether the disk likes it or not
            self.withdraw()
            if command.empties:
                self._flattener.flatten(command.reason, command.symbol)

    def withdraw(self) -> None:
        """While a switch is on, ask for the cancel of every open order that it stops until none is left."""
        self._round += 1
        self._withdraw(self._now(), self._round)

    def _withdraw(self, now: int, number: int) -> None:
        if not self._switch.any_on or number != self._round:
            return
        if self._flattener.cancel_others(lambda order: self._switch.stopping(order) is not None):
            self._agenda.at(now + AGAIN, partial(self._withdraw, number=number))


@frozen(eq=False)
class _Emptying:
    """A symbol that is being emptied, or with none the account, and why; every one is another, whatever is in it."""

    why: str
    symbol: str

    def means(self, symbol: str) -> bool:
        return self.symbol in {"", symbol}


class Flattener:
    """Cancels every order and closes every position, past the gate, and looks again until the books are empty."""

    def __init__(self, desk: Desk, agenda: Agenda, connection: Connection, record: Recorder, run: str) -> None:
        self._desk = desk
        self._agenda = agenda
        self._connection = connection
        self._record = record
        self._run = run
        self.emptying: dict[str, _Emptying] = {}
        """What is being emptied, by symbol, "" being the account: from `flatten` until it is empty, or `stop`."""
        self.wanted: dict[str, str] = {}
        """What an earlier run wanted empty, in the same way, and why; `go_on` begins with it."""

    @property
    def busy(self) -> bool:
        """True while anything is being emptied."""
        return bool(self.emptying)

    def cancel_others(self, meant: Callable[[Order], bool]) -> int:
        """Ask for the cancel of the open orders that are meant and do not empty the account; return how many there are.

        What cannot be asked for, because the venue is not connected, is left for the next time.
        """
        orders = [order for order in self._desk.orders.open_orders if order.strategy != FLATTEN and meant(order)]
        for order in orders:
            if self._connection.ready or order.state is OrderState.INTENT:
                self._desk.cancel(order.order_id)
        return len(orders)

    def flatten(self, why: str, symbol: str = "") -> None:
        """Begin to empty the account, or one symbol; what is under way already goes on."""
        self.wanted.pop(symbol, None)
        if symbol not in self.emptying:
            emptying = self.emptying[symbol] = _Emptying(why, symbol)
            self._attempt(emptying)

    def go_on(self) -> None:
        """Begin with what an earlier run has not finished."""
        for symbol, why in list(self.wanted.items()):
            self.flatten(why, symbol)

    def stop(self, symbol: str = "") -> None:
        """Leave the account, or a symbol, as it is. Closing orders that have been sent stay."""
        self.emptying.pop(symbol, None)
        self.wanted.pop(symbol, None)

    def _attempt(self, emptying: _Emptying) -> None:
        if self.emptying.get(emptying.symbol) is not emptying:  # it was stopped, or begun again
            return
        self.cancel_others(lambda order: emptying.means(order.symbol))
        now = self._desk.now()
        if self._connection.ready:
            for symbol in self._held(emptying):
                quantity = self._desk.closing_quantity(symbol)
                if quantity:
                    self._close(symbol, quantity, now, emptying.why)
            if not self._held(emptying):
                self._done(emptying)
                return
        self._agenda.at(now + AGAIN, lambda _: self._attempt(emptying))

    def _held(self, emptying: _Emptying) -> list[str]:
        return [symbol for symbol in self._desk.portfolio.positions if emptying.means(symbol)]

    def _done(self, emptying: _Emptying) -> None:
        del self.emptying[emptying.symbol]
        body = {"state": "empty", "why": emptying.why} | ({"symbol": emptying.symbol} if emptying.symbol else {})
        self._record(RecordKind.HEALTH, FLATTEN, body, state=(flattening(emptying.symbol, None),))

    def _close(self, symbol: str, quantity: float, now: int, why: str) -> None:
        order = make_order(
            decision_id(self._run, FLATTEN, symbol, now, 0),
            symbol,
            abs(quantity),
            OrderSide.BUY if quantity > 0 else OrderSide.SELL,
            OrderType.MARKET,
            limit_price=None,
            stop_price=None,
            trail_amount=None,
            time_in_force=TimeInForce.GTC,
            created_at=now,
            strategy=FLATTEN,
            cause=why,
        )
        if order.state is OrderState.NEW:
            self._desk.force(order)
