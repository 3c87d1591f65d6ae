"""A desk with the shadow venue behind it, for the tests of this folder."""

from __future__ import annotations

import pytest

from ml4t.live.model import Bar, Quote, Trade
from ml4t.live.shadow import ShadowVenue

SECOND = 1_000_000_000


class Exchange:
    """A desk with the shadow venue behind it, fed as the engine feeds it: market, venue, marks, then the strategy."""

    def __init__(self, room, cash=100_000.0, **options) -> None:
        self.desk = room(cash)
        self.venue = self.desk.desk.executor = ShadowVenue(self.desk.market, self.desk.desk, initial_cash=cash, **options)
        self.broker = self.desk.broker
        self.orders = self.desk.orders
        self.begun = self.desk.clock.now()

    def restart(self, **options):
        """Give a new venue what the desk knows, as a start does."""
        desk, old = self.desk.desk, self.venue
        self.venue = desk.executor = ShadowVenue(self.desk.market, desk, **options)
        self.venue.restore(
            self.desk.portfolio.cash,
            self.desk.portfolio.positions,
            self.orders.open_orders,
            notes={order_id: note for order_id, note in old.unsaved.items() if note is not None},
            executions={order_id: kept.executions for book in old.resting.values() for order_id, kept in book.items()},
            family=self.orders.finished,
        )

    def event(self, event):
        self.desk.clock.advance(event.event_time + (event.interval if isinstance(event, Bar) else 0))
        if self.desk.market.apply(event, self.desk.clock.now()) is None:
            return
        self.venue.on_event(event)
        self.desk.desk.mark(event.symbol, self.desk.market.price(event.symbol))

    def at(self, seconds):
        return self.begun + seconds * SECOND

    def trade(self, price, seconds=0, symbol="A", *, size=1.0):
        self.event(Trade(symbol, self.at(seconds), price, size))

    def quote(self, bid, ask, seconds, symbol="A", *, sizes=(1.0, 1.0)):
        self.event(Quote(symbol, self.at(seconds), bid, ask, *sizes))

    def bar(self, opens, high, low, close, seconds, *, interval=60, complete=True, symbol="A", volume=1.0):
        self.event(Bar(symbol, self.at(seconds), opens, high, low, close, volume, interval * SECOND, complete))

    def state(self, order):
        return self.orders.get(order.order_id)

    def agree(self):
        mine, theirs = self.desk.portfolio, self.venue.portfolio
        assert mine.cash == pytest.approx(theirs.cash)
        assert {s: p.quantity for s, p in mine.positions.items()} == {s: p.quantity for s, p in theirs.positions.items()}
        resting = {order_id for book in self.venue.resting.values() for order_id in book}
        assert resting == {order.order_id for order in self.orders.open_orders}
        assert all(self.venue.resting.values()), "a symbol without orders is left behind"
