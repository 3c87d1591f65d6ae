"""Paper sessions of hosted strategies against a simulated venue, on virtual time."""

from __future__ import annotations

import asyncio

from exchange import Exchange, SharedFeed
from ml4t.backtest import BacktestConfig

from ml4t.live import LiveEngine
from ml4t.live.config.settings import EngineSettings
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.testing import Faults, SimulatedFeed, SimulatedVenue, run_virtual
from ml4t_live_backtest.config import HostConfig
from ml4t_live_backtest.host import BacktestHost

START = 1_700_000_040 * 10**9
"""On a minute."""


def paper(
    folder,
    strategy,
    *,
    seconds=1_200.0,
    symbols=("A",),
    faults=None,
    price=None,
    act=None,
    limits=None,
    backtest=None,
    venue=None,
    **settings,
):
    """Run a strategy on minute bars of a random walk; return the hosted strategy, the engine and the venue.

    The venue trades at the walk's price of the moment, or at `price(symbol)`; `venue` is one of an earlier session, which
    this one follows after an hour.
    """

    async def main(clock):
        feed = SimulatedFeed(symbols, clock, seed=1, duration_seconds=seconds, every_seconds=1.0)
        engine = None

        def at(symbol):
            return engine.core.market.price(symbol) or 100.0

        there = venue or SimulatedVenue(price or at, clock, seed=1, faults=faults or Faults())
        there._clock = clock
        hosted = BacktestHost(HostConfig(timestamps="naive"), backtest=backtest or BacktestConfig()).host(strategy)
        risk = limits or LiveRiskConfig.without_limits("paper")
        made = EngineSettings(**{"on_error": "halt", **settings})
        engine = LiveEngine(hosted, there, feed, bars="1m", risk=risk, settings=made, state_dir=folder, clock=clock, seed=1)
        await engine.connect()
        beside = asyncio.create_task(act(engine, there, clock)) if act is not None else None
        await engine.run()
        if beside is not None:
            await beside
        return hosted, engine, there

    return run_virtual(main, start=START if venue is None else START + 3_600 * 10**9)


def trade_at_exchange(
    folder, strategy, *, seconds=1_800.0, symbols=("A", "B"), backtest=None, refuses=None, limits=None, seed=1, **settings
):
    """Run a strategy on minute bars against a venue that takes every type of order; return it hosted, the venue, the engine."""

    async def main(clock):
        exchange = Exchange(clock, refuses=refuses or (lambda order: False))
        feed = SharedFeed(symbols, clock, seed=seed, duration_seconds=seconds, every_seconds=1.0)
        feed.exchange = exchange
        hosted = BacktestHost(HostConfig(timestamps="naive"), backtest=backtest or BacktestConfig()).host(strategy)
        risk = limits or LiveRiskConfig.without_limits("paper")
        made = EngineSettings(**{"on_error": "halt", **settings})
        engine = LiveEngine(hosted, exchange, feed, bars="1m", risk=risk, settings=made, state_dir=folder, clock=clock, seed=1)
        await engine.run()
        return hosted, exchange, engine

    return run_virtual(main, start=START)
