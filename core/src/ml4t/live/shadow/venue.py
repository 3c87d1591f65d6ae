"""A venue that exists in memory: it takes orders, rests them, and fills them from the market data that passes by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from attrs import asdict, evolve

from ml4t.live.contracts.broker import BrokerCapabilities, OrderUpdate
from ml4t.live.market import MarketState
from ml4t.live.model import Fill, MarketEvent, Order, OrderState, OrderType, Position, Quote, Terms, TimeInForce
from ml4t.live.orders.states import with_fill
from ml4t.live.portfolio import VirtualPortfolio
from ml4t.live.sessions import ALWAYS, Calendar
from ml4t.live.shadow.costs import Costs
from ml4t.live.shadow.funds import Funds
from ml4t.live.shadow.linked import Links, in_turn, shrunk
from ml4t.live.shadow.matching import TAKERS, crosses, is_offered, meet
from ml4t.live.shadow.resting import STOPS, Resting, recalled
from ml4t.live.shadow.sink import VenueSink
from ml4t.live.shadow.slippage import Touch
from ml4t.live.shadow.volume import Volume, volume_of

NAME = "shadow"

_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class ShadowVenue:
    """Fills orders against the next event of their symbol, so that no order trades with the data it was decided on.

    A fill that would lift gross exposure over `leverage` times equity is rejected instead. Shorts need `allow_shorts`; their
    proceeds are cash and their value is owed. With `same` a market order trades at once, with the price it was decided on.

    A DAY order expires at the end of the trading day of `calendar` that it was made on (a bar is of the day it begins on),
    IOC and FOK orders end with the first event that they could trade with.
    With `max_volume_share` an event fills no more than that share of its volume, the rest goes on resting, and an event
    that does not say its volume fills nothing. An order whose next part cannot be afforded ends there.

    A market-on-close order is refused while no whole bar of its symbol has been seen: prints alone have no close.
    """

    capabilities = BrokerCapabilities(
        order_types=frozenset(OrderType),
        times_in_force=frozenset({TimeInForce.GTC, TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK}),
        replace=True,
        fractional=True,
        kinds=frozenset({NAME}),
        brackets=True,
        oco=True,
    )
    outside = False  # its orders and fills are those of the journal, in the journal's order: a crash forgets them together

    def __init__(
        self,
        market: MarketState,
        sink: VenueSink,
        *,
        initial_cash: float = 100_000.0,
        costs: Costs | None = None,
        allow_shorts: bool = True,
        max_volume_share: float | None = None,
        leverage: float = 1.0,
        maintenance_margin: float | None = None,
        same: bool = False,
        calendar: Calendar = ALWAYS,
    ) -> None:
        self.portfolio = VirtualPortfolio(initial_cash)
        self.resting: dict[str, dict[str, Resting]] = {}
        """The orders of each symbol by id, oldest first; a symbol without orders is not in it."""
        self.unsaved: dict[str, Mapping[str, Any] | None] = {}
        """What a restart should know of resting orders, by id, since it was last taken; None for one that has ended."""
        self._market = market
        self._sink = sink
        self._costs = costs or Costs()
        self.funds = Funds(
            self.portfolio, market, allow_shorts=allow_shorts, leverage=leverage, maintenance_margin=maintenance_margin
        )
        self._same = same
        self._calendar = calendar
        self._volume_share = max_volume_share
        self._now = 0
        self._later: dict[str, Resting] = {}
        self._links = Links()

    def restore(
        self,
        cash: float,
        positions: Mapping[str, Position],
        orders: Sequence[Order],
        *,
        later: Sequence[Order] = (),
        notes: Mapping[str, Mapping[str, Any]] = _NOTHING,
        executions: Mapping[str, int] = _NOTHING,
        family: Iterable[Order] = (),
    ) -> None:
        """Take back the account and the orders that were open; they rest where they rested.

        An order that a crash caught on its way here has arrived now. Those to come `later` meet no data before `arrive`.
        `notes` is what was taken from `unsaved`, `executions` how many fills of each order are known, `family` the ended
        orders that open ones may be linked to.
        """
        self._links.restore((*family, *orders, *later))
        self.portfolio.restore(cash, positions)
        known = {o.order_id: recalled(o, notes.get(o.order_id), executions.get(o.order_id, 0)) for o in (*orders, *later)}
        self._later = {order.order_id: known[order.order_id] for order in later}
        for order in orders:
            self._rest(known[order.order_id])
            self._say(order, OrderState.WORKING, order.created_at)
            self.replace(order)  # an amendment that a crash caught on its way
        for order in orders:
            self._settle(order)
        for ended in notes.keys() - known.keys():
            self.unsaved[ended] = None

    def arrive(self, order_id: str) -> None:
        """Let an order that `restore` put off rest now: as one that waits in the book, when it has met data before."""
        kept = self._later.pop(order_id, None)
        if kept is None:
            return
        order = kept.order
        new = self._arriving(order)
        state = self._market.get(order.symbol)
        if order.filled_quantity or (state is not None and state.event_time > order.created_at):
            new = evolve(new, crosses=False)
        best = new.best if kept.best is None else kept.best
        self._rest(evolve(new, best=best, triggered=kept.triggered, executions=kept.executions))
        self._say(order, OrderState.WORKING, order.created_at)
        self._settle(order)

    def submit(self, order: Order) -> None:
        """Take an order; it rests until an event fills it."""
        if order.order_type is OrderType.MOC:
            state = self._market.get(order.symbol)
            if state is None or not state.bar_time:
                reason = f"no whole bar of {order.symbol} has been seen, so there is no close to trade at"
                self._end(order, OrderState.REJECTED, order.created_at, "no_bars", reason)
                return
        resting = self._arriving(order)
        self._rest(resting)
        self._say(order, OrderState.WORKING, order.created_at)
        last = self._market.price(order.symbol)
        if self._same and order.order_type is OrderType.MARKET and last is not None:
            price = self._slipped(order, order.quantity, last, None)
            self._trade(resting, price, order.quantity, order.created_at)

    def submit_linked(self, orders: Sequence[Order]) -> None:
        """Take orders that belong together; children wait until their parent has traded."""
        self._links.begin(orders)
        for order in reversed(orders):  # the children first: they end with a parent that is rejected
            self.submit(order)

    def cancel(self, order: Order) -> None:
        """Take an order out."""
        if self._later.pop(order.order_id, None) is not None or self._take(order) is not None:
            self._say(order, OrderState.CANCELLED, max(self._now, order.created_at))
            self._release(order)

    def replace(self, order: Order) -> None:
        """Let an order go on with the terms of its amendment, at the end of the book."""
        terms = order.amendment
        resting = None if terms is None else self._take(order)
        if resting is None or terms is None:
            return
        amended = resting.order.changed(**asdict(terms))
        if amended.remaining <= 0:
            self._rest(resting)
            self._say(order, OrderState.WORKING, order.updated_at, terms=order.terms)
            return
        new = self._arriving(amended)
        self._rest(evolve(new, best=resting.best, triggered=resting.triggered, executions=resting.executions))
        self._say(order, OrderState.WORKING, order.updated_at, terms=terms)

    def on_event(self, event: MarketEvent) -> None:
        """Fill what trades with `event`: exits first, then the oldest order first."""
        book = self.resting.get(event.symbol)
        if book is None:
            return
        self._now = max(self._now, event.event_time)
        # A fill may lead to orders and to cancels: the new ones wait for the next event, the cancelled ones are gone.
        volume = Volume(event, self._volume_share)
        for known in in_turn(book.values()):
            resting = book.get(known.order.order_id)  # it may have shrunk: the other of its pair has traded
            if resting is not None:
                self._offer(resting, event, volume)

    def _offer(self, resting: Resting, event: MarketEvent, volume: Volume) -> None:
        order = resting.order
        time_in_force = order.time_in_force
        if time_in_force is TimeInForce.DAY and self._expires(order, event.event_time):
            return
        tradable = self._links.tradable(order)
        if tradable == 0.0:
            return
        met, price = meet(resting, event)
        quantity = 0.0 if price is None else volume.offer(order.side, tradable, order.quantity)
        if time_in_force is TimeInForce.FOK and quantity < order.remaining:
            quantity = 0.0
        if met is not resting:
            self._rest(met)
        if price is not None and quantity > 0:
            time = max(event.event_time, order.created_at)
            traded = self._trade(met, self._slipped(order, quantity, price, event), quantity, time)
            volume.take(order.side, quantity * traded)
        if time_in_force in _AT_ONCE and is_offered(resting, event) and self._rests(order):
            time = max(event.event_time, order.created_at)
            self._end(order, OrderState.CANCELLED, time, "not_at_once", f"{time_in_force}: not all of it could trade at once")

    def end_day(self, now: int) -> None:
        """End the orders that were good for a day that is over, whether or not there are data that say so."""
        for order in [resting.order for book in self.resting.values() for resting in book.values()]:
            if order.time_in_force is TimeInForce.DAY:
                self._expires(order, now)

    def _expires(self, order: Order, now: int) -> bool:
        end = self._calendar.day_end(order.created_at)
        if now < end:
            return False
        self._end(order, OrderState.EXPIRED, end, "day_over", "the day it was good for is over")
        return True

    def _arriving(self, order: Order) -> Resting:
        state = self._market.get(order.symbol)
        if state is None:
            return Resting(order)
        since = max(state.trade_time, state.quote_time, state.bar_start + 1)
        best = state.price if order.order_type is OrderType.TRAILING_STOP else None
        return Resting(order, since, crosses(order, state.price), best)

    def _rest(self, resting: Resting) -> None:
        order_id = resting.order.order_id
        self.resting.setdefault(resting.order.symbol, {})[order_id] = resting
        note = resting.note
        if note is not None:
            self.unsaved[order_id] = note

    def _take(self, order: Order) -> Resting | None:
        book = self.resting.get(order.symbol, {})
        resting = book.pop(order.order_id, None)
        if resting is None:
            return None
        if not book:
            del self.resting[order.symbol]
        if order.order_type in STOPS:
            self.unsaved[order.order_id] = None
        return resting

    def _rests(self, order: Order) -> bool:
        return order.order_id in self.resting.get(order.symbol, ())

    def _end(self, order: Order, state: OrderState, time: int, code: str, reason: str) -> None:
        self._take(order)
        self._say(order, state, time, code, reason)
        self._release(order)

    def _settle(self, order: Order) -> None:
        """Let an order that has arrived after a restart go on with what is left of it."""
        left = self._links.due.pop(order.order_id, None)
        resting = self.resting.get(order.symbol, {}).get(order.order_id)
        if left is not None and resting is not None:
            self._shrink(resting, left, "linked", "what it is linked to went on before a restart")

    def _follow(self, order: Order, quantity: float) -> None:
        """Let the orders linked to one that has traded follow: its children may work, the other of its pair has less left."""
        woken = self._links.traded(order, quantity)
        for other in list(self.resting.get(order.symbol, {}).values()):
            if woken and other.order.parent_id == order.order_id:
                now = self._arriving(other.order)
                self._rest(evolve(other, since=now.since, crosses=now.crosses))
            elif order.oco_group and other.order.oco_group == order.oco_group and other.order.order_id != order.order_id:
                reason = f"order {order.order_id}, which cancels it, has traded"
                self._shrink(other, other.order.remaining - quantity, "oco", reason)

    def _release(self, parent: Order) -> None:
        """Let the children of an order that has ended go on with what it has opened."""
        left = self._links.end(parent)
        if left is None:
            return
        for child in list(self.resting.get(parent.symbol, {}).values()):
            if child.order.parent_id == parent.order_id:
                self._shrink(child, left, "parent_ended", f"order {parent.order_id}, which it waits for, has ended")
        for child in self._later.values():
            if child.order.parent_id == parent.order_id:
                self._links.due[child.order.order_id] = left

    def _shrink(self, resting: Resting, remaining: float, code: str, reason: str) -> None:
        order, time = resting.order, max(self._now, resting.order.created_at)
        less = shrunk(resting, remaining)
        if less is None:
            self._end(order, OrderState.CANCELLED, time, code, reason)
        elif less is not resting:
            self._rest(less)
            self._say(order, OrderState.WORKING, time, terms=less.order.terms)

    def _slipped(self, order: Order, quantity: float, price: float, event: MarketEvent | None) -> float:
        if order.order_type not in TAKERS:
            return price
        state = self._market.get(order.symbol)
        bid, ask = (None, None) if state is None else (state.bid, state.ask)
        spread = None if bid is None or ask is None else ask - bid
        touch = Touch(price, spread, event.__class__ is Quote, 0.0 if event is None else volume_of(event, order.side))
        return self._costs.slipped(order, quantity, touch)

    def _trade(self, resting: Resting, price: float, quantity: float, time: int) -> bool:
        """Let a part of an order trade; False when the account cannot pay for it, and the order has ended."""
        order = resting.order
        commission = self._costs.charge(order, quantity, price)
        problem = self.funds.problem(order, quantity, price, commission)
        if problem is not None:
            # What has traded stands: only an order that has not traded at all was rejected.
            self._end(order, OrderState.CANCELLED if order.filled_quantity else OrderState.REJECTED, time, *problem)
            return False
        fill = Fill(
            execution_id=f"{order.order_id}-{resting.executions + 1}",
            order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=quantity,
            price=price,
            time=time,
            commission=commission,
            venue=NAME,
            account=NAME,
            venue_order_id=_venue_id(order),
        )
        after = with_fill(order, fill)
        if after.is_open:
            self._rest(evolve(resting, order=after, executions=resting.executions + 1, crosses=False))
        else:
            self._take(order)
        self.portfolio.apply(fill)
        self._sink.fill(fill)
        self._follow(order, quantity)
        if not after.is_open:
            self._release(order)
        return True

    def _say(
        self, order: Order, state: OrderState, time: int, code: str = "", reason: str = "", terms: Terms | None = None
    ) -> None:
        update = OrderUpdate(order.order_id, state, time, _venue_id(order), code=code, reason=reason, terms=terms)
        self._sink.order(update)


def _venue_id(order: Order) -> str:
    return f"{NAME}-{order.order_id}"
