"""A run of the installed ml4t-backtest engine that gets its bars one timestamp at a time, when they happen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from greenlet import getcurrent, greenlet
from ml4t.backtest import BacktestConfig, Engine
from ml4t.backtest.broker import Broker
from ml4t.backtest.config import FillOrdering

from ml4t.live.errors import StrategyEnded

Slice = tuple[datetime, Any, dict[str, Any]]


class SessionEnded(StrategyEnded):
    """The engine of the backtest has stopped: it gets no more bars, and the run ends."""


class SliceFeed:
    """What the engine of the backtest takes for its data feed: it asks for the next timestamp, and waits.

    `timestamps` are those of recorded data, which the engine checks against the hours of the exchange before it begins.
    """

    prices = None
    signals = None
    session_col = None

    def __init__(self, spec: Any, timestamps: Sequence[datetime] = ()) -> None:
        self.feed_spec = spec
        self.timestamps = tuple(timestamps)
        self._session_by_timestamp: dict[datetime, Any] = {}
        self._outside = getcurrent()

    def __iter__(self) -> Iterator[Slice]:
        return self

    def __next__(self) -> Slice:
        given: Slice | None = self._outside.switch()
        if given is None:
            raise StopIteration
        return given

    def called_by(self, outside: greenlet) -> None:
        """Go back to `outside` when the engine asks for more."""
        self._outside = outside


class _SettledConfig(BacktestConfig):
    """A configuration that works out what the data say once, and not at every bar."""

    resolved_feed_spec = cached_property(vars(BacktestConfig)["resolved_feed_spec"].fget)
    resolved_calendar = cached_property(vars(BacktestConfig)["resolved_calendar"].fget)


def settled(config: BacktestConfig) -> BacktestConfig:
    """Return a configuration equal to `config`, for an engine that is about to run."""
    made = object.__new__(_SettledConfig)
    made.__dict__.update(config.__dict__)
    return made


class _SettledBroker(Broker):
    """A broker that is spared what is the same at every bar, and does what it would have done."""

    _last_prices: Any = None
    _asset_bars_seen: Any = None
    """Two attributes in place of properties, which are asked several times for every price of every bar."""

    def _process_orders(self, use_open: bool = False, **which: Any) -> None:
        """Fill what can be filled; without orders there are only positions to mark."""
        state = self._order_state
        if state.pending or state.current_bar or self.fill_ordering is not FillOrdering.EXIT_FIRST:
            super()._process_orders(use_open, **which)
        else:
            self.mark_account_positions(use_open=use_open)


def settle(broker: Broker) -> None:
    """Spare a broker what it would look up over and over."""
    broker.__class__ = _SettledBroker
    broker._last_prices = broker._market_state.last_prices
    broker._asset_bars_seen = broker._market_state.asset_bars_seen
    # What a failure ends half-way is not taken back, as in a backtest: its orders have left. So there is nothing to keep.
    broker._capture_lifecycle_mutation = _keep_nothing
    broker._snapshot_lifecycle_state = broker._restore_lifecycle_state = _keep_nothing


def _keep_nothing(*_state: Any, **_scope: Any) -> None:
    """Do nothing."""


class Session:
    """Runs one engine beside the caller, on the same thread: `begin`, `advance` by a timestamp, `finish`.

    Everything the engine does at a timestamp (orders that fill, position rules, callbacks, marks) happens inside `advance`.
    What it raises comes out there.
    """

    def __init__(self, strategy: Any, config: BacktestConfig, feed: SliceFeed, **options: Any) -> None:
        """Make the engine. Raises what it raises for a strategy or configuration that it cannot run."""
        self.engine = Engine(feed, strategy, config, **options)  # it has what is asked of one
        self.engine.config = settled(self.engine.config)
        settle(self.engine.broker)
        self._feed = feed
        self._run: greenlet | None = None

    @property
    def broker(self) -> Broker:
        """The broker that the strategy is handed."""
        return self.engine.broker

    def begin(self) -> None:
        """Run `on_start` and `on_prepare`, up to where the engine asks for its first bar.

        The thread that calls this is the one to make the other calls.
        """
        self._run = greenlet(self.engine.run)
        self._switch()

    def advance(self, timestamp: datetime, assets: Any, context: dict[str, Any]) -> None:
        """Let a timestamp happen. Raises SessionEnded when the engine has stopped."""
        self._switch((timestamp, assets, context))

    def finish(self) -> Any:
        """Say that there is no more data, and return the result of the backtest; None when the engine had stopped before."""
        return None if self._run is None or self._run.dead else self._switch(None)

    def _switch(self, *given: Any) -> Any:
        if self._run is None or self._run.dead:
            raise SessionEnded("the engine of the backtest has stopped; see the error before this one")
        self._feed.called_by(getcurrent())
        return self._run.switch(*given)
