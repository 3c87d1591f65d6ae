"""The desk: the one way from a decision to the venue, and back from what the venue says to the books."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isfinite
from typing import Any, Protocol

from attrs import asdict

from ml4t.live.clock import Clock
from ml4t.live.contracts.broker import BrokerCapabilities, OrderUpdate
from ml4t.live.errors import JournalError
from ml4t.live.journal import RecordKind, StatePut
from ml4t.live.model import ALLOW, Account, Fill, Order, OrderSide, OrderState, Position, Terms, Verdict
from ml4t.live.orders.amend import AMEND_REFUSED, CannotAmend, amended_terms
from ml4t.live.orders.book import OrderBook
from ml4t.live.orders.executions import Executions, Key, completed, effective, key_of
from ml4t.live.orders.states import DUST, settled, with_fill, with_update, without_fill
from ml4t.live.portfolio import Portfolio
from ml4t.live.risk.books import Books
from ml4t.live.risk.gate import RiskGate
from ml4t.live.risk.latches import Latches
from ml4t.live.risk.loss import LossWatch
from ml4t.live.risk.tallies import line_key

JOURNAL_FAILED = "journal_failed"


class Executor(Protocol):
    """What carries orders to a venue; it answers through the desk's `order`, `fill` and `account`."""

    capabilities: BrokerCapabilities

    def submit(self, order: Order) -> None:
        """Send an order whose intent is durable."""
        ...

    def cancel(self, order: Order) -> None:
        """Ask for a cancel."""
        ...

    def replace(self, order: Order) -> None:
        """Ask for the terms of `order.amendment`, which is durable."""
        ...


class Recorder(Protocol):
    """Writes to the journal and tells the observers."""

    def __call__(
        self,
        kind: RecordKind,
        subject: str,
        body: object,
        *,
        state: Sequence[StatePut] = (),
        on_durable: Callable[[], None] | None = None,
    ) -> int:
        """Append a record; `on_durable` is called once it is as safe as configured."""
        ...


