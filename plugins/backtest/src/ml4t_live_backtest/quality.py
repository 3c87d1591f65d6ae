"""Execution quality: what a venue made of the orders of a session, and what the model of the backtest makes of them."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

import msgspec
from attrs import frozen
from ml4t.backtest import BacktestConfig, Strategy
from ml4t.backtest.types import Order as TheirOrder

from ml4t.live.cli.exits import Refused
from ml4t.live.engine.news import News
from ml4t.live.journal import JournalReader, RecordKind, StateDir
from ml4t.live.model import Fill, Order, OrderState
from ml4t.live.orders.executions import effective
from ml4t.live.orders.states import DUST
from ml4t.live.tape import Shelf, TapeReader
from ml4t.live.tape.frames import Kind, time_of, unpack
from ml4t.live.times import NANOS, to_nanoseconds
from ml4t_live_backtest.book import theirs_of
from ml4t_live_backtest.session import Session, SliceFeed
from ml4t_live_backtest.slices import slice_of

BPS = 10_000.0


@frozen
class Slice:
    """One call of the strategy: when, with which bars, and the orders it decided on."""

    timestamp: datetime
    data: Mapping[str, News]
    orders: Sequence[Order]


@frozen
class Execution:
    """One order: as it was executed, and as the model executes it."""

    order: Order
    quantity: float
    price: float | None
    """What the venue has executed, and at which price on average."""
    commission: float
    delay_seconds: float | None
    """From the decision to the first execution."""
    model_quantity: float
    model_price: float | None
    model_commission: float
    model_time: datetime | None

    @property
    def slippage_bps(self) -> float | None:
        """How much worse than the model's the price was, in basis points of it; None unless both have executed."""
        if self.price is None or self.model_price is None:
            return None
        return self.order.side.sign * (self.price - self.model_price) / self.model_price * BPS

    @property
    def cost(self) -> float:
        """What the difference in price has cost on what both have executed, in money."""
        if self.price is None or self.model_price is None:
            return 0.0
        return self.order.side.sign * (self.price - self.model_price) * min(self.quantity, self.model_quantity)

    @property
    def missed(self) -> float:
        """The quantity that the model executes and the venue has not."""
        return _more(self.model_quantity, self.quantity)

    @property
    def unexpected(self) -> float:
        """The quantity that the venue has executed and the model does not."""
        return _more(self.quantity, self.model_quantity)


@frozen
class Quality:
    """A session's executions, oldest first."""

    executions: Sequence[Execution]

    def as_dict(self) -> dict[str, Any]:
        """Return the summary: counts, slippage in basis points, cost in money, delay in seconds."""
        slippage = sorted(each.slippage_bps for each in self.executions if each.slippage_bps is not None)
        traded = [each for each in self.executions if each.slippage_bps is not None and each.model_price is not None]
        value = sum(min(each.quantity, each.model_quantity) * (each.model_price or 0.0) for each in traded)
        delays = sorted(each.delay_seconds for each in self.executions if each.delay_seconds is not None)
        return {
            "orders": len(self.executions),
            "executed_by_both": len(traded),
            "missed": sum(each.missed > 0 for each in self.executions),
            "unexpected": sum(each.unexpected > 0 for each in self.executions),
            "slippage_bps": _spread(slippage) | {"by_value": sum(e.cost for e in traded) / value * BPS if value else None},
            "cost": sum(each.cost for each in traded),
            "commission": sum(each.commission for each in self.executions),
            "model_commission": sum(each.model_commission for each in self.executions),
            "delay_seconds": _spread(delays),
        }


