"""A thread with an event loop of its own: a client that blocks must not freeze its venue."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

from ml4t.live.clock import SystemClock

T = TypeVar("T")

TURNS = 10
"""More than lie between the accepting of a connection and the first step of the task that serves it."""

_clock = SystemClock()


class HasFileno(Protocol):
    """A socket, or what stands for one."""

    def fileno(self) -> int:
        """Return its descriptor."""
        ...


class LoopThread:
    """Runs functions and coroutines on its loop; whoever calls waits for the result."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """True between start and close."""
        return self._thread is not None

    def start(self) -> None:
        """Start; returns when the loop runs."""
        loop = asyncio.new_event_loop()
        ready = threading.Event()
        loop.call_soon(ready.set)
        self._loop = loop
        self._thread = threading.Thread(target=loop.run_forever, name=self._name, daemon=True)
        self._thread.start()
        ready.wait()

    def call(self, function: Callable[[], T]) -> T:
        """Run a function on the loop's thread and return what it returns."""

        async def run() -> T:
            return function()

        return self.run(run)

    def run(self, coroutine: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine on the loop and return what it returns."""
        if self._loop is None:
            raise RuntimeError("the simulator is not running; call start() first")

        async def run() -> T:
            return await coroutine()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def close(self) -> None:
        """Cancel what runs, stop the loop and wait for the thread."""
        if self._loop is None or self._thread is None:
            return
        self.run(_cancel_all)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None


async def settle() -> None:
    """Let the loop turn until what it has accepted has its task, and what it has closed is gone.

    A loop that ends in between leaves a socket to the collector, whose warning fails whatever test runs by then.
    """
    for _ in range(TURNS):
        await _clock.sleep(0)


async def stop_accepting(sockets: Iterable[HasFileno]) -> None:
    """Accept nothing more at the sockets of a server that is to be closed, and wait until what was accepted has its task.

    A connection has none for some turns of the loop, and asyncio forgets it when its server is closed by then.
    """
    loop = asyncio.get_running_loop()
    for listening in sockets:
        loop.remove_reader(listening.fileno())
    await settle()


async def _cancel_all() -> None:
    await settle()
    current = asyncio.current_task()
    tasks = [task for task in asyncio.all_tasks() if task is not current]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await settle()
