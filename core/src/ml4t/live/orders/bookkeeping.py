"""The bookkeeper: what happened to orders and money, booked and written down together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import evolve

from ml4t.live.clock import Clock
from ml4t.live.journal import Also, RecordKind, StatePut
from ml4t.live.model import Fill, Order, Position
from ml4t.live.orders.executions import Executions, Key, completed, effective, fill_difference, fill_problem, key_of
from ml4t.live.orders.ports import Recorder
from ml4t.live.orders.states import with_fill, without_fill
from ml4t.live.risk.books import Books
from ml4t.live.risk.latches import Latches
from ml4t.live.risk.loss import LossWatch
from ml4t.live.risk.tallies import line_key

EXECUTIONS = 2
"""Executions that stay in memory per finished order that does."""


class Bookkeeper:
    """Books the new state of an order, an execution, a mark: in the books, in what limits count, and in the journal.

    Whoever calls it holds the desk's lock. `now` is the time of decisions, which never runs backwards.
    """

    def __init__(
        self,
        books: Books,
        losses: LossWatch,
        clock: Clock,
        now: Callable[[], int],
        record: Recorder,
        find_fill: Callable[[Key], Fill | None],
    ) -> None:
        self.on_breach: Callable[[str], None] | None = None
        self.latches: Latches | None = None
        self.on_latch: Callable[[str, str], None] | None = None
        """Called with the scope that a latch stops, and why."""
        self.on_fill: list[Callable[[Fill], None]] = []
        """Called with every execution that was booked."""
        self.touched: dict[str, int] = {}
        """Per symbol, when (monotonic) one of its orders or its position changed last."""
        self._books = books
        self._orders = books.orders
        self._portfolio = books.portfolio
        self._losses = losses
        self._clock = clock
        self._now = now
        self._record = record
        self._executions = Executions(find_fill, EXECUTIONS * books.orders.recent)

    def touch(self, symbol: str) -> None:
        """Note that an order or the position of a symbol has just changed."""
        self.touched[symbol] = self._clock.monotonic()

    def put(self, order: Order) -> None:
        """Book a new state of an order."""
        self._keep(order)
        self._record(RecordKind.ORDER, order.order_id, order)
        self._count_rejects(order)

    def fill(self, fill: Fill, *, missed: bool = False) -> None:
        """Book an execution, once and for ever; one without an id or finite numbers becomes an error record.

        `missed` says that a comparison of the books found it, and tells of it.
        """
        problem = fill_problem(fill)
        if problem:
            self._record(
                RecordKind.ERROR, fill.order_id, {"what": "a fill that cannot be booked", "why": problem, "fill": fill}
            )
            return
        booked = self._booked(fill)
        if booked is None:
            corrected = self._executions.corrected(fill)
            if corrected is not None:  # a venue may name the first of several, and does not know of the one with the fee
                fill = evolve(fill, corrects=corrected.execution_id)
            self._book(fill, corrected, missed=missed)
        elif (whole := completed(booked, fill)) is not None:
            self._book(whole, booked)

    def knows(self, fill: Fill) -> bool:
        """True when an execution has been booked, and nothing about it is new."""
        booked = self._executions.find(key_of(fill))
        return booked is not None and completed(booked, fill) is None

    def mark(self, symbol: str, price: float) -> None:
        """Revalue a holding, and look at the loss limits when that moved equity."""
        if self._portfolio.mark(symbol, price):
            self._look_at_losses()

    def counted(self) -> StatePut:
        """Return what of the counters changes with an order."""
        return StatePut("risk", "tallies", self._books.tallies.state())

    def recall(self, orders: Sequence[Order], fills: Sequence[Fill]) -> None:
        """Take back the executions of open orders, and bring those up to them: a repaired journal may lack the later state."""
        for fill in fills:
            self._executions.remember(fill)
        held = list(effective(fills))
        for order in orders:
            self._catch_up(order, [fill for fill in held if fill.order_id == order.order_id])

    def _booked(self, fill: Fill) -> Fill | None:
        """Return what holds of an execution; the journal is only read when the order says that it may know of it."""
        order = self._orders.get(fill.order_id)
        if order is None or not order.is_open:
            return self._executions.find(key_of(fill))
        return self._executions.recent(key_of(fill))

    def _book(self, fill: Fill, corrected: Fill | None, *, missed: bool = False) -> None:
        self._executions.remember(fill)
        self.touch(fill.symbol)
        order = self._orders.get(fill.order_id)
        earned = self._portfolio.realised_pnl(fill.symbol)
        position = self._portfolio.apply(fill, corrected)
        earned = self._portfolio.realised_pnl(fill.symbol) - earned
        counted = self._tally(fill, corrected, "" if order is None else order.strategy, earned)
        filled = None if order is None else with_fill(order if corrected is None else without_fill(order, corrected), fill)
        also = () if filled is None else (Also(RecordKind.ORDER, filled.order_id, filled),)
        if filled is not None:
            self._keep(filled)
        self._record(RecordKind.FILL, fill.execution_id, fill, state=(*self._lines(position), *counted), also=also)
        difference = fill_difference(order, fill, corrected)
        if filled is not None:
            self._count_rejects(filled)
        if difference is not None and not (missed and order is None):
            body = {"clean": False, "when": "fill", "differences": [difference]}
            self._record(RecordKind.RECONCILIATION, fill.account, body)
        for listener in self.on_fill:
            listener(fill)
        if self.latches is not None and corrected is None and order is not None:  # last: it may lead to cancels
            self._latch(self.latches.throttle.on_fill(fill, order.strategy))
        self._look_at_losses()

    def _tally(self, fill: Fill, corrected: Fill | None, strategy: str, earned: float) -> Sequence[StatePut]:
        """Count an execution, and return what of the counters a restart needs."""
        tallies, multiplier = self._books.tallies, self._portfolio.multiplier(fill.symbol)
        if corrected is None:
            tallies.filled(fill, strategy, earned, multiplier, self._now())
        else:
            tallies.corrected(fill, corrected, strategy, multiplier)
        line = StatePut("tally", line_key(strategy, fill.symbol), tallies.line(strategy, fill.symbol))
        return line, self.counted()

    def _catch_up(self, order: Order, fills: Sequence[Fill]) -> None:
        counted = order.changed(filled_quantity=0.0, average_price=None, commission=0.0)
        for fill in fills:
            counted = with_fill(counted, fill)
        if counted.filled_quantity > order.filled_quantity:
            self.put(counted)

    def _keep(self, order: Order) -> None:
        self.touch(order.symbol)
        self._orders.put(order)

    def _count_rejects(self, order: Order) -> None:
        if self.latches is not None:
            self._latch(self.latches.rejects.on_order(order))

    def _latch(self, thrown: tuple[str, str] | None) -> None:
        if thrown is not None and self.on_latch is not None:
            self.on_latch(*thrown)

    def _lines(self, position: Position) -> Sequence[StatePut]:
        books = StatePut("account", "books", self._portfolio.state())
        if position.quantity:
            return StatePut("position", position.symbol, position), books
        earned = StatePut("realised", position.symbol, position.realised_pnl)  # what a symbol has earned outlives its position
        return StatePut("position", position.symbol, None), earned, books

    def _look_at_losses(self) -> None:
        if self._losses.mark(self._portfolio.equity) and self.on_breach is not None:
            self.on_breach(self._losses.breached)
