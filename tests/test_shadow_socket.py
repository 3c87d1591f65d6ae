"""In shadow mode nothing is ever written to the venue's socket: asserted at the socket, with the same session in paper mode."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.crash.broker import LineBroker
from tests.crash.points import Course
from tests.crash.venue import Venue

from ml4t.live import LiveEngine, LiveRiskConfig, SafeBroker, Trade
from ml4t.live.clock import SystemClock

PATIENCE = 20.0
OFF = dict.fromkeys(["max_data_staleness_seconds", "dedup_window_seconds", "max_price_deviation_pct", "max_order_value"])


class Ear:
    """A venue that counts who connects and what arrives, before anything is understood."""

    def __init__(self) -> None:
        self.connections = 0
        self.received: list[dict[str, Any]] = []
        self._venue = Venue(SystemClock())

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[int]:
        """Yield the port."""
        inner = await asyncio.start_server(self._venue._connected, "127.0.0.1", 0)
        outer = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._port = inner.sockets[0].getsockname()[1]
        async with inner, outer:
            yield outer.sockets[0].getsockname()[1]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        answers, requests = await asyncio.open_connection("127.0.0.1", self._port)
        back = asyncio.create_task(self._pump(answers, writer))
        async for line in reader:
            self.received.append(json.loads(line))
            requests.write(line)
        requests.close()
        back.cancel()
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            writer.write(line)


class Everything:
    """A strategy that submits, amends, cancels and closes."""

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        broker.submit_order("AAA", 100)
        resting = broker.submit_order("AAA", 103, "buy", "limit", 90.0)
        broker.replace_order(resting.order_id, quantity=50.0)
        broker.cancel_order(resting.order_id)
        broker.close_position("AAA")


class Ticks:
    """Prints on the machine's clock, each when the last has been dealt with."""

    historical = False
    symbols = ("AAA",)

    async def run(self, sink: Any) -> None:
        """Push five."""
        clock = SystemClock()
        for _ in range(5):
            sink.push(Trade("AAA", clock.now(), 100.0, 1.0))
            await clock.sleep(0.02)


async def engine(port: int, mode: str, folder: Path) -> None:
    limits = LiveRiskConfig(execution_mode=mode, **OFF)
    broker = LineBroker(port, Course(), SystemClock())
    run = LiveEngine(Everything(), broker, Ticks(), risk=limits, state_dir=folder)
    await run.connect()
    await run.run()


async def safe_broker(port: int, mode: str, folder: Path) -> None:
    limits = LiveRiskConfig(execution_mode=mode, **OFF)
    async with SafeBroker(LineBroker(port, Course(), SystemClock()), limits, state_dir=folder) as safe:
        safe.record_market_snapshot("AAA", 100.0)
        order = await safe.submit_order_async("AAA", 103, "buy", "limit", 90.0)
        await safe.cancel_order_async(order.order_id)
        safe.enable_kill_switch("enough", flatten=True)


@pytest.mark.parametrize("session", [engine, safe_broker])
@pytest.mark.parametrize("mode", ["shadow", "paper"])
def test_shadow_mode_writes_nothing_to_the_venue_and_paper_mode_does(session, mode, tmp_path):
    async def play() -> Ear:
        ear = Ear()
        async with ear.listen() as port, asyncio.timeout(PATIENCE):
            await session(port, mode, tmp_path)
        return ear

    ear = asyncio.run(play())
    if mode == "shadow":
        assert (ear.connections, ear.received) == (0, [])
    else:
        assert ear.connections == 1
        assert {"submit", "snapshot"} <= {message["do"] for message in ear.received}