class Desk:
    """Our orders and holdings, and every rule between a decision and the wire.

    Plain and synchronous: it may be called from the loop's thread and from a strategy's own, one caller at a time
    (`lock`). An order is checked, counted and journalled before it leaves, and a refusal leaves nothing behind but its
    record. What cannot be journalled is not sent.
    """

    def __init__(
        self,
        *,
        gate: RiskGate,
        books: Books,
        losses: LossWatch,
        clock: Clock,
        record: Recorder,
        on_loop: Callable[[Callable[[], None]], None],
        find_fill: Callable[[Key], Fill | None],
    ) -> None:
        self.lock = threading.RLock()
        self.books = books
        self.orders: OrderBook = books.orders
        self.portfolio: Portfolio = books.portfolio
        self.executor: Executor | None = None
        self.on_breach: Callable[[str], None] | None = None
        self.latches: Latches | None = None
        self.on_latch: Callable[[str, str], None] | None = None
        """Called with the scope that a latch stops, and why."""
        self.gate = gate
        self._losses = losses
        self._clock = clock
        self._record = record
        self._on_loop = on_loop
        self._executions = Executions(find_fill)
        self._latest = 0
        self.touched: dict[str, int] = {}
        """Per symbol, when (monotonic) one of its orders or its position changed last."""

    # ------------------------------------------------------------------ decisions

    def now(self) -> int:
        """Return the time of a decision: never earlier than the one before, so that no window of time reopens."""
        self._latest = max(self._latest, self._clock.now())
        return self._latest

    def submit(self, order: Order) -> Order:
        """Take an order through the gate and, once its intent is durable, to the venue; return it as it stands.

        The same `order_id` again is the same order: nothing is sent twice.
        """
        with self.lock:
            known = self.orders.get(order.order_id)
            if known is not None:
                return known
            if order.state is OrderState.REJECTED:  # the request itself made no sense
                return self._reject(order, Verdict(False, order.code, order.reason, check="request"))
            refusal = self._unsupported(order)
            if refusal is not None:
                return self._reject(order, refusal)
            self.books.now = order.created_at
            verdict = self.gate.check(order, self.books)
            if not verdict.allowed:
                return self._reject(order, verdict)
            return self._intend(order)

    def force(self, order: Order) -> Order:
        """Send an order past the gate: only for emptying the account in an emergency."""
        with self.lock:
            return self.orders.get(order.order_id) or self._intend(order)

    def cancel(self, order_id: str) -> bool:
        """Ask for a cancel; return False when there is no such open order."""
        with self.lock:
            order = self.orders.get(order_id)
            if order is None or not order.is_open:
                return False
            if order.state is OrderState.INTENT:  # still on its way to the disk: it never leaves
                self.order(OrderUpdate(order_id, OrderState.CANCELLED, self.now(), reason="cancelled before it was sent"))
            else:
                self.books.tallies.message(self.now())
                self._on_loop(partial(self._cancel, order))
            return True

    def amend(self, order_id: str, **changes: float | None) -> Verdict:
        """Ask the venue for other terms of a working order (quantity, limit_price, stop_price, trail_amount).

        The gate judges the order as it would be, in place of the one that works; a refusal leaves that one as it is. Until
        the venue has answered, the larger of both counts as exposure.
        """
        with self.lock:
            order = self.orders.get(order_id)
            if order is None:
                return _venue("no_such_order", f"there is no order {order_id}")
            try:
                terms = amended_terms(order, **changes)
            except CannotAmend as error:
                verdict = Verdict(False, error.code, str(error), check="request")
            else:
                if terms in {order.terms, order.amendment}:
                    return ALLOW
                verdict = self._judge_amended(order, terms)
                if verdict.allowed:
                    return self._amend(order, terms)
            self._record(RecordKind.VERDICT, order_id, verdict)
            return verdict

    def closing_quantity(self, symbol: str) -> float:
        """Return the signed quantity that would bring the position to zero after the orders that already close it."""
        with self.lock:
            held = self.portfolio.quantity(symbol)
            buying, selling = self.orders.working(symbol)
            left = abs(held) - (selling if held > 0 else buying)
            if left <= abs(held) * DUST:
                return 0.0
            return -left if held > 0 else left

    # ------------------------------------------------------------------ what the venue says

    def order(self, update: OrderUpdate) -> None:
        """Book a change of an order."""
        with self.lock:
            order = self.orders.get(update.order_id)
            changed = with_update(order, update) if order is not None else None
            if changed is not None:
                self._put(changed)

    def fill(self, fill: Fill, *, missed: bool = False) -> None:
        """Book an execution, once and for ever; one without an id or finite numbers becomes an error record.

        `missed` says that a comparison of the books found it, and tells of it.
        """
        with self.lock:
            problem = _fill_problem(fill)
            if problem:
                self._record(
                    RecordKind.ERROR, fill.order_id, {"what": "a fill that cannot be booked", "why": problem, "fill": fill}
                )
                return
            booked = self._booked(fill)
            if booked is None:
                self._book(fill, self._executions.corrected(fill), missed=missed)
            elif (whole := completed(booked, fill)) is not None:
                self._book(whole, booked)

    def knows(self, fill: Fill) -> bool:
        """True when an execution has been booked, and nothing about it is new."""
        booked = self._executions.find(key_of(fill))
        return booked is not None and completed(booked, fill) is None

    def doubt(self, why: str) -> None:
        """Make UNKNOWN every order that may have left before the process ended: it is asked about, and never sent again."""
        with self.lock:
            for order in self.orders.open_orders:
                if order.state in {OrderState.INTENT, OrderState.SENT}:
                    self.order(OrderUpdate(order.order_id, OrderState.UNKNOWN, self._clock.now(), reason=why))

    def settle(self, order_id: str, terms: Terms, why: str) -> None:
        """Book the terms that an open order certainly has at the venue: its amendment is made, or given up for `why`."""
        with self.lock:
            order = self.orders.get(order_id)
            if order is None or not order.is_open:
                return
            changed = settled(order, terms)
            if changed is not order:
                said = {} if terms == order.amendment else {"code": AMEND_REFUSED, "reason": why}
                self._put(changed.changed(updated_at=self._clock.now(), **said))

    def reopen(self, order_id: str, why: str) -> None:
        """Count an order again that was taken to have ended and works at the venue."""
        with self.lock:
            order = self.orders.get(order_id)
            if order is not None and not order.is_open:
                state = OrderState.PARTIALLY_FILLED if order.filled_quantity else OrderState.WORKING
                self._put(order.changed(state=state, updated_at=self._clock.now(), code="", reason=why))

    def account(self, account: Account) -> None:
        """Note what the venue says of the balances."""
        self.books.account = account
        self._record(RecordKind.ACCOUNT, account.account, account)

    def deposited(self, amount: float) -> None:
        """Leave money that came from outside out of the loss limits' account."""
        self._losses.deposited(amount)

    def mark(self, symbol: str, price: float) -> None:
        """Revalue a holding, and look at the loss limits when that moved equity."""
        if self.portfolio.mark(symbol, price):
            self._look_at_losses()

    def restore(self, orders: Sequence[Order], recent: Sequence[Order], fills: Sequence[Fill]) -> None:
        """Take back the open orders, those submitted lately (oldest first) and the executions of the open ones."""
        for order in orders:
            self.orders.put(order)
        for order in recent:
            self._latest = max(self._latest, order.created_at)
            self.books.tallies.recall(order)
            if order.verdict is None:  # one that was refused here was never submitted
                self.orders.submitted(order)
            if not order.is_open:
                self.orders.put(order)
        for fill in fills:
            self._executions.remember(fill)
        fills = list(effective(fills))
        for order in orders:
            self._catch_up(order, [fill for fill in fills if fill.order_id == order.order_id])

    # ------------------------------------------------------------------ inside

    def _unsupported(self, order: Order) -> Verdict | None:
        if self.executor is None:
            return _venue("no_venue", "no venue is connected")
        can = self.executor.capabilities
        if order.order_type not in can.order_types:
            return _venue("unsupported_order_type", f"the venue takes no {order.order_type} orders")
        if order.time_in_force not in can.times_in_force:
            return _venue("unsupported_time_in_force", f"the venue takes no {order.time_in_force} orders")
        if not can.fractional and order.quantity % 1:
            return _venue("unsupported_fraction", f"the venue takes whole quantities, not {order.quantity:g}")
        if not can.shorts and order.side is OrderSide.SELL and self.books.shorts(order):
            return _venue("unsupported_short", f"the venue takes no shorts, and there is less than {order.quantity:g} to sell")
        return None

    def _judge_amended(self, order: Order, terms: Terms) -> Verdict:
        amended = order.changed(**asdict(terms), amendment=None)
        if self.executor is None or not self.executor.capabilities.replace:
            return _venue("unsupported_replace", "the venue amends no orders; cancel this one and submit another")
        refusal = self._unsupported(amended)
        if refusal is not None:
            return refusal
        self.books.now = self.now()
        with self.orders.without(order):
            return self.gate.check(amended.changed(created_at=self.books.now), self.books)

    def _amend(self, order: Order, terms: Terms) -> Verdict:
        amending = order.changed(amendment=terms, updated_at=self.books.now)
        self.orders.put(amending)
        send = partial(self._on_loop, partial(self._send_amendment, order.order_id))
        try:
            self._record(RecordKind.ORDER, order.order_id, amending, on_durable=send)
        except JournalError as error:
            if self.orders.get(order.order_id) is not amending:  # it was taken: the failure is that of a later record
                raise
            self.orders.put(order)
            return Verdict(False, JOURNAL_FAILED, str(error), check="journal")
        self.touched[order.symbol] = self._clock.monotonic()
        self.orders.submitted(amending.changed(created_at=amending.updated_at))
        self.books.tallies.message(amending.updated_at)
        return ALLOW

    def _send_amendment(self, order_id: str) -> None:
        with self.lock:
            order = self.orders.get(order_id)
            if order is not None and order.is_open and order.amendment is not None and self.executor is not None:
                self.executor.replace(order)

    def _reject(self, order: Order, verdict: Verdict) -> Order:
        rejected = order.changed(state=OrderState.REJECTED, code=verdict.code, reason=verdict.reason, verdict=verdict)
        self.orders.put(rejected)
        self.books.tallies.message(order.created_at)
        self._record(RecordKind.VERDICT, order.order_id, verdict, state=(self._counted(),))
        self._record(RecordKind.ORDER, order.order_id, rejected)
        return rejected

    def _intend(self, order: Order) -> Order:
        intent = order.changed(state=OrderState.INTENT)
        self.orders.put(intent)
        tallies = self.books.tallies
        tallies.sent(intent, intent.quantity * (self.books.price(intent) or 0.0))
        send = partial(self._on_loop, partial(self._send, intent.order_id))
        try:
            self._record(RecordKind.INTENT, intent.order_id, intent, state=(self._counted(),), on_durable=send)
        except JournalError as error:
            return self._unwritten(intent, error)
        self.orders.submitted(intent)
        return self.orders.get(intent.order_id) or intent

    def _unwritten(self, intent: Order, error: JournalError) -> Order:
        """Give up an intent that the journal did not take; nothing can be recorded of it."""
        order = self.orders.get(intent.order_id)
        if order is not intent:  # it was taken, and has left: the failure is that of a later record
            raise error
        verdict = Verdict(False, JOURNAL_FAILED, str(error), check="journal")
        rejected = order.changed(state=OrderState.REJECTED, code=verdict.code, reason=verdict.reason, verdict=verdict)
        self.orders.put(rejected)
        return rejected

    def _booked(self, fill: Fill) -> Fill | None:
        """Return what holds of an execution; the journal is only read when the order says that it may know of it."""
        order = self.orders.get(fill.order_id)
        if order is None or not order.is_open:
            return self._executions.find(key_of(fill))
        return self._executions.recent(key_of(fill))

    def _book(self, fill: Fill, corrected: Fill | None, *, missed: bool = False) -> None:
        self._executions.remember(fill)
        self.touched[fill.symbol] = self._clock.monotonic()
        order = self.orders.get(fill.order_id)
        earned = self.portfolio.realised_pnl(fill.symbol)
        position = self.portfolio.apply(fill, corrected)
        earned = self.portfolio.realised_pnl(fill.symbol) - earned
        counted = self._tally(fill, corrected, "" if order is None else order.strategy, earned)
        self._record(RecordKind.FILL, fill.execution_id, fill, state=(*self._lines(position), *counted))
        difference = fill_difference(order, fill, corrected)
        if order is not None:
            self._put(with_fill(order if corrected is None else without_fill(order, corrected), fill))
        if difference is not None and not (missed and order is None):
            body = {"clean": False, "when": "fill", "differences": [difference]}
            self._record(RecordKind.RECONCILIATION, fill.account, body)
        if self.latches is not None and corrected is None and order is not None:  # when it is booked: it may be cancelled now
            self._latch(self.latches.throttle.on_fill(fill, order.strategy, self.now()))
        self._look_at_losses()

    def _tally(self, fill: Fill, corrected: Fill | None, strategy: str, earned: float) -> Sequence[StatePut]:
        """Count an execution, and return what of the counters a restart needs."""
        tallies, multiplier = self.books.tallies, self.portfolio.multiplier(fill.symbol)
        if corrected is None:
            tallies.filled(fill, strategy, earned, multiplier, self.now())
        else:
            tallies.corrected(fill, corrected, strategy, multiplier)
        line = StatePut("tally", line_key(strategy, fill.symbol), tallies.line(strategy, fill.symbol))
        return line, self._counted()

    def _catch_up(self, order: Order, fills: Sequence[Fill]) -> None:
        """Bring an order up to its executions: a crash may have come between a fill's record and the order's."""
        counted = order.changed(filled_quantity=0.0, average_price=None, commission=0.0)
        for fill in fills:
            counted = with_fill(counted, fill)
        if counted.filled_quantity > order.filled_quantity:
            self._put(counted)

    def _send(self, order_id: str) -> None:
        with self.lock:
            order = self.orders.get(order_id)
            if order is None or order.state is not OrderState.INTENT or self.executor is None:
                return
            # SENT is not journalled: after a crash a durable intent may have left, and is asked about either way.
            sent = order.changed(state=OrderState.SENT)
            self.orders.put(sent)
            self.executor.submit(sent)

    def _cancel(self, order: Order) -> None:
        if self.executor is not None:
            self.executor.cancel(order)

    def _put(self, order: Order) -> None:
        self.touched[order.symbol] = self._clock.monotonic()
        self.orders.put(order)
        self._record(RecordKind.ORDER, order.order_id, order)
        if self.latches is not None:
            self._latch(self.latches.rejects.on_order(order))

    def _latch(self, thrown: tuple[str, str] | None) -> None:
        if thrown is not None and self.on_latch is not None:
            self.on_latch(*thrown)

    def _lines(self, position: Position) -> Sequence[StatePut]:
        books = StatePut("account", "books", self.portfolio.state())
        if position.quantity:
            return StatePut("position", position.symbol, position), books
        earned = StatePut("realised", position.symbol, position.realised_pnl)  # what a symbol has earned outlives its position
        return StatePut("position", position.symbol, None), earned, books

    def _counted(self) -> StatePut:
        return StatePut("risk", "tallies", self.books.tallies.state())

    def _look_at_losses(self) -> None:
        if self._losses.mark(self.portfolio.equity) and self.on_breach is not None:
            self.on_breach(self._losses.breached)


