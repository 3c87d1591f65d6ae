"""The shadow venue of a backtest strategy: the broker of the installed ml4t-backtest fills the orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from attrs import asdict
from ml4t.backtest.types import Order, OrderStatus

from ml4t.live.contracts.broker import BrokerCapabilities, OrderUpdate
from ml4t.live.model import Fill, MarketEvent, OrderState, OrderType, Position, Terms, TimeInForce
from ml4t.live.model import Order as LiveOrder
from ml4t.live.shadow.sink import VenueSink
from ml4t_live_backtest.book import GatedOrderBook

NAME = "backtest"

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class BacktestVenue:
    """Tells the desk what the broker of the backtest does, and does there what the desk asks for.

    Orders trade when the backtest says so: with the bars that the strategy gets, not with the events in between.
    """

    capabilities = BrokerCapabilities(
        order_types=frozenset(OrderType),
        times_in_force=frozenset({TimeInForce.GTC}),
        replace=True,
        fractional=True,
        kinds=frozenset({NAME}),
        brackets=True,
        oco=False,
    )
    outside = False

    def __init__(self, sink: VenueSink) -> None:
        self.resting: dict[str, Any] = {}
        """Empty: nothing here meets single events."""
        self.unsaved: dict[str, Mapping[str, Any] | None] = {}
        self._sink = sink
        self._book: GatedOrderBook | None = None
        self._told = 0
        self._executions: dict[str, int] = {}
        self._moment: Callable[[], int] = int
        self._orders: dict[str, LiveOrder] = {}
        """The open orders as the desk has them, by id."""

    def open(self, book: GatedOrderBook, moment: Callable[[], int]) -> None:
        """Begin to trade in a book; `moment` tells the time of the bar that is looked at, nanoseconds UTC."""
        self._book, self._moment = book, moment
        book.changed = self.settle
        book.at_once = True
        for order in book.desk.pending_orders:  # those that an earlier process left open
            self._orders[order.order_id] = order
            self._admit(book, order)

    # ------------------------------------------------------------------ what the desk asks for

    def submit(self, order: LiveOrder) -> None:
        """Take an order: one that the strategy is just making is taken by its book, any other is put in there."""
        self._orders[order.order_id] = order
        self._say(order, OrderState.WORKING)
        if self._book is not None and not self._book.is_asking:
            self._admit(self._book, order)

    def submit_linked(self, orders: Sequence[LiveOrder]) -> None:
        """Take orders that belong together."""
        for order in orders:
            self.submit(order)

    def cancel(self, order: LiveOrder) -> None:
        """Take an order out."""
        if self._book is None or order.order_id not in self._book.theirs:
            self._say(order, OrderState.CANCELLED)
            self._orders.pop(order.order_id, None)
            return
        self._book.withdraw(order.order_id)
        self.settle()

    def replace(self, order: LiveOrder) -> None:
        """Let an order go on with the terms of its amendment."""
        if order.amendment is not None:
            self._orders[order.order_id] = order.changed(**asdict(order.amendment), amendment=None)
            self._say(order, OrderState.WORKING, terms=order.amendment)

    def on_event(self, event: MarketEvent) -> None:
        """Do nothing: orders trade with bars."""

    def end_day(self, now: int) -> None:
        """Do nothing: every order of a backtest is good till cancelled."""

    def restore(
        self,
        cash: float,
        positions: Mapping[str, Position],
        orders: Sequence[LiveOrder],
        *,
        later: Sequence[LiveOrder] = (),
        notes: Mapping[str, Mapping[str, Any]] = _NOTHING,
        executions: Mapping[str, int] = _NOTHING,
        family: Iterable[LiveOrder] = (),
    ) -> None:
        """Note how many executions of each order are known; the orders themselves are asked of the desk."""
        self._executions = dict(executions)

    def arrive(self, order_id: str) -> None:
        """Do nothing: what was open is in the book from the start, and trades with the next bar."""

    # ------------------------------------------------------------------ what the broker of the backtest has done

    def settle(self) -> None:
        """Tell the desk of the executions, refusals and cancels since the last time."""
        book = self._book
        if book is None:
            return
        fills = book.broker.fills
        for fill in fills[self._told :]:
            self._tell(book, fill)
        self._told = len(fills)
        pending = {order.order_id for order in book.broker.pending_orders}
        for order_id, order in list(book.theirs.items()):
            if order.order_id not in pending:
                self._end(book, order)
            elif order_id in self._orders:
                self._agree(self._orders[order_id], order, book)

    def forget(self, fills: int) -> None:
        """Note that the oldest executions were dropped from the broker's list."""
        self._told -= fills

    def _tell(self, book: GatedOrderBook, fill: Any) -> None:
        order_id = book.ours[fill.order_id]
        order = book.theirs[order_id]
        if order_id not in self._orders:
            return
        live = self._agree(self._orders[order_id], order, book)
        number = self._executions[order_id] = self._executions.get(order_id, 0) + 1
        self._sink.fill(
            Fill(
                execution_id=f"{order_id}-{number}",
                order_id=order_id,
                symbol=fill.asset,
                side=live.side,
                quantity=fill.quantity,
                price=fill.price,
                time=max(self._moment(), live.created_at),
                commission=fill.commission,
                venue=NAME,
                account=NAME,
                venue_order_id=fill.order_id,
            )
        )

    def _agree(self, live: LiveOrder, order: Order, book: GatedOrderBook) -> LiveOrder:
        """Tell the quantity that the backtest has made of an order: it rounds, and cuts to what cash allows."""
        left = 0.0 if order.status is OrderStatus.FILLED else book.fill_engine.get_effective_quantity(order)
        whole = book.before.get(live.order_id, 0.0) + order.filled_quantity + left
        if whole != live.quantity:
            terms = Terms(whole, live.limit_price, live.stop_price, live.trail_amount)
            self._say(live, OrderState.WORKING, terms=terms)
            live = self._orders[live.order_id] = live.changed(quantity=whole)
        return live

    def _end(self, book: GatedOrderBook, order: Order) -> None:
        order_id = book.ours[order.order_id]
        book.forget(order_id)
        self._executions.pop(order_id, None)
        live = self._orders.pop(order_id, None)
        if live is None or order.status is OrderStatus.FILLED:
            return
        if order.status is OrderStatus.REJECTED:
            self._say(live, OrderState.REJECTED, code=order.rejection_code or "", reason=order.rejection_reason or "")
        else:  # also one that was to fill at once, and has in part: the backtest calls it pending, and never looks at it again
            self._say(live, OrderState.CANCELLED)

    def _admit(self, book: GatedOrderBook, order: LiveOrder) -> None:
        if book.admit(order) is None:
            del self._orders[order.order_id]
            self._say(order, OrderState.REJECTED, code="not_taken", reason="the engine of the backtest does not take it")
        self.settle()

    def _say(
        self, order: LiveOrder, state: OrderState, *, code: str = "", reason: str = "", terms: Terms | None = None
    ) -> None:
        moment = max(self._moment(), order.created_at)
        self._sink.order(OrderUpdate(order.order_id, state, moment, code=code, reason=reason, terms=terms))
