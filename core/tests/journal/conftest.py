from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from ml4t.live.clock import SystemClock
from ml4t.live.journal import Journal


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
    """Wait for something that another thread or process does, for ten seconds at most."""

    def until(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "it never happened"
            threading.Event().wait(0.002)

    return until


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """The same on the loop: a commit is known a moment before the loop is told of it."""

    async def eventually(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - a test looks from outside
                await asyncio.sleep(0.001)

    return eventually
