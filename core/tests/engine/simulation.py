"""A simulated session: the real engine, a market and a venue with faults, on virtual time, from one seed."""

from __future__ import annotations

import io
import random
from collections import deque
from pathlib import Path
from typing import Any

import attrs

from ml4t.live import LiveEngine, LiveRiskConfig, Strategy
from ml4t.live.clock import LoopClock
from ml4t.live.journal import JournalReader, export_lines
from ml4t.live.testing import Faults, SimulatedFeed, SimulatedVenue, run_virtual
from ml4t.live.times import NANOS, to_nanoseconds

START = 1_767_225_600 * NANOS  # 2026-01-01
AFTERWARDS = 120.0
"""Seconds of every run that follows, without a strategy."""
RUNS = 5
"""How often the state directory is run again, at most, until no order is open: a line may be cut for as long."""
SYMBOLS = ("AAA", "BBB", "CCC")


class Gambler(Strategy):
    """Trades at random, from its own seed, so that every path is taken."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"{seed} gambler")
        self.times: list[int] = []
        self.partial = 0
        self.started = self.ended = 0

    def on_start(self, broker: Any) -> None:
        self.started += 1

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        self.times.append(to_nanoseconds(timestamp))
        self.partial += len(data) != len(SYMBOLS)
        for symbol in data:
            if self._rng.random() < 0.005:
                broker.submit_order(symbol, self._rng.choice((-2, -1, 1, 2)))

    def on_end(self, broker: Any) -> None:
        self.ended += 1


@attrs.define
class Outcome:
    """What a session left behind."""

    engine: LiveEngine
    venue: SimulatedVenue
    feed: SimulatedFeed
    strategy: Gambler
    journal: Path
    exported: str


STORM = Faults(
    latency_seconds=0.2, reject=0.05, lose_acknowledgement=0.05, duplicate_fill=0.1, partial_fill=0.3, line_seconds=1_800.0
)

LOST_AND_LATE = Faults(
    latency_seconds=0.5,
    reject=0.05,
    lose_acknowledgement=0.1,
    lose_request=0.1,
    late_request=0.1,
    late_seconds=25.0,
    duplicate_fill=0.2,
    partial_fill=0.4,
    reorder=0.3,
    snapshot_lag_seconds=4.0,
    rollback_ids=True,
    line_seconds=300.0,
)
"""What leaves an order in doubt: requests that come late or never, answers lost, snapshots that lag, ids given twice."""


def simulate(
    seed: int,
    folder: Path,
    *,
    hours: float,
    every_seconds: float = 1.0,
    faults: Faults = STORM,
    kind: type[SimulatedVenue] = SimulatedVenue,
) -> Outcome:
    """Run one session; every failure in it is reproduced by `simulate(seed, ...)`."""

    async def main(clock: LoopClock) -> Outcome:
        feed = SimulatedFeed(
            SYMBOLS, clock, seed=seed, duration_seconds=hours * 3_600, every_seconds=every_seconds, line_seconds=1_200.0
        )
        prices: dict[str, float] = {}
        venue = kind(lambda symbol: prices.get(symbol, 100.0), clock, seed=seed, faults=faults)
        strategy = Gambler(seed)
        limits = LiveRiskConfig(
            execution_mode="paper",
            max_position_value=2_000.0,
            max_daily_loss=None,
            max_drawdown_pct=None,
            max_orders_per_minute=10,
        )
        engine = LiveEngine(strategy, venue, feed, risk=limits, state_dir=folder, clock=clock, seed=seed)
        await engine.connect()
        core = engine.core
        assert core is not None
        take = core.take

        def remember(events: deque[Any], limit: int) -> bool:
            for _ in range(limit):
                prices[events[0].symbol] = events[0].price
                if take(events, 1):
                    return True
            return False

        core.take = remember
        await engine.run()
        await venue.settled()
        # What the venue did after the engine had gone is learnt by the next run of the same state directory.
        for _ in range(RUNS):
            quiet = SimulatedFeed(SYMBOLS, clock, seed=seed, duration_seconds=AFTERWARDS, every_seconds=every_seconds)
            await LiveEngine(None, venue, quiet, risk=limits, state_dir=folder, clock=clock, seed=seed).run()
            with JournalReader(engine.state_folder.journal) as reader:
                if not reader.orders(open_only=True):
                    break
        journal = engine.state_folder.journal
        out = io.StringIO()
        with JournalReader(journal) as reader:
            export_lines(reader, out)
        return Outcome(engine, venue, feed, strategy, journal, out.getvalue())

    try:
        return run_virtual(main, start=START)
    except BaseException as error:
        error.add_note(f"reproduce with seed {seed}")
        raise
