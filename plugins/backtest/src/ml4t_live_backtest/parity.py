"""The proof: the same strategy over the same bars in both engines, compared to the last bit."""

from __future__ import annotations

import asyncio
import copy
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from math import fsum
from typing import Any

import polars as pl
from attrs import evolve, field, frozen
from ml4t.backtest import BacktestConfig, DataFeed, Engine

from ml4t.live.config.settings import EngineSettings
from ml4t.live.engine.live import LiveEngine
from ml4t.live.engine.news import News
from ml4t.live.journal import JournalReader
from ml4t.live.model import Fill
from ml4t.live.risk.config import LiveRiskConfig
from ml4t_live_backtest.divergence import Divergence, Run, books_differ, first_divergence
from ml4t_live_backtest.extras import Extra
from ml4t_live_backtest.frames import FrameFeed, Stamps, UnusableData, usable_bars
from ml4t_live_backtest.limits import DOES_NOT_ADD_UP, refuse_what_cannot_run
from ml4t_live_backtest.trace import Tracer
from ml4t_live_backtest.watch import WatchedStrategy

_PATIENCE_MS = 60_000.0
"""What a risk check may take here: how busy the machine is decides nothing in a comparison."""

MakeStrategy = Callable[[], Any]


_QUOTES = frozenset({"price", "vwap", "bid", "ask", "mid", "bid_size", "ask_size"})


@frozen
class Recording:
    """The tables of a backtest: bars, and signals and context when there are any."""

    prices: pl.DataFrame
    signals: pl.DataFrame | None = None
    context: pl.DataFrame | None = None
    columns: Mapping[str, Any] = field(factory=dict)
    """What `DataFeed` is told of its columns, as in `{"vwap_col": "vwap"}`."""

    @property
    def has_only_bars(self) -> bool:
        """True when there is nothing but prices and volume."""
        return self.signals is None and self.context is None and not self.columns and not _QUOTES & set(self.prices.columns)

    def feed(self) -> DataFeed:
        """Return the feed of a backtest over these tables."""
        return DataFeed(
            prices_df=self.prices, signals_df=self.signals, context_df=self.context, entity_col="asset", **self.columns
        )


@frozen
class Parity:
    """The outcome: nothing diverged, or where it did first."""

    backtest: Run
    live: Run
    divergence: Divergence | None
    books: tuple[str, ...]
    """How the books of the live engine itself (portfolio and journal) differ from the backtest; none when they do not."""
    refused: int
    """Orders that the limits of the live engine refused."""

    @property
    def passed(self) -> bool:
        """True when nothing is different."""
        return self.divergence is None and not self.books


def check_parity(
    make: MakeStrategy,
    recording: Recording,
    config: BacktestConfig | None = None,
    *,
    limits: LiveRiskConfig | None = None,
    options: Mapping[str, Any] | None = None,
) -> Parity:
    """Run a new strategy of `make` in each engine, and compare everything they did.

    The live engine is the whole one: inbox, market state, gate (with `limits`, by default none), journal (durability none)
    and desk; its shadow venue is configured by `config`. `options` are those of the backtest's `Engine`. Call it outside an
    event loop. Raises UnusableData and ValueError for what cannot be compared, with the reason.
    """
    config = config or BacktestConfig()
    recording = Recording(usable_bars(recording.prices), recording.signals, recording.context, recording.columns)
    backtest = run_backtest(make, recording, config, options)
    live = run_live(make, recording, config, limits=limits, options=options)
    return Parity(backtest, live.run, first_divergence(backtest, live.run), tuple(our_books(live)), live.refused)


@frozen
class LiveRun:
    """What the live engine did, and its own books of it."""

    run: Run
    fills: tuple[Fill, ...]
    """The executions in the journal."""
    quantities: Mapping[str, float]
    cash: float
    backtest_cash: float
    open_orders: str
    """How the open orders of the desk came to differ from those of the backtest first, empty when they never did."""
    refused: int


def run_backtest(
    make: MakeStrategy, recording: Recording, config: BacktestConfig, options: Mapping[str, Any] | None = None
) -> Run:
    """Return what the installed ml4t-backtest does."""
    strategy = make()
    engine = Engine(recording.feed(), strategy, copy.deepcopy(config), **_own(options))
    engine.lifecycle_dispatcher.strategy = tracer = Tracer(strategy)
    engine.run()
    return _run_of(engine, tracer)


