"""The process under test: the real engine in paper mode, on a clock that runs fast, until the script is through."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

from ml4t.live import LiveEngine, LiveRiskConfig
from ml4t.live.clock import SystemClock
from ml4t.live.config.settings import EngineSettings
from ml4t.live.engine.core import Core
from ml4t.live.model import OrderState
from ml4t.live.times import NANOS

from .broker import LineBroker, SearchingBroker, TickFeed
from .points import Course
from .script import MAX_OPEN_ORDERS, MAX_POSITION_SHARES, TICKS, Scripted

SPEED = 50
"""Seconds of the session in one of the machine's: an order in doubt is asked about for 40 s before it is given up."""

LIMITS = LiveRiskConfig(
    execution_mode="paper",
    max_open_orders=MAX_OPEN_ORDERS,
    max_position_value=None,
    max_position_shares=MAX_POSITION_SHARES,
    max_positions=3,
    max_total_exposure=None,
    max_order_value=None,
    max_orders_per_minute=None,
    max_daily_loss=None,
    max_drawdown_pct=None,
    max_price_deviation_pct=None,
    max_data_staleness_seconds=None,
    dedup_window_seconds=None,
)
SETTINGS = EngineSettings(
    durability="fsync",
    reconnect_first_seconds=0.5,
    reconcile_seconds=20.0,
    silence_seconds=600.0,
    control_seconds=60.0,
)
IN_TRANSIT = frozenset({OrderState.INTENT, OrderState.SENT})


AGE = 86_400 * NANOS
"""How old the ticks are: so old that none is of the future when the clock is set back."""


class FastClock(SystemClock):
    """The machine's clock, `SPEED` times as fast from `start` (nanoseconds UTC) on; the same in every process."""

    def __init__(self, start: int) -> None:
        self.start = start

    def now(self) -> int:
        return self.start + (time.time_ns() - self.start) * SPEED

    def monotonic(self) -> int:
        return time.monotonic_ns() * SPEED

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)

    def timeout(self, seconds: float | None) -> Any:
        return asyncio.timeout(None if seconds is None else seconds / SPEED)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds / SPEED)


class Session:
    """What one process does: run until the script is through and nothing is open any more."""

    def __init__(
        self,
        port: int,
        state: Path,
        clock: FastClock,
        course: Course,
        *,
        searching: bool = True,
        strategy: Scripted | None = None,
    ) -> None:
        self._clock = clock
        kind = SearchingBroker if searching else LineBroker
        self._strategy = strategy or Scripted()
        self._engine = LiveEngine(
            self._strategy,
            kind(port, course, clock),
            TickFeed(port, course, clock.start - AGE, self._settled, self._is_over),
            risk=LIMITS,
            state_dir=state,
            settings=SETTINGS,
            clock=clock,
        )

    def run(self) -> None:
        """Run to the end. Raises what ended the run otherwise."""
        asyncio.run(self._engine.run())

    async def _settled(self, tick: int) -> None:
        """Wait until a tick has been decided on, what was decided is durable and has left, and more can be sent."""
        core = self._engine.core
        assert core is not None
        while self._strategy.tick < tick or not core.connection.ready or self._is_busy(core):
            await self._clock.sleep(0.05)

    def _is_busy(self, core: Core) -> bool:
        journal = core.journal
        in_transit = any(order.state in IN_TRANSIT for order in core.desk.orders.open_orders)
        return in_transit or journal.durable_seq < journal.last_seq

    def _is_over(self, tick: int) -> bool:
        core = self._engine.core
        return tick > TICKS and core is not None and not core.desk.orders.open_orders
