"""An ml4t-backtest strategy as one of ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ml4t.backtest import BacktestConfig

from ml4t.live.orders.facade import DeskBroker
from ml4t.live.shadow.sink import VenueSink
from ml4t.live.times import to_nanoseconds
from ml4t_live_backtest.book import GatedOrderBook, install
from ml4t_live_backtest.session import Session, SliceFeed
from ml4t_live_backtest.shield import Shield
from ml4t_live_backtest.slices import slice_of, stamp
from ml4t_live_backtest.venue import BacktestVenue


class HostedStrategy:
    """Runs a strategy of ml4t-backtest inside the engine it was written for, on our data, with our desk behind its broker.

    The engine of the installed ml4t-backtest does what it does in a backtest: it calls the strategy, evaluates position
    rules and keeps the books that the strategy sees. In shadow mode it fills the orders as well.
    """

    def __init__(self, strategy: Any, config: BacktestConfig) -> None:
        self.hosted = strategy
        self.config = config
        self.result: Any = None
        """What the backtest would have returned, once the run has ended."""
        self._shield = Shield(strategy)
        self._venue: BacktestVenue | None = None
        self._moment = 0
        self._stamp = stamp(None)
        self._session: Session | None = None

    @property
    def initial_cash(self) -> float:
        """The cash of a shadow account."""
        return float(self.config.initial_cash)

    def shadow_venue(self, sink: VenueSink) -> BacktestVenue:
        """Return the venue that the orders of a shadow run go to."""
        self._venue = BacktestVenue(sink)
        return self._venue

    def on_start(self, broker: DeskBroker) -> None:
        """Begin the engine, which calls the strategy's `on_start` and `on_prepare`."""
        session = Session(self.hosted, self.config, SliceFeed(self.config.resolved_feed_spec))
        session.engine.lifecycle_dispatcher.strategy = self._shield
        book = install(session.broker, broker)
        if self._venue is not None:
            book.changed = self._venue.settle
            self._venue.open(book, lambda: self._moment)
        self._session = session
        self._advance(session.begin)

    def on_data(
        self, timestamp: datetime, data: Mapping[str, Mapping[str, Any]], context: Mapping[str, Any], broker: DeskBroker
    ) -> None:
        """Let a timestamp happen in the engine."""
        session = self._session
        if session is None:
            raise RuntimeError("on_data before on_start")
        self._moment = to_nanoseconds(timestamp)
        assets = slice_of(data)
        self._advance(session.advance, self._stamp(timestamp), assets, {})

    def on_end(self, broker: DeskBroker) -> None:
        """End the engine, which calls the strategy's `on_end`."""
        if self._session is not None:
            self.result = self._advance(self._session.finish)

    def _advance(self, step: Any, *given: Any) -> Any:
        try:
            return step(*given)
        finally:
            if self._venue is not None:
                self._venue.settle()
            self._shield.raise_caught()
