"""One storm: the real engine, started again and again on one journal, against a venue where everything goes wrong."""

from __future__ import annotations

import asyncio
import random
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from ml4t.live import LiveEngine, LiveRiskConfig, Strategy
from ml4t.live.clock import Clock, LoopClock
from ml4t.live.config.settings import EngineSettings
from ml4t.live.journal import JournalReader
from ml4t.live.model import Order, OrderSide
from ml4t.live.testing import Faults, SearchableVenue, SimulatedFeed, SimulatedVenue, check_history, run_virtual
from ml4t.live.times import NANOS

START = 1_767_225_600 * NANOS  # 2026-01-01
SYMBOLS = ("AAA", "BBB", "CCC")
EVERY = 30.0
"""Seconds between two trades of a symbol: what storms are made of are orders and faults, not prices."""
LEGS = 4
"""How often the engine is started within a storm."""
QUIET = 300.0
"""Seconds of every run at the end, in which nothing goes wrong."""
QUIET_RUNS = 3
MAX_OPEN, MAX_SHARES = 4, 5.0
LIMITS = LiveRiskConfig(
    execution_mode="paper",
    max_open_orders=MAX_OPEN,
    max_position_shares=MAX_SHARES,
    max_daily_loss=None,
    max_drawdown_pct=None,
)
SETTINGS = EngineSettings(
    durability="none", control_seconds=60.0, silence_seconds=300.0, heartbeat_seconds=60.0, blocked_after_seconds=300.0
)


def command(seed: int, hours: float) -> str:
    """Return the command that runs one storm again."""
    return shlex.join(["python", "core/tests/storms", "--seed", str(seed), "--hours", f"{hours:g}"])


def faults_of(seed: int) -> Faults:
    """Return what goes wrong in a storm: every storm has weather of its own."""
    rng = random.Random(f"{seed} faults")

    def up_to(most: float) -> float:
        return rng.choice((0.0, 0.5, 1.0)) * most

    return Faults(
        latency_seconds=rng.choice((0.05, 0.5, 2.0)),
        reject=up_to(0.1),
        lose_acknowledgement=up_to(0.2),
        duplicate_fill=up_to(0.4),
        partial_fill=up_to(0.6),
        late_request=up_to(0.1),
        late_seconds=25.0,
        lose_request=up_to(0.1),
        reorder=up_to(0.3),
        snapshot_lag_seconds=up_to(4.0),
        rollback_ids=rng.random() < 0.5,
        line_seconds=rng.choice((300.0, 1_200.0, 3_600.0)),
        lose_message=up_to(0.2),
        rest_seconds=rng.choice((0.0, 20.0, 120.0)),
        throttle=up_to(0.05),
        refuse_cancel=up_to(0.3),
        no_answer=up_to(0.2),
    )


class Trader(Strategy):
    """Buys, sells, closes and cancels at random, from its own seed."""

    def __init__(self, seed: str, chance: float) -> None:
        self._rng = random.Random(seed)
        self._chance = chance

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        for symbol in data:
            what = self._rng.random() / self._chance
            if what < 0.5:
                broker.submit_order(symbol, self._rng.choice((-2, -1, 1, 2)))
            elif what < 0.6:
                broker.close_position(symbol)
            elif what < 1.0 and broker.pending_orders:
                broker.cancel_order(self._rng.choice(list(broker.pending_orders)).order_id)


def watched(kind: type[SimulatedVenue]) -> type[SimulatedVenue]:
    """Return the venue that looks, at every order it takes, at what its books could come to and whether it should have come."""

    class Watched(kind):  # type: ignore[misc, valid-type]
        engine: LiveEngine
        faults_seen: list[str]
        sent: list[str]

        async def submit(self, order: Order) -> str:
            self.sent.append(order.order_id)
            core = self.engine.core
            if core is not None and core.desk.orders.get(order.order_id) is None:
                self.faults_seen.append(f"{order.order_id} was sent and is not on the desk")
            return await super().submit(order)

        def _accept(self, order: Order) -> str:
            try:
                return super()._accept(order)
            finally:
                if order.order_id in self.orders:
                    self.faults_seen += _exceeded(self, order)

    return Watched