def run_live(
    make: MakeStrategy,
    recording: Recording,
    config: BacktestConfig,
    *,
    limits: LiveRiskConfig | None = None,
    options: Mapping[str, Any] | None = None,
) -> LiveRun:
    """Return what the live engine does with the same tables."""
    strategy = make()
    refuse_what_cannot_run(strategy, config, {**(options or {}), **recording.columns}, recorded=True)
    feed = recording.feed()
    hosted = WatchedStrategy(
        strategy,
        copy.deepcopy(config),
        stamp=Stamps(recording.prices),
        extras=None if recording.has_only_bars else RecordedExtras(feed),
        timestamps=feed.timestamps,
        feed_spec=feed.feed_spec,
        options=_own(options),
        remembers=False,  # nobody takes this run up again
    )
    hosted.shield = tracer = Tracer(hosted.shield)
    with tempfile.TemporaryDirectory() as folder:
        engine = LiveEngine(
            hosted,
            None,
            FrameFeed(recording.prices),
            risk=evolve(limits or LiveRiskConfig.without_limits("shadow"), check_budget_ms=_PATIENCE_MS),
            state_dir=folder,
            name="parity",
            settings=EngineSettings(durability="none", on_error="halt", export_seconds=0.0),
        )
        asyncio.run(engine.run())
        return _live_run(engine, hosted, tracer)


def _own(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return options for one engine alone: models of cost may remember what they were asked."""
    return copy.deepcopy(dict(options or {}))


def _live_run(engine: LiveEngine, hosted: WatchedStrategy, tracer: Tracer) -> LiveRun:
    if engine.core is None:
        raise UnusableData("there are no bars")
    refused = engine.core.market.refused
    if refused:
        reasons = ", ".join(f"{count} for {reason}" for reason, count in refused.items())
        raise UnusableData(f"the live engine refuses {sum(refused.values())} bars that the backtest believes: {reasons}")
    portfolio = engine.core.desk.portfolio
    with JournalReader(engine.state_folder.journal) as journal:
        fills = tuple(journal.fills())
        rejected = sum(order.verdict is not None for order in journal.orders())
    return LiveRun(
        _run_of(hosted.session.engine, tracer),
        fills,
        {symbol: position.quantity for symbol, position in portfolio.positions.items()},
        portfolio.cash,
        hosted.session.broker.cash,
        hosted.difference,
        rejected,
    )


def _run_of(engine: Engine, tracer: Tracer) -> Run:
    broker = engine.broker
    return Run(tracer.calls, broker.orders, broker.fills, broker.trades, dict(broker.positions), engine.equity_curve)


def our_books(live: LiveRun) -> Iterator[str]:
    """Yield how the live engine's own books differ from those of the backtest that ran in it."""
    run = live.run
    if len(live.fills) != len(run.fills):
        yield f"the journal has {len(live.fills)} executions, and the backtest {len(run.fills)}"
    for ours, theirs in zip(live.fills, run.fills, strict=False):
        mine = (ours.symbol, ours.side.name, ours.quantity, ours.price, ours.commission)
        if mine != (theirs.asset, theirs.side.name, theirs.quantity, theirs.price, theirs.commission):
            yield f"an execution is {mine} in the journal, and {theirs} in the backtest"
            break
    for asset in sorted(run.positions.keys() | live.quantities.keys()):
        yield from _positions_differ(asset, live)
    yield from filter(None, (books_differ("cash", live.cash, live.backtest_cash), live.open_orders))


def _positions_differ(asset: str, live: LiveRun) -> Iterator[str]:
    position = live.run.positions.get(asset)
    ours, theirs = live.quantities.get(asset, 0.0), 0.0 if position is None else position.quantity
    different = books_differ(f"the position in {asset}", ours, theirs)
    if not different:
        return
    sides = {"BUY": 1.0, "SELL": -1.0}
    traded = fsum(sides[fill.side.name] * fill.quantity for fill in live.run.fills if fill.asset == asset)
    yield different if books_differ("", traded, ours) else f"{different}; {DOES_NOT_ADD_UP}"


class RecordedExtras:
    """What a backtest's feed has besides bars (signals, quotes, volume-weighted prices, context), by timestamp."""

    def __init__(self, feed: DataFeed) -> None:
        self._slices = iter(feed)

    def candles_for(self, _bars: int | None, _history: int) -> Sequence[int]:
        """Return nothing: everything is in the table."""
        return ()

    def at(self, _moment: int, timestamp: datetime, _group: Mapping[str, News], _context: Mapping[str, Any]) -> Extra:
        """Return what the table has at a timestamp. Raises UnusableData when it has others before it."""
        known, assets, context = next(self._slices)
        if known != timestamp:
            raise UnusableData(
                f"there are quotes, signals or context at {known}, but no bar that the live engine believes; take that time out"
            )
        return Extra(assets, context)
