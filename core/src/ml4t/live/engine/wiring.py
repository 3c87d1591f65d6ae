"""How the larger parts of the engine are made from what a run consists of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ml4t.live.clock import Clock
from ml4t.live.engine.agenda import Agenda
from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.bars import BarSynchroniser
from ml4t.live.engine.faults import Faults
from ml4t.live.engine.outbox import Outbox
from ml4t.live.engine.parts import Parts
from ml4t.live.engine.refusals import tell_refused
from ml4t.live.engine.strategist import (
    DirectStrategist,
    Forecasts,
    Remember,
    Strategist,
    StrategyMemory,
    ThreadedStrategist,
)
from ml4t.live.journal import Journal
from ml4t.live.ledger import ForecastLedger, Horizons
from ml4t.live.ledger.latest import Issued
from ml4t.live.market import MarketState
from ml4t.live.model import Bar, Fill
from ml4t.live.orders.book import OrderBook
from ml4t.live.orders.desk import Desk
from ml4t.live.orders.executions import Key
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.orders.ports import Recorder
from ml4t.live.portfolio import Portfolio
from ml4t.live.risk.books import Books
from ml4t.live.risk.checks import standard_checks
from ml4t.live.risk.gate import RiskGate
from ml4t.live.risk.loss import LossWatch
from ml4t.live.risk.switch import Connection, Switch
from ml4t.live.shadow import ShadowVenue
from ml4t.live.shadow.costs import costs_of
from ml4t.live.shadow.memory import BringsVenue, MemoryVenue
from ml4t.live.tape import Tape, TapedMarket, TapedStrategy

OnLoop = Callable[[Callable[[], None]], None]


def market_of(parts: Parts, tape: Tape | None) -> MarketState:
    """Return the market state of a run, which tells the tape when there is one."""
    history, candles = parts.market.history, parts.candles
    if tape is None:
        market = MarketState(history, candles, parts.calendar)
    else:
        market = TapedMarket(tape, history, candles, parts.calendar)
    market.on_refused = tell_refused
    return market


def desk_of(
    parts: Parts,
    market: MarketState,
    clock: Clock,
    record: Recorder,
    *,
    switch: Switch,
    connection: Connection,
    losses: LossWatch,
    on_loop: OnLoop,
    find_fill: Callable[[Key], Fill | None],
) -> Desk:
    """Return the desk, with the standard checks and those of the run before it."""
    limits = parts.limits
    portfolio = Portfolio(parts.initial_cash if parts.mode == "shadow" else 0.0)
    counted = limits.max_orders_per_minute or 0  # what a limit counts has to be known, however little else is
    checks = [*standard_checks(limits, switch, connection, losses, clock), *parts.checks]
    return Desk(
        gate=RiskGate(checks, clock, budget_ms=limits.check_budget_ms),
        books=Books(market, portfolio, OrderBook(max(parts.engine.recent_orders, counted))),
        losses=losses,
        clock=clock,
        record=record,
        on_loop=on_loop,
        find_fill=find_fill,
    )


def shadow_venue_of(parts: Parts, market: MarketState, desk: Desk) -> MemoryVenue:
    """Return the venue of a shadow run: the strategy's own, when it brings one."""
    if isinstance(parts.strategy, BringsVenue):
        if parts.engine.strategy_thread:
            raise ValueError(f"{parts.strategy_name} brings its own shadow venue; write [engine] strategy_thread = false")
        return parts.strategy.shadow_venue(desk)
    shadow = parts.shadow
    return ShadowVenue(
        market,
        desk,
        initial_cash=shadow.initial_cash,
        costs=costs_of(shadow),
        allow_shorts=shadow.allow_shorts,
        max_volume_share=shadow.max_volume_share,
        leverage=shadow.leverage,
        maintenance_margin=shadow.maintenance_margin,
        same=shadow.execution == "same",
        calendar=parts.calendar,
    )


def outbox_of(parts: Parts, desk: Desk, clock: Clock) -> Outbox:
    """Return what carries orders to the broker of a run. Raises ValueError when it has none."""
    if parts.broker is None:
        raise ValueError(f"mode {parts.mode!r} needs a broker; give one, or use mode 'shadow'")
    return Outbox(parts.broker, desk, clock)


def ledger_of(parts: Parts, market: MarketState, record: Recorder) -> ForecastLedger:
    """Return the ledger of forecasts."""
    settings = parts.engine
    horizons = Horizons(parts.calendar, late=settings.forecast_late, give_up=settings.forecast_give_up)
    return ForecastLedger(market, record, horizons=horizons, cost=settings.forecast_cost)


def strategist_of(
    parts: Parts,
    desk: Desk,
    market: MarketState,
    forecasts: Callable[[], Forecasts],
    faults: Faults,
    journal: Journal,
    on_loop: OnLoop,
    barrier: Barrier | None,
    tape: Tape | None,
    remember: Remember,
) -> Strategist | None:
    """Return what calls the strategy, and tells the tape when there is one; None when there is no strategy."""
    strategy = parts.strategy
    if strategy is None:
        return None
    name = parts.strategy_name
    broker = DeskBroker(desk, parts.run_id, name, StrategyMemory(journal, name, remember))
    threaded = parts.engine.strategy_thread
    if tape is not None:
        strategy = TapedStrategy(strategy, tape, lambda: journal.last_seq, moving=threaded and barrier is None)
    direct = DirectStrategist(strategy, name, broker, market, forecasts, faults, journal=None if threaded else journal)
    return ThreadedStrategist(direct, on_loop, barrier) if threaded else direct


def forecasts_of(parts: Parts, ledger: ForecastLedger, clock: Clock) -> Callable[[], Forecasts]:
    """Return what finds the forecasts that are valid at the time of asking."""
    if not parts.forecasters:
        return dict

    def valid() -> Forecasts:
        now = clock.now()
        return Issued(ledger.latest, now + 1, past=now)

    return valid


def bars_of(
    parts: Parts, agenda: Agenda, release: Callable[[int, dict[str, Bar]], Any], *, ordered: bool
) -> BarSynchroniser | None:
    """Return what makes the bars of the run, None when events go to the strategy as they are."""
    if parts.bars is None:
        return None
    return BarSynchroniser(
        parts.bars,
        parts.symbols,
        agenda,
        release,
        ordered=ordered,
        grace_seconds=parts.engine.flush_timeout_seconds,
        evolving=parts.evolving,
    )