def quality_of(state: StateDir, config: BacktestConfig) -> Quality:
    """Compare the executions of a recorded paper or live session with what a backtest with `config` makes of its orders.

    The model gets the orders at the bars on which they were decided, and their cancels; it takes every order that the venue
    took: cash and shorts do not limit it. Raises Refused for a session without a tape or without orders.
    """
    with JournalReader(state.journal, mode=state.mode) as journal:
        slices = list(_slices(state, journal))
        if not any(each.orders for each in slices):
            raise Refused(f"{state.path} has no orders on a tape; run with [engine] record = true, and in mode paper or live")
        fills = defaultdict(list)
        for fill in effective(journal.fills()):
            fills[fill.order_id].append(fill)
        ended = {order.order_id: order for each in slices for o in each.orders if (order := journal.order(o.order_id))}
    script = Script(slices, ended)
    _run(script, slices, config)
    return Quality(
        [_execution(each, ended, fills[each.order_id], script.made.get(each.order_id)) for s in slices for each in s.orders]
    )


class Script(Strategy):
    """Submits the orders of a session when the session did, and cancels what was cancelled."""

    def __init__(self, slices: Sequence[Slice], ended: Mapping[str, Order]) -> None:
        self.made: dict[str, tuple[TheirOrder, Any]] = {}
        """The model's orders, and its broker, by the id of the session's."""
        self._slices = iter(slices)
        self._ended = ended

    def on_data(self, timestamp: datetime, data: Any, context: Any, broker: Any) -> None:
        """Do what was done at this bar."""
        here = next(self._slices)
        moment = to_nanoseconds(here.timestamp)
        for order_id, (theirs, _) in self.made.items():
            known = self._ended[order_id]
            if known.state is OrderState.CANCELLED and known.updated_at <= moment:
                broker.cancel_order(theirs.order_id)
        for order in here.orders:
            made = broker.submit_order(order.symbol, order.quantity, *theirs_of(order))
            if made is not None:
                self.made[order.order_id] = (made, broker)


def _run(script: Script, slices: Sequence[Slice], config: BacktestConfig) -> None:
    free = copy.deepcopy(config)
    free.skip_cash_validation = free.allow_short_selling = True
    free.enforce_sessions = free.buying_power_reservation = free.next_bar_submission_precheck = False
    session = Session(script, free, SliceFeed(free.resolved_feed_spec))
    session.begin()
    for each in slices:
        session.advance(each.timestamp, slice_of(each.data), {})
    session.finish()


def _slices(state: StateDir, journal: JournalReader) -> Iterator[Slice]:
    """Yield the calls of the strategy that are on the tapes, each with the orders that left it."""
    intents = [(record.seq, msgspec.convert(record.body, Order, strict=False)) for record in journal.records(RecordKind.INTENT)]
    for path in Shelf(state).tapes:
        with TapeReader(path) as tape:
            call = None
            for frame in tape:
                if frame[0] == Kind.CALL and frame[1] == "on_data":
                    call = frame
                elif frame[0] == Kind.RETURN and call is not None:
                    decided = [order for seq, order in intents if call[4] < seq <= frame[2]]
                    yield Slice(time_of(call[2]), unpack(call[3])[0], decided)
                    call = None


def _execution(
    order: Order, ended: Mapping[str, Order], fills: Sequence[Fill], made: tuple[TheirOrder, Any] | None
) -> Execution:
    order = ended[order.order_id]
    theirs = [] if made is None else [fill for fill in made[1].fills if fill.order_id == made[0].order_id]
    quantity, price = _average([(fill.quantity, fill.price) for fill in fills])
    model_quantity, model_price = _average([(fill.quantity, fill.price) for fill in theirs])
    first = min((fill.time for fill in fills), default=None)
    return Execution(
        order,
        quantity,
        price,
        sum(fill.commission for fill in fills),
        None if first is None else (first - order.created_at) / NANOS,
        model_quantity,
        model_price,
        sum(fill.commission for fill in theirs),
        theirs[0].timestamp if theirs else None,
    )


def _average(parts: Sequence[tuple[float, float]]) -> tuple[float, float | None]:
    quantity = sum(part for part, _ in parts)
    return quantity, sum(part * price for part, price in parts) / quantity if quantity else None


def _more(first: float, second: float) -> float:
    return first - second if first - second > first * DUST else 0.0


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    if not values:
        return {"mean": None, "median": None, "worst": None}
    return {"mean": sum(values) / len(values), "median": median(values), "worst": values[-1]}
