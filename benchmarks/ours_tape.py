"""What recording a session costs: the same events with and without a tape, in turn in one process."""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measure import Marks, flatness

from ml4t.live import LiveEngine, LiveRiskConfig, Strategy
from ml4t.live.model import Bar, MarketEvent
from ml4t.live.testing import ListFeed

ROUNDS = 5
MINUTE = 60 * 10**9
START = 1_735_776_000 * 10**9


class Holder(Strategy):
    """Looks at its position with every call, and now and then sends an order."""

    def __init__(self, marks: Marks | None = None) -> None:
        self.calls = 0
        self._marks = marks

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        self.calls += 1
        symbol = next(iter(data))
        position = broker.get_position(symbol)
        if self.calls % 1_000 == 0:
            broker.submit_order(symbol, 1 if position is None else -position.quantity)
        if self._marks is not None:
            self._marks.see(self.calls)


def bars(count: int, symbols: int) -> list[MarketEvent]:
    """Return minute bars of some symbols."""
    names = [f"S{n}" for n in range(symbols)]
    times = range(START, START + count // symbols * MINUTE, MINUTE)
    return [Bar(name, at, 100.0, 101.0, 99.0, 100.0 + at // MINUTE % 7 / 10, 5.0, MINUTE) for at in times for name in names]


def seconds(events: Sequence[MarketEvent], folder: Path, *, record: bool, marks: Marks | None = None) -> float:
    """Return the CPU time that the engine takes with the events."""
    limits = LiveRiskConfig(max_orders_per_minute=None)
    engine = LiveEngine(Holder(marks), None, ListFeed(events), risk=limits, state_dir=folder, record=record)

    async def main() -> float:
        await engine.connect()
        gc.collect()
        started = time.process_time()
        await engine.run()
        return time.process_time() - started

    return asyncio.run(main())


def record(symbols: int = 10, count: int = 60_000) -> dict[str, float]:
    """The ratio of the two, what an event costs more, and what it takes on disk."""
    events = bars(count, symbols)
    more, ratios, size = [], [], 0
    for number in range(ROUNDS):
        taken = {}
        for taped in (False, True) if number % 2 else (True, False):
            with tempfile.TemporaryDirectory() as name:
                taken[taped] = seconds(events, Path(name), record=taped)
                size = sum(tape.stat().st_size for tape in Path(name).rglob("*.tape")) or size
        ratios.append(taken[True] / taken[False])
        more.append((taken[True] - taken[False]) / len(events) * 1e6)
    return {
        "over_plain": statistics.median(ratios),
        "us_per_event": statistics.median(more),
        "bytes_per_event": size / len(events),
        "last_over_first": flat(count * 5, symbols),
    }


def flat(count: int, symbols: int) -> float:
    """Return the CPU time of the last tenth of a recorded run over that of its second tenth."""
    marks = Marks(count // symbols // 10)
    with tempfile.TemporaryDirectory() as name:
        seconds(bars(count, symbols), Path(name), record=True, marks=marks)
    return flatness(marks)["last_over_first"]
