"""An ml4t-backtest strategy as one of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ml4t.backtest import BacktestConfig

from ml4t.live.engine.news import News
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.shadow.sink import VenueSink
from ml4t.live.times import to_nanoseconds
from ml4t_live_backtest.book import GatedOrderBook, install
from ml4t_live_backtest.extras import NO_EXTRA, Extras
from ml4t_live_backtest.history import History
from ml4t_live_backtest.memory import notes_of, take_back
from ml4t_live_backtest.mirror import Mirror
from ml4t_live_backtest.session import Session, SliceFeed
from ml4t_live_backtest.shield import Shield
from ml4t_live_backtest.slices import slice_of
from ml4t_live_backtest.venue import BacktestVenue


class HostedStrategy:
    """Runs a strategy of ml4t-backtest inside the engine it was written for, on our data, with our desk behind its broker.

    The engine of the installed ml4t-backtest does what it does in a backtest: it calls the strategy, evaluates position
    rules and keeps the books that the strategy sees. In shadow mode it fills the orders as well; otherwise the venue does,
    and its books follow ours.
    """

    def __init__(
        self,
        strategy: Any,
        config: BacktestConfig,
        *,
        stamp: Callable[[int], datetime],
        extras: Extras | None = None,
        timestamps: Sequence[datetime] = (),
        feed_spec: Any = None,
        options: Mapping[str, Any] | None = None,
        remembers: bool = True,
        keep: int | None = None,
        table: Mapping[str, Any] | None = None,
    ) -> None:
        self.hosted = strategy
        self.config = config
        self.host_table = table
        """The table [host] that makes its host again; None when that was made of objects."""
        self.result: Any = None
        """What the backtest would have returned, once the run has ended."""
        self.shield: Any = Shield(strategy)
        """What the engine of the backtest calls in place of the strategy."""
        self._stamp = stamp
        self._extras = extras
        self._options = dict(options or {})
        self.session = Session(strategy, config, SliceFeed(feed_spec or config.resolved_feed_spec, timestamps), **self._options)
        """The engine of the backtest."""
        self._remembers = remembers
        self._keep = keep
        self._history: History | None = None
        self._book: GatedOrderBook | None = None
        self._venue: BacktestVenue | None = None
        self._mirror: Mirror | None = None
        self._moment = 0

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
        session = self.session
        session.engine.lifecycle_dispatcher.strategy = self.shield
        self._history = None if self._keep is None else History(session.engine, self._keep)
        book = self._book = install(session.broker, broker)
        take_back(session.broker, broker.recall(), broker.positions, broker.get_cash(), self._stamp)
        if self._venue is None:
            self._mirror = Mirror(session.broker, book, broker)
        else:
            for asset, spec in (self._options.get("contract_specs") or {}).items():
                broker.set_multiplier(asset, spec.multiplier)
            self._venue.open(book, lambda: self._moment)
        self._run(session.begin)

    def candles_for(self, bars: int | None, history: int) -> Sequence[int]:
        """Return the candles that its signals are made of after a start; see `ml4t.live.contracts.KeepsBars`."""
        return () if self._extras is None else self._extras.candles_for(bars, history)

    def on_news(self, moment: int, group: Mapping[str, News], context: Mapping[str, Any], broker: DeskBroker) -> None:
        """Let a timestamp happen in the engine."""
        self._moment = moment
        stamped = self._stamp(moment)
        extra = NO_EXTRA if self._extras is None else self._extras.at(moment, stamped, group, context)
        for fault in extra.faults:
            self.shield.keep(fault)
        if self._mirror is not None:
            self._mirror.catch_up(stamped)
        self._run(self.session.advance, stamped, slice_of(group, extra.values), dict(extra.columns))
        if self._history is not None:
            self._trim(self._history)
        if self._remembers:
            broker.remember(notes_of(self.session.broker))

    def on_data(self, timestamp: datetime, data: Any, context: Mapping[str, Any], broker: DeskBroker) -> None:
        """Let a timestamp happen in the engine, on values in place of events."""
        self.on_news(to_nanoseconds(timestamp), data, context, broker)

    def on_end(self, broker: DeskBroker) -> None:
        """End the engine, which calls the strategy's `on_end`."""
        self.result = self._run(self.session.finish)

    def _trim(self, history: History) -> None:
        dropped = history.trim()
        if self._venue is not None:
            self._venue.forget(dropped)

    def _run(self, step: Callable[..., Any], *given: Any) -> Any:
        try:
            return step(*given)
        finally:
            if self._venue is not None:
                self._venue.settle()
            self.shield.raise_caught()
