"""A recorded session in a process of its own, for the tests to kill: `killed_session.py STATE recorded|live|thread`.

It writes a line to its standard output with every call of its strategy.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "engine")]

from engine_kit import Market, limits  # noqa: E402
from honest_strategies import Busy  # noqa: E402
from parity_kit import walk  # noqa: E402

from ml4t.live import LiveEngine  # noqa: E402
from ml4t.live.clock import SystemClock  # noqa: E402
from ml4t.live.config.settings import EngineSettings  # noqa: E402
from ml4t.live.testing import Faults, ListFeed, SimulatedVenue  # noqa: E402


class Told(Busy):
    """Says on its standard output that it was called."""

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        os.write(1, b".\n")
        super().on_data(timestamp, data, context, broker)


class Portions(ListFeed):
    """A list that is told in small portions."""

    async def run(self, sink: Any) -> None:
        for event in self._events:
            if event.event_time > (self.resume_after or 0):
                sink.push(event)
                await sink.ready()
                await asyncio.sleep(0)


def make(state: Path, kind: str) -> LiveEngine:
    """Return the engine of the session."""
    Told.looks = kind != "thread"
    settings = EngineSettings(record=True, error_budget=100_000, strategy_thread=kind == "thread")
    if kind == "recorded":
        return LiveEngine(Told(), None, Portions(walk(3_000)), risk=limits(), state_dir=state, settings=settings)
    venue = SimulatedVenue(lambda _: 100.0, SystemClock(), seed=1, faults=Faults(latency_seconds=0.002))
    return LiveEngine(Told(), venue, Market(), risk=limits(execution_mode="paper"), state_dir=state, settings=settings)


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1]), sys.argv[2]).run())
