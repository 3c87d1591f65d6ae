"""In shadow mode nothing is ever written to the venue's socket: asserted at the socket, with the same session in paper mode."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
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

ROOT = Path(__file__).parents[1]
PATIENCE = 120.0
OFF = dict.fromkeys(["max_data_staleness_seconds", "dedup_window_seconds", "max_price_deviation_pct", "max_order_value"])


METADATA = """\
Metadata-Version: 2.1
Name: lines
Version: 1.0
Requires-Dist: ml4t-live>=1.0.0.dev0,<2
"""
PLUGIN = """
from attrs import frozen

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import BrokerRecord, FeedRecord


@frozen(kw_only=True)
class LinesConfig:
    port: int
    '''Where the venue listens.'''


@frozen(kw_only=True)
class TicksConfig:
    symbols: tuple[str, ...]
    '''What it prints.'''


@hookimpl
def ml4t_live_brokers():
    return [BrokerRecord(name="lines", config=LinesConfig, factory="lines_parts:broker", summary="Speaks over a socket.")]


@hookimpl
def ml4t_live_feeds():
    return [FeedRecord(name="ticks", config=TicksConfig, factory="lines_parts:feed", summary="Prints.")]
"""
PARTS = """
from tests.crash.broker import LineBroker
from tests.crash.points import Course
from tests.test_shadow_socket import Everything, Ticks

from ml4t.live.clock import SystemClock


def broker(config):
    return LineBroker(config.port, Course(), SystemClock())


def feed(config):
    return Ticks()
"""
CONFIG = """
[live]
name = "socket"
mode = "{mode}"
strategy = "lines_parts:Everything"

[feeds.main]
use = "lines.ticks"
symbols = ["AAA"]

[broker]
use = "lines"
port = {port}

[risk]
max_order_value = 20_000
"""


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


async def command(port: int, mode: str, folder: Path) -> None:
    """`ml4t-live run` in a process of its own, with the broker and the feed of an installed plugin."""
    info = folder / "lines-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: lines\nVersion: 1.0\nRequires-Dist: ml4t-live>=1.0.0.dev0,<2\n"
    )
    (info / "entry_points.txt").write_text("[ml4t.live]\nlines = lines_plugin\n")
    (folder / "lines_plugin.py").write_text(PLUGIN)
    (folder / "lines_parts.py").write_text(PARTS)
    (folder / "live.toml").write_text(CONFIG.format(mode=mode, port=port))
    path = os.pathsep.join(filter(None, (str(folder), str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "XDG_STATE_HOME": str(folder)}
    script = Path(sys.executable).with_name("ml4t-live")
    run = await asyncio.create_subprocess_exec(script, "run", folder / "live.toml", "--json", env=environment, stdout=PIPE)
    try:
        printed, _ = await run.communicate()
    finally:
        if run.returncode is None:
            run.kill()
            await run.wait()
    assert run.returncode == 0
    summary = json.loads(printed)
    assert summary["run"]["mode"] == mode
    assert summary["orders"]


@pytest.mark.parametrize("session", [engine, safe_broker, command])
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
