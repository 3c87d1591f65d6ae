"""Sessions against a simulated venue, with somebody who acts beside them."""

from __future__ import annotations

import asyncio

from engine_kit import START, limits

from ml4t.live import LiveEngine
from ml4t.live.config.settings import EngineSettings
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.testing import SimulatedFeed, run_virtual


def session(folder, make, act, *, seconds=300.0, mode="paper", before=None, **engine):
    """Run a session on virtual time; `act(running, clock)` is a coroutine that runs beside it. Return engine and venue."""

    async def main(clock):
        venue = make(clock)
        feed = SimulatedFeed(["A"], clock, seed=1, duration_seconds=seconds, every_seconds=1.0)
        risk, settings = limits(execution_mode=mode), EngineSettings(**engine)
        running = LiveEngine(None, venue, feed, risk=risk, settings=settings, state_dir=folder, clock=clock, seed=1)
        early = asyncio.create_task(before(running, venue, clock)) if before is not None else None
        await running.connect()
        beside = asyncio.create_task(act(running, venue, clock))
        await running.run()
        await beside
        if early is not None:
            await early
        return running, venue

    return run_virtual(main, start=START)


def buy(engine, quantity=5.0):
    return DeskBroker(engine.core.desk, engine.parts.run_id, f"test {quantity}").submit_order("A", quantity)
