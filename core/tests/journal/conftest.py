from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve

from ml4t.live.clock import SystemClock
from ml4t.live.journal import Journal, JournalReader, Record, RecordKind, StateDir, StatePut
from ml4t.live.model import Fill, Forecast, ForecastState, Order, OrderSide, OrderState, Position, Resolution


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def make(path: Path) -> Iterator[Callable[..., Journal]]:
    """Open journals that are closed whatever the test does."""
    opened: list[Journal] = []

    def make(where: Path = path, *, clock=None, loop=None, **options) -> Journal:
        opened.append(Journal(where, clock or SystemClock(), **options).open(loop))
        return opened[-1]

    yield make
    for journal in opened:
        journal.close()


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Run Python source in a process of its own; killed at the end."""
    running: list[subprocess.Popen[str]] = []

    def spawn(source: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", source, *map(str, arguments)]
        running.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield spawn
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait for something that another thread or process does, for a minute at most."""

    def until(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, "it never happened"
            threading.Event().wait(0.002)

    return until


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """The same on the loop: a commit is known a moment before the loop is told of it."""

    async def eventually(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110 - a test looks from outside
                await asyncio.sleep(0.001)

    return eventually


@pytest.fixture
def folder(tmp_path: Path) -> StateDir:
    """The folder of a live run."""
    return StateDir(tmp_path / "state", "live").create()


@pytest.fixture
def trade(folder: StateDir) -> Callable[..., list[Record]]:
    """Write a session of `count` orders, the last five open, and as many forecasts; return the records."""

    def trade(count: int = 60, *, thrown: bool = False, first: int = 1) -> list[Record]:
        journal = Journal(folder.journal, SystemClock(), durability="write", mode="live").open()
        journal.append(RecordKind.RUN, "run", {"name": "test", "limits": {}})
        for n in range(first, first + count):
            order = Order(f"o{n}", "A", OrderSide.BUY, 1.0, state=OrderState.INTENT, created_at=n, updated_at=n)
            journal.append(RecordKind.INTENT, order.order_id, order)
            forecast = Forecast("A", 60, price=1.0, model="m", forecast_id=f"f{n}", issued_at=n, cause="x" * 50 * (n % 7))
            journal.append(RecordKind.FORECAST, forecast.forecast_id, forecast)
            if n % 20 == 0:
                journal.append("note", "a long one", "long " * 5_000)
            if n > first + count - 6:
                continue
            fill = Fill(f"x{n}", order.order_id, "A", OrderSide.BUY, 1.0, 10.0, n, 0.5, "v", "a")
            books = {"cash": 1_000.0 - 10.5 * n, "commission": 0.5 * n}
            held = [StatePut("position", "A", Position("A", float(n), 10.0)), StatePut("account", "books", books)]
            journal.append(RecordKind.FILL, fill.execution_id, fill, state=held)
            journal.append(
                RecordKind.ORDER, order.order_id, evolve(order, state=OrderState.FILLED, filled_quantity=1.0, updated_at=n + 1)
            )
            journal.append(RecordKind.RESOLUTION, f"f{n}", Resolution(f"f{n}", ForecastState.RESOLVED, n, 1.0, n))
        switch = {"on": thrown, "reason": "a person did", "by": "ann", "at": 5}
        journal.append(RecordKind.KILL_SWITCH, "all", switch, state=[StatePut("risk", "kill_switch", switch)])
        for n in range(400):
            journal.put("trigger", f"name {n}", {"memory": "m" * 40})
        journal.put("ledger", "through", journal.last_seq)
        journal.close()
        with JournalReader(folder.journal) as reader:
            return list(reader.records())

    return trade


@pytest.fixture
def killed_at(spawn: Callable[..., subprocess.Popen[str]], folder: StateDir) -> Callable[[str, int], bool]:
    """Repair or rotate in a process that kills itself at one step; True when it was done before that step."""

    def killed_at(what: str, step: int) -> bool:
        process = spawn(KILLED, what, folder.root, step)
        said = process.communicate(timeout=300)[0]
        assert process.returncode in {0, -9}
        return "done" in said

    return killed_at


KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
from ml4t.live.clock import SystemClock
from ml4t.live.journal import StateDir
from ml4t.live.journal.repair import repair
from ml4t.live.journal.rotate import rotate

left = int(sys.argv[3])
TURNS = ("BEGIN", "COMMIT", "DELETE", "ATTACH", "DETACH", "VACUUM", "INSERT INTO archive", "INSERT INTO main", "CREATE TABLE")

def step(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def hook(event, arguments):
    if event in ("os.link", "os.rename", "os.remove", "open", "sqlite3.connect"):
        step()

def connect(*arguments, **options):
    connection = open_database(*arguments, **options)
    connection.set_trace_callback(lambda text: step() if text.startswith(TURNS) else None)
    return connection

open_database, sqlite3.connect = sqlite3.connect, connect
folder = StateDir(Path(sys.argv[2]), "live")
sys.addaudithook(hook)
repair(folder, SystemClock()) if sys.argv[1] == "repair" else rotate(folder, SystemClock(), keep=100)
left = -1
print("done")
"""
"""Repairs or rotates, and kills itself at the n-th file opened, linked, renamed or removed, or statement."""
