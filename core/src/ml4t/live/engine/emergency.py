"""Stopping all orders, and emptying the account, when a limit is broken or somebody says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ml4t.live.engine.agenda import Agenda
from ml4t.live.engine.control import Command, carry_out, flatten_key
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
        if command.action == "resume":
            state += self._go_on(command)
        try:
            self._record(RecordKind.KILL_SWITCH, command.scope or "all", body, state=state, on_durable=done)
        finally:  # orders are withdrawn whether the disk likes it or not
            self.withdraw()
            if command.empties:
                self._flattener.flatten(command.reason, command.symbol)

    def _go_on(self, command: Command) -> list[StatePut]:
        """Let what was stopped go on; return what changes in the journal besides the switch."""
        if command.scope:
            return self._flattener.stop(command.symbol) if command.symbol else []
        if self._must_flatten() and self._flattener.busy:
            return []  # a broken limit that is still emptying the account stands until it is empty
        return [*self._flattener.stop(), *self._rearm()]

    def withdraw(self) -> None:
        """While a switch is on, ask for the cancel of every open order that it stops until none is left."""
        self._round += 1
        self._withdraw(self._now(), self._round)

    def _withdraw(self, now: int, number: int) -> None:
        if not self._switch.any_on or number != self._round:
            return
        if self._flattener.cancel_others(lambda order: self._switch.stopping(order) is not None):
            self._agenda.at(now + AGAIN, partial(self._withdraw, number=number))


class Flattener:
    """Cancels every order and closes every position, past the gate, and looks again until the books are empty."""

    def __init__(self, desk: Desk, agenda: Agenda, connection: Connection, record: Recorder, run: str) -> None:
        self._desk = desk
        self._agenda = agenda
        self._connection = connection
        self._record = record
        self._run = run
        self._round = 0
        self.busy = False
        """True from `flatten` until the books are empty, or `stop`."""
        self._symbols: set[str] = set()
        """The symbols to be emptied; none: all of them."""
        self.wanted = ""
        """Why an earlier run wanted the account empty; `go_on` begins with it."""
        self.wanted_symbols: dict[str, str] = {}
        """The symbols that an earlier run wanted empty, and why."""

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
        if self.busy and (not self._symbols or symbol in self._symbols):
            return
        everything = not symbol or self.wanted  # an earlier run wanted all of it
        self._symbols = set() if everything else {*self._symbols, symbol}
        self.busy = True
        self.wanted = ""
        self._round += 1
        self._attempt(why, self._round)

    def go_on(self) -> None:
        """Begin with what an earlier run has not finished."""
        symbols, self.wanted_symbols = self.wanted_symbols, {}
        if self.wanted:
            self.flatten(self.wanted)
        for symbol, why in symbols.items():
            self.flatten(why, symbol)

    def stop(self, symbol: str = "") -> list[StatePut]:
        """Leave the account, or one symbol, as it is, but for closing orders that were sent; return what is to be forgotten."""
        if symbol:
            self.wanted_symbols.pop(symbol, None)
            self._symbols.discard(symbol)
            self.busy = self.busy and bool(self._symbols)
            return [StatePut("risk", flatten_key(symbol), None)]
        forget = ["", *self._symbols, *self.wanted_symbols]
        self.busy, self._symbols, self.wanted, self.wanted_symbols = False, set(), "", {}
        return [StatePut("risk", flatten_key(each), None) for each in forget]

    def _attempt(self, why: str, number: int) -> None:
        desk = self._desk
        if not self.busy or number != self._round:
            return
        self.cancel_others(lambda order: self._is_meant(order.symbol))
        now = desk.now()
        if self._connection.ready:
            held = [symbol for symbol in desk.portfolio.positions if self._is_meant(symbol)]
            for symbol in held:
                quantity = desk.closing_quantity(symbol)
                if quantity:
                    self._close(symbol, quantity, now, why)
            if not any(self._is_meant(symbol) for symbol in desk.portfolio.positions):
                self._done(why)
                return
        self._agenda.at(now + AGAIN, lambda _: self._attempt(why, number))

    def _is_meant(self, symbol: str) -> bool:
        return not self._symbols or symbol in self._symbols

    def _done(self, why: str) -> None:
        body: dict[str, object] = {"state": "empty", "why": why}
        if self._symbols:
            body["symbols"] = sorted(self._symbols)
        done = [StatePut("risk", flatten_key(symbol), None) for symbol in self._symbols or {""}]
        self.busy, self._symbols = False, set()
        self._record(RecordKind.HEALTH, FLATTEN, body, state=done)

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
