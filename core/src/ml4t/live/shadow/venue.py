"""A venue that exists in memory: it takes orders, rests them, and fills them from the market data that passes by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ml4t.live.contracts.broker import BrokerCapabilities, OrderUpdate
from ml4t.live.market import MarketState
from ml4t.live.model import Fill, MarketEvent, Order, OrderState, OrderType, Position, TimeInForce
from ml4t.live.portfolio import VirtualPortfolio
from ml4t.live.shadow.costs import Costs
from ml4t.live.shadow.matching import TAKERS, Resting, crosses, fill_price

NAME = "shadow"


class VenueSink(Protocol):
    """Where the venue says what happened."""

    def order(self, update: OrderUpdate) -> None:
        """Take a change of an order."""
        ...

    def fill(self, fill: Fill) -> None:
        """Take an execution."""
        ...


class ShadowVenue:
    """Fills orders against the next event of their symbol, so that no order trades with the data it was decided on.

    No leverage: a fill that would lift gross exposure over equity is rejected instead. Shorts need `allow_shorts`; their
    proceeds are cash and their value is owed.
    """

    capabilities = BrokerCapabilities(
        order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP}),
        times_in_force=frozenset({TimeInForce.GTC}),
        fractional=True,
        kinds=frozenset({NAME}),
    )

    def __init__(
        self,
        market: MarketState,
        sink: VenueSink,
        *,
        initial_cash: float = 100_000.0,
        costs: Costs | None = None,
        allow_shorts: bool = True,
    ) -> None:
        self.portfolio = VirtualPortfolio(initial_cash)
        self.resting: dict[str, dict[str, Resting]] = {}
        """The orders of each symbol by id, oldest first; a symbol without orders is not in it."""
        self._market = market
        self._sink = sink
        self._costs = costs or Costs()
        self._allow_shorts = allow_shorts
        self._now = 0
        self._later: dict[str, Order] = {}

    def restore(
        self, cash: float, positions: Mapping[str, Position], orders: Sequence[Order], *, later: Sequence[Order] = ()
    ) -> None:
        """Take back the account and the orders that were open; they rest where they rested.

        An order that a crash caught on its way here has arrived now. Those to come `later` meet no data before `arrive`.
        """
        self.portfolio.restore(cash, positions)
        self._later = {order.order_id: order for order in later}
        for order in orders:
            self._rest(Resting(order))
            self._say(order, OrderState.WORKING, order.created_at)

    def arrive(self, order_id: str) -> None:
        """Let an order that `restore` put off rest now: as one that waits in the book, when it has met data before."""
        order = self._later.pop(order_id, None)
        if order is None:
            return
        self.submit(order)
        state = self._market.get(order.symbol)
        if state is not None and state.event_time > order.created_at:
            self._rest(Resting(order, self.resting[order.symbol][order_id].since))

    def submit(self, order: Order) -> None:
        """Take an order; it rests until an event fills it."""
        state = self._market.get(order.symbol)
        if state is None:
            self._rest(Resting(order))
        else:
            since = max(state.trade_time, state.quote_time, state.bar_start + 1)
            self._rest(Resting(order, since, crosses(order, state.price)))
        self._say(order, OrderState.WORKING, order.created_at)

    def cancel(self, order: Order) -> None:
        """Take an order out."""
        if self._later.pop(order.order_id, None) is not None or self._take(order) is not None:
            self._say(order, OrderState.CANCELLED, max(self._now, order.created_at))

    def on_event(self, event: MarketEvent) -> None:
        """Fill what trades with `event`, oldest order first."""
        book = self.resting.get(event.symbol)
        if book is None:
            return
        self._now = max(self._now, event.event_time)
        # A fill may lead to orders and to cancels: the new ones wait for the next event, the cancelled ones are gone.
        for resting in list(book.values()):
            order = resting.order
            if order.order_id not in book:
                continue
            price = fill_price(resting, event)
            if price is not None:
                self._take(order)
                self._trade(order, price, max(event.event_time, order.created_at))
            elif resting.crosses:
                book[order.order_id] = Resting(order, resting.since)

    def _rest(self, resting: Resting) -> None:
        self.resting.setdefault(resting.order.symbol, {})[resting.order.order_id] = resting

    def _take(self, order: Order) -> Resting | None:
        book = self.resting.get(order.symbol, {})
        resting = book.pop(order.order_id, None)
        if resting is not None and not book:
            del self.resting[order.symbol]
        return resting

    def _trade(self, order: Order, price: float, time: int) -> None:
        if order.order_type in TAKERS:
            price = self._costs.slipped(price, order.side)
        problem = self._cannot_afford(order, price)
        if problem is not None:
            code, reason = problem
            self._say(order, OrderState.REJECTED, time, code, reason)
            return
        fill = Fill(
            execution_id=f"{order.order_id}-1",
            order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.remaining,
            price=price,
            time=time,
            commission=self._costs.commission(order.remaining * price),
            venue=NAME,
            account=NAME,
            venue_order_id=_venue_id(order),
        )
        self.portfolio.apply(fill)
        self._sink.fill(fill)

    def _cannot_afford(self, order: Order, price: float) -> tuple[str, str] | None:
        held = self.portfolio.quantity(order.symbol)
        after = held + order.signed_remaining
        if after < min(held, 0.0) and not self._allow_shorts:
            return "shorts_not_allowed", f"the fill would leave {after:g} {order.symbol}, and the account may not be short"
        if abs(after) <= abs(held):
            return None
        for symbol, line in self.portfolio.holdings.items():
            last = self._market.price(symbol)
            if line.quantity and last is not None:
                self.portfolio.mark(symbol, last)
        others = sum(abs(line.market_value) for s, line in self.portfolio.holdings.items() if s != order.symbol)
        gross = others + abs(after) * price
        equity = self.portfolio.equity - self._costs.commission(order.remaining * price)
        if gross > equity * (1 + 1e-9):
            return "insufficient_buying_power", f"gross exposure would be {gross:,.2f} on equity of {equity:,.2f}"
        return None

    def _say(self, order: Order, state: OrderState, time: int, code: str = "", reason: str = "") -> None:
        self._sink.order(OrderUpdate(order.order_id, state, time, _venue_id(order), code=code, reason=reason))


def _venue_id(order: Order) -> str:
    return f"{NAME}-{order.order_id}"