def _earlier(venue: Any, order: Order) -> list[Order]:
    """Return what works at the venue and was sent before an order: requests may overtake one another."""
    sent = venue.sent[: venue.sent.index(order.order_id)]
    return [there for order_id in sent if (there := venue.orders.get(order_id)) is not None and there.is_open]


def _exceeded(venue: Any, order: Order) -> list[str]:
    """Return which limits the venue's books could break with an order that it has just taken."""
    earlier = _earlier(venue, order)
    sign = 1 if order.side is OrderSide.BUY else -1
    held = venue.portfolio.quantity(order.symbol) * sign
    ahead = sum(o.remaining for o in earlier if (o.symbol, o.side) == (order.symbol, order.side))
    most = held + ahead + order.quantity
    if held < 0 and most <= 0:
        return []  # an exit passes these limits
    faults = []
    if most > MAX_SHARES:
        faults.append(f"a limit was exceeded with {order.order_id}: {order.symbol} could come to {most:g}")
    if len(earlier) >= MAX_OPEN:
        faults.append(f"a limit was exceeded with {order.order_id}: {len(earlier) + 1} orders are open at the venue")
    return faults


@attrs.frozen
class Outcome:
    """What a storm left behind."""

    venue: SimulatedVenue
    journal: Path
    faults: list[str]


def storm(seed: int, folder: Path, *, hours: float) -> Outcome:
    """Run one storm and check its history; everything in it follows from the seed and the hours."""

    async def main(clock: LoopClock) -> Outcome:
        rng = random.Random(f"{seed} storm")
        kind = watched(rng.choice((SimulatedVenue, SearchableVenue)))
        venue = kind(_prices(clock), clock, seed=seed, faults=faults_of(seed))
        venue.faults_seen, venue.sent = [], []
        chance = rng.choice((0.05, 0.15, 0.3))
        for leg in range(LEGS):
            trader = Trader(f"{seed} trader {leg}", chance)
            await _run(venue, trader, clock, seed + leg, folder, hours * 3_600 / LEGS, rng)
        venue.calm()
        await venue.settled()
        for _ in range(QUIET_RUNS):
            engine = await _run(venue, None, clock, seed, folder, QUIET, None)
            with JournalReader(engine.state_folder.journal) as reader:
                if not reader.orders(open_only=True):
                    break
        journal = engine.state_folder.journal
        return Outcome(venue, journal, [*venue.faults_seen, *check_history(venue, journal)])

    try:
        return run_virtual(main, start=START, deadline=None)
    except BaseException as error:
        error.add_note(f"reproduce with: {command(seed, hours)}")
        raise


async def _run(
    venue: Any, trader: Trader | None, clock: LoopClock, seed: int, folder: Path, seconds: float, rng: random.Random | None
) -> LiveEngine:
    """Run the engine once; with `rng` its kill switch is thrown now and then, and it may be stopped before its time."""
    lines = None if rng is None else 1_800.0
    feed = SimulatedFeed(SYMBOLS, clock, seed=seed, duration_seconds=seconds, every_seconds=EVERY, line_seconds=lines)
    engine = LiveEngine(trader, venue, feed, risk=LIMITS, state_dir=folder, clock=clock, seed=seed, settings=SETTINGS)
    venue.engine = engine
    await engine.connect()
    if rng is None:
        await engine.run()
        return engine
    trouble = asyncio.create_task(_trouble(engine, clock, rng, seconds), name="trouble")
    try:
        await engine.run()
    finally:
        trouble.cancel()
    return engine


async def _trouble(engine: LiveEngine, clock: Clock, rng: random.Random, seconds: float) -> None:
    stop = rng.random() < 0.5
    await clock.sleep(seconds * rng.uniform(0.2, 0.6))
    engine.kill("a drill", by="storm")
    await clock.sleep(rng.uniform(10.0, 900.0))
    engine.resume("the drill is over", by="storm")
    await clock.sleep(seconds * rng.uniform(0.1, 0.3))
    if stop:
        await engine.stop()


def _prices(clock: Clock) -> Callable[[str], float]:
    return lambda symbol: 100.0 + SYMBOLS.index(symbol) + clock.now() // NANOS % 97 / 100


def report(seed: int, hours: float, faults: list[str]) -> str:
    """Return what a failed storm says."""
    return "\n".join([f"storm {seed} broke {len(faults)} promises:", *faults[:20], f"reproduce with: {command(seed, hours)}"])
