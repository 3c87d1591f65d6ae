"""The desk: the one way from a decision to the venue, and back from what the venue says to the books."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from attrs import asdict

from ml4t.live.clock import Clock
from ml4t.live.contracts.broker import OrderUpdate
from ml4t.live.errors import JournalError
from ml4t.live.journal import Also, RecordKind, StatePut
from ml4t.live.model import ALLOW, Account, Fill, Order, OrderState, Position, Terms, Verdict
from ml4t.live.orders.amend import AMEND_REFUSED, CannotAmend, amended_terms
from ml4t.live.orders.book import OrderBook
from ml4t.live.orders.bookkeeping import Bookkeeper
from ml4t.live.orders.brackets import also_refused, leaves_with
from ml4t.live.orders.executions import Key
from ml4t.live.orders.ports import Executor, Recorder
from ml4t.live.orders.states import DUST, UNSENT, settled, with_update
from ml4t.live.orders.support import unsupported, unsupported_links, venue_refusal
from ml4t.live.portfolio import Portfolio
from ml4t.live.risk.books import Books
from ml4t.live.risk.gate import RiskGate
from ml4t.live.risk.loss import LossWatch

JOURNAL_FAILED = "journal_failed"
"""The code of an order that was not sent because its intent could not be written to the journal."""


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
        self.gate = gate
        self._losses = losses
        self._clock = clock
        self._record = record
        self._on_loop = on_loop
        self._latest = 0
        self.keeper = Bookkeeper(books, losses, clock, self.now, record, find_fill)
        self.mark = self.keeper.mark  # on the way of every event, so that no call comes in between

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
            verdict = self._judge(order)
            return self._intend(order)[0] if verdict.allowed else self._reject(order, verdict)

    def submit_linked(self, orders: Sequence[Order]) -> Sequence[Order]:
        """Take orders that belong together through the gate and, once all intents are durable, to the venue as one.

        Parents come before their children. A child is not judged: it can only close what its parent opens. When one is
        refused all are. The ids of orders that were submitted before get those orders back.
        """
        with self.lock:
            if any(self.orders.get(order.order_id) is not None for order in orders):
                return [self.orders.get(order.order_id) or self._reject(order, also_refused(orders[0])) for order in orders]
            refusal = None if self.executor is None else unsupported_links(orders, self.executor.capabilities)
            for order in orders:
                verdict = refusal or self._judge(order)
                if not verdict.allowed:
                    return [self._reject(each, verdict if each is order else also_refused(order)) for each in orders]
            return self._intend(*orders)

    def force(self, order: Order) -> Order:
        """Send an order past the gate: only for emptying the account in an emergency."""
        with self.lock:
            return self.orders.get(order.order_id) or self._intend(order)[0]

    def cancel(self, order_id: str) -> bool:
        """Ask for a cancel; return False when there is no such open order."""
        with self.lock:
            order = self.orders.get(order_id)
            if order is None or not order.is_open:
                return False
            if order.state is OrderState.INTENT:  # still on its way to the disk: it never leaves
                for each in leaves_with(order, self.orders):
                    said = "cancelled before it was sent"
                    self.order(OrderUpdate(each.order_id, OrderState.CANCELLED, self.now(), code=UNSENT, reason=said))
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
                return venue_refusal("no_such_order", f"there is no order {order_id}")
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
                self.keeper.put(changed)

    def fill(self, fill: Fill, *, missed: bool = False) -> None:
        """Book an execution, once and for ever; `missed` says that a comparison of the books found it, and tells of it."""
        with self.lock:
            self.keeper.fill(fill, missed=missed)

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
                self.keeper.put(changed.changed(updated_at=self._clock.now(), **said))

    def reopen(self, order_id: str, why: str) -> None:
        """Count an order again that was taken to have ended and works at the venue."""
        with self.lock:
            order = self.orders.get(order_id)
            if order is not None and not order.is_open:
                state = OrderState.PARTIALLY_FILLED if order.filled_quantity else OrderState.WORKING
                self.keeper.put(order.changed(state=state, updated_at=self._clock.now(), code="", reason=why))

    def account(self, account: Account) -> None:
        """Note what the venue says of the balances."""
        self.books.account = account
        self._record(RecordKind.ACCOUNT, account.account, account)

    def deposited(self, amount: float) -> StatePut:
        """Leave money that came from outside out of the loss limits' account; return what the journal is to know of it."""
        self._losses.deposited(amount)
        return StatePut("risk", "losses", self._losses.state())

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
        self.keeper.recall(orders, fills)

    # ------------------------------------------------------------------ inside

    def _judge(self, order: Order) -> Verdict:
        if order.state is OrderState.REJECTED:  # the request itself made no sense
            return Verdict(False, order.code, order.reason, check="request")
        refusal = self._unsupported(order)
        if refusal is not None or order.parent_id:
            return refusal or ALLOW
        self.books.now = order.created_at
        return self.gate.check(order, self.books)

    def _unsupported(self, order: Order) -> Verdict | None:
        return unsupported(order, None if self.executor is None else self.executor.capabilities, self.books.shorts)

    def _judge_amended(self, order: Order, terms: Terms) -> Verdict:
        amended = order.changed(**asdict(terms), amendment=None)
        if self.executor is None or not self.executor.capabilities.replace:
            return venue_refusal("unsupported_replace", "the venue amends no orders; cancel this one and submit another")
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
            self._record(RecordKind.ORDER, order.order_id, amending, on_durable=send if self._waits else None)
        except JournalError as error:
            if self.orders.get(order.order_id) is not amending:  # it was taken: the failure is that of a later record
                raise
            self.orders.put(order)
            return Verdict(False, JOURNAL_FAILED, str(error), check="journal")
        self.keeper.touch(order.symbol)
        self.orders.submitted(amending.changed(created_at=amending.updated_at))
        self.books.tallies.message(amending.updated_at)
        if not self._waits:
            send()
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
        also = (Also(RecordKind.ORDER, order.order_id, rejected),)
        self._record(RecordKind.VERDICT, order.order_id, verdict, state=(self.keeper.counted(),), also=also)
        return rejected

    def _intend(self, *orders: Order) -> Sequence[Order]:
        """Journal the intents of orders that leave together, and send them: outside only when the last of them is durable."""
        intents = [order.changed(state=OrderState.INTENT) for order in orders]
        send = partial(self._on_loop, partial(self._send, [intent.order_id for intent in intents]))
        for intent in intents:
            self.orders.put(intent)
        try:
            for intent in intents:
                value = 0.0 if intent.parent_id else intent.quantity * (self.books.price(intent) or 0.0)
                self.books.tallies.sent(intent, value)
                durable = send if self._waits and intent is intents[-1] else None
                self._record(RecordKind.INTENT, intent.order_id, intent, state=(self.keeper.counted(),), on_durable=durable)
        except JournalError as error:
            return [self._unwritten(intent, error) for intent in intents]
        for intent in intents:
            self.orders.submitted(intent)
        if not self._waits:
            send()
        return [self.orders.get(intent.order_id) or intent for intent in intents]

    @property
    def _waits(self) -> bool:
        """True when orders go to books that a crash leaves as they are: nothing may get there that it makes us forget."""
        return self.executor is not None and self.executor.outside

    def _unwritten(self, intent: Order, error: JournalError) -> Order:
        """Give up an intent that the journal did not take; nothing can be recorded of it."""
        order = self.orders.get(intent.order_id)
        if order is not intent:  # it was taken, and has left: the failure is that of a later record
            raise error
        verdict = Verdict(False, JOURNAL_FAILED, str(error), check="journal")
        rejected = order.changed(state=OrderState.REJECTED, code=verdict.code, reason=verdict.reason, verdict=verdict)
        self.orders.put(rejected)
        return rejected

    def _send(self, order_ids: Sequence[str]) -> None:
        with self.lock:
            orders = [order for each in order_ids if (order := self.orders.get(each)) and order.state is OrderState.INTENT]
            if len(orders) < len(order_ids) or self.executor is None:
                return
            # SENT is not journalled: after a crash a durable intent may have left, and is asked about either way.
            sent = [order.changed(state=OrderState.SENT) for order in orders]
            for order in sent:
                self.orders.put(order)
            if len(sent) == 1:
                self.executor.submit(sent[0])
            else:
                self.executor.submit_linked(sent)

    def _cancel(self, order: Order) -> None:
        if self.executor is not None:
            self.executor.cancel(order)


def position_lines(state: Mapping[str, Any]) -> dict[str, Position]:
    """Return the positions that the journal's `position` lines hold."""
    return {symbol: Position(**line) for symbol, line in state.items()}
