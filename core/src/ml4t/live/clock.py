"""The one clock that everything in core reads, and the only module that knows where time comes from."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits.

    `simulated` is True when time is not the machine's: then nothing may be left to threads, because a thread runs on
    the machine's time and would make the run irreproducible.
    """

    simulated: bool

    def now(self) -> int:
        """Return the time in nanoseconds UTC. It may jump when the machine's clock is set."""
        ...

    def monotonic(self) -> int:
        """Return nanoseconds that never run backwards, from an arbitrary start. Deadlines and ages use this."""
        ...

    def stopwatch(self) -> int:
        """Return nanoseconds for measuring how long code runs; constant on virtual time."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait on this clock."""
        ...

    def timeout(self, seconds: float | None) -> contextlib.AbstractAsyncContextManager[object]:
        """Return an async context manager that raises TimeoutError when its body outlasts `seconds` of this clock."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Block the calling thread (never the loop's) until `event` is set; return False after `seconds`."""
        ...


class SystemClock:
    """The machine's clock, and the event loop's timers."""

    simulated = False

    def now(self) -> int:
        """Return the machine's UTC time in nanoseconds."""
        return time.time_ns()

    def monotonic(self) -> int:
        """Return the machine's monotonic time in nanoseconds."""
        return time.monotonic_ns()

    def stopwatch(self) -> int:
        """Return the machine's highest-resolution counter in nanoseconds."""
        return time.perf_counter_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait on the loop's timers."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float | None) -> contextlib.AbstractAsyncContextManager[object]:
        """Return `asyncio.timeout(seconds)`: the loop's own timers."""
        return asyncio.timeout(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Block the calling thread until `event` or `seconds`."""
        return event.wait(seconds)


class DataClock(SystemClock):
    """A clock that the data moves: `now()` is the latest moment that the replayed data has reached.

    It never runs backwards. Waiting still happens on the loop's timers, so that a replay can be paced. Before the first
    event `now()` is 0.
    """

    simulated = True

    def __init__(self) -> None:
        self._now = 0

    def now(self) -> int:
        """Return the data's time in nanoseconds UTC."""
        return self._now

    def monotonic(self) -> int:
        """Return the same: the data's time only moves forward."""
        return self._now

    def advance(self, moment: int) -> None:
        """Move to `moment` (nanoseconds UTC); an earlier one changes nothing."""
        if moment > self._now:  # noqa: PLR1730 - a comparison costs a third of a call, and this is done for every event
            self._now = moment


class LoopClock(SystemClock):
    """Time that the event loop keeps: on a virtual-time loop, virtual time.

    `start` is the UTC time, in nanoseconds, at which the loop's own clock read zero.
    """

    simulated = True

    def __init__(self, loop: asyncio.AbstractEventLoop, *, start: int = 0) -> None:
        self._loop = loop
        self._start = start

    def now(self) -> int:
        """Return the loop's time as nanoseconds UTC."""
        return self._start + self.monotonic()

    def monotonic(self) -> int:
        """Return the loop's time in nanoseconds."""
        return round(self._loop.time() * 1e9)

    def stopwatch(self) -> int:
        """Return the loop's time: code takes no time at all, so that nothing depends on how fast the machine is."""
        return self.monotonic()
