"""An adapter that is connected, and what core's own books make of what it reports."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from ml4t.live.clock import SystemClock
from ml4t.live.contracts.broker import Broker, BrokerSnapshot, OrderUpdate
from ml4t.live.journal import Also, RecordKind, StatePut
from ml4t.live.market import MarketState
from ml4t.live.model import Account, Fill, Order, OrderSide, OrderState, OrderType, TimeInForce
from ml4t.live.orders.book import OrderBook
from ml4t.live.orders.desk import Desk
from ml4t.live.orders.identity import decision_id
from ml4t.live.portfolio import Portfolio
from ml4t.live.risk.books import Books
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.risk.gate import RiskGate
from ml4t.live.risk.loss import LossWatch
from ml4t.live.sessions import ALWAYS
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.waiting import ANSWER_SECONDS, CONNECT_SECONDS, clock, until, within
from ml4t.live.testing.rig import Address, BrokerRig

PRICE = 100.0
"""Where the market is at the start of every scenario."""
QUANTITY = 10.0

_numbers = itertools.count(1)


class Line:
    """The sink of one adapter: what it reports is kept as it came, and booked by core's desk, without journal or limits."""

    def __init__(self, rig: BrokerRig, broker: Broker, snapshot: BrokerSnapshot) -> None:
        self.rig = rig
        self.broker = broker
        self.snapshot = snapshot
        self.updates: list[OrderUpdate] = []
        self.fills: list[Fill] = []
        self.desk = _desk(snapshot.account.cash)
        self.stream = asyncio.get_running_loop().create_task(broker.run(self), name="stream of the adapter")

    # ------------------------------------------------------------------ what the adapter reports

    def order(self, update: OrderUpdate) -> None:
        """Book a change of an order."""
        self.updates.append(update)
        self.desk.order(update)

    def fill(self, fill: Fill) -> None:
        """Book an execution."""
        self.fills.append(fill)
        self.desk.fill(fill)

    def account(self, account: Account) -> None:
        """Book new balances."""
        self.desk.account(account)

    def available(self, why: str) -> None:
        """Do nothing: no scenario here is about orders that the core holds back."""

    # ------------------------------------------------------------------ what a scenario does

    async def submit(self, order: Order) -> str:
        """Send an order through the adapter, book the acknowledgement as core does, and return the venue's id."""
        self.desk.orders.put(order.changed(state=OrderState.SENT))
        venue_order_id = await within(self.broker.submit(order), "submit")
        if not isinstance(venue_order_id, str) or not venue_order_id:
            raise NotConformant(f"submit returned {venue_order_id!r} instead of the venue's order id")
        self.order(OrderUpdate(order.order_id, OrderState.WORKING, clock.now(), venue_order_id))
        return venue_order_id

    def now(self, order: Order) -> Order:
        """Return an order as it stands by the rules of core."""
        return self.desk.orders.get(order.order_id) or order

    async def until(self, condition: Callable[[], object], what: str, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until `condition()` holds on a stream that goes on. Raises NotConformant, and what the stream ended with."""
        await until(lambda: condition() or self.stream.done(), what, seconds)
        if not condition():
            self.stream.result()
            raise NotConformant(f"{what}: `run` has returned instead")

    async def until_state(self, order: Order, *states: OrderState) -> Order:
        """Wait until an order is in one of these states, and return it."""
        names = " or ".join(states)
        try:
            await self.until(lambda: self.now(order).state in states, f"the order has to become {names}")
        except NotConformant as error:
            raise NotConformant(f"{error}; it is {self.now(order).state}, after {_told(self, order)}") from error
        return self.now(order)

    async def until_filled(self, order: Order) -> Order:
        """Wait until all of an order has traded, and return it."""
        return await self.until_state(order, OrderState.FILLED)

    def at_venue(self, order: Order) -> list[Order]:
        """Return what the venue has under the id of an order."""
        return [there for there in self.rig.venue.orders() if there.order_id == order.order_id]

    async def until_lost(self, what: str, seconds: float) -> BaseException:
        """Wait until the stream has ended by itself, and return what it raised."""
        await until(self.stream.done, f"the stream has to end because {what}", seconds)
        return ended_with(self.stream)

    async def close(self) -> None:
        """Cancel the stream, and close the adapter."""
        self.stream.cancel()
        await within(asyncio.gather(self.stream, return_exceptions=True), "the stream that was cancelled")
        await within(self.broker.close(), "close")


def ended_with(stream: asyncio.Task[None]) -> BaseException:
    """Return what a stream that has ended by itself raised. Raises NotConformant when that was nothing."""
    error = None if stream.cancelled() else stream.exception()
    if error is None:
        raise NotConformant("`run` returned; it runs until it is cancelled, and raises when the stream is lost")
    return error


@asynccontextmanager
async def connected(
    rig: BrokerRig, *, address: Address | None = None, broker: Broker | None = None, hold: bool = False
) -> AsyncIterator[Line]:
    """Connect an adapter and run its stream, with the market at `PRICE`; `hold`: orders trade only as the scenario says."""
    for symbol in (rig.symbol, rig.second_symbol):
        rig.venue.price(symbol, PRICE)
    rig.venue.hold(hold)
    broker = broker or rig.broker(address=address)
    try:
        line = Line(rig, broker, await within(broker.connect(), "connect", CONNECT_SECONDS))
    except BaseException:
        await within(broker.close(), "close after a connect that failed")
        raise
    try:
        yield line
    finally:
        await line.close()


def new_order(rig: BrokerRig, broker: Broker, **given: Any) -> Order:
    """Return a market order to buy, with an id as core makes them, and `given` instead where it says so."""
    number, now = next(_numbers), clock.now()
    symbol = given.pop("symbol", rig.symbol)
    order = Order(
        decision_id("conformance/paper", "kit", symbol, now, number),
        symbol,
        OrderSide.BUY,
        QUANTITY,
        time_in_force=usual_time_in_force(broker),
        created_at=now,
        strategy="kit",
    )
    return order.changed(**given) if given else order


def resting(rig: BrokerRig, broker: Broker, **given: Any) -> Order:
    """Return an order that works and does not trade while the venue is on hold: a limit to buy below the market."""
    limit = {"order_type": OrderType.LIMIT, "limit_price": PRICE * 0.9}
    return new_order(rig, broker, **(limit if OrderType.LIMIT in broker.capabilities.order_types else {}) | given)


def usual_time_in_force(broker: Broker) -> TimeInForce:
    """Return how long the orders of the scenarios work: for the day where that can be said."""
    offered = broker.capabilities.times_in_force
    return next((each for each in (TimeInForce.DAY, TimeInForce.GTC) if each in offered), min(offered))


def _desk(cash: float) -> Desk:
    market, machine = MarketState(), SystemClock()

    def forget(
        kind: RecordKind,
        subject: str,
        body: object,
        *,
        state: Sequence[StatePut] = (),
        on_durable: Callable[[], None] | None = None,
        also: Sequence[Also] = (),
    ) -> int:
        return 0

    return Desk(
        gate=RiskGate([], machine),
        books=Books(market, Portfolio(cash), OrderBook()),
        losses=LossWatch(LiveRiskConfig(), ALWAYS),
        clock=machine,
        record=forget,
        on_loop=lambda action: action(),
        find_fill=lambda _: None,
    )


def _told(line: Line, order: Order) -> str:
    updates = [f"{each.state} {each.reason}".strip() for each in line.updates if each.order_id == order.order_id]
    fills = [f"{each.quantity:g} at {each.price:g}" for each in line.fills if each.order_id == order.order_id]
    return f"updates {updates} and fills {fills}"