def _venue(code: str, reason: str) -> Verdict:
    return Verdict(False, code, reason, check="venue")


def fill_difference(order: Order | None, fill: Fill, corrected: Fill | None) -> dict[str, str] | None:
    """Return what a fill contradicts, None when it was to be expected."""
    traded = f"{fill.signed_quantity:g} at {fill.price:g}"
    if corrected is not None:
        before = f"{corrected.signed_quantity:g} at {corrected.price:g}"
        return None if before == traded else _difference("corrected_fill", corrected.execution_id, before, traded)
    if order is None:
        return _difference("foreign_fill", fill.execution_id, "", traded)
    if order.state in {OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED}:
        return _difference("late_fill", order.order_id, order.reason or order.state, traded)
    if order.filled_quantity + fill.quantity > order.largest_quantity * (1.0 + DUST):
        return _difference("over_fill", order.order_id, f"{order.remaining:g} left", traded)
    return None


def _difference(what: str, subject: str, ours: str, venue: str) -> dict[str, str]:
    return {"what": what, "subject": subject, "ours": ours, "venue": venue}


def _fill_problem(fill: Fill) -> str:
    if not fill.execution_id:
        return "it has no execution id, so it could not be told from the next"
    if not (isfinite(fill.quantity) and (fill.quantity > 0 or (fill.corrects and fill.quantity == 0))):
        return f"its quantity is {fill.quantity!r}"
    if not (isfinite(fill.price) and isfinite(fill.commission)):
        return f"its price is {fill.price!r}, its commission {fill.commission!r}"
    return ""


def position_lines(state: Mapping[str, Any]) -> dict[str, Position]:
    """Return the positions that the journal's `position` lines hold."""
    return {symbol: Position(**line) for symbol, line in state.items()}
