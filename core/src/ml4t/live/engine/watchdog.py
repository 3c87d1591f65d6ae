"""Notices from outside that the event loop is blocked."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Callable
from typing import TypeVar

from attrs import frozen

from ml4t.live.clock import Clock
from ml4t.live.times import NANOS

T = TypeVar("T")

JOIN_SECONDS = 5.0


@frozen
class Blocked:
    """The loop has not turned for `seconds`; `stack` shows where its thread is, as a traceback does, innermost last."""

    seconds: float
    stack: str


class Watchdog:
    """A thread that watches the loop's heartbeat.

    `on_blocked` is called once for each time the loop is blocked longer than `blocked_after_seconds`, `on_stuck` once
    when that lasts longer than `stuck_after_seconds`, `on_recovered` with the total seconds when the loop turns again.
    **All three are called on the watchdog's thread**, while the loop can do nothing: they must not wait for it. What they
    raise goes to `threading.excepthook`.

    A process that was suspended, and C code that holds the interpreter's lock, are noticed only afterwards: the watchdog's
    thread did not run either. On a simulated clock there is no thread and `start` does nothing.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        on_blocked: Callable[[Blocked], None],
        on_recovered: Callable[[float], None] = lambda _: None,
        on_stuck: Callable[[Blocked], None] | None = None,
        blocked_after_seconds: float = 1.0,
        stuck_after_seconds: float | None = None,
    ) -> None:
        if blocked_after_seconds <= 0 or (stuck_after_seconds or blocked_after_seconds) < blocked_after_seconds:
            raise ValueError("a watchdog needs 0 < blocked_after_seconds <= stuck_after_seconds")
        self._clock = clock
        self._on_blocked = on_blocked
        self._on_recovered = on_recovered
        self._on_stuck = on_stuck
        self._blocked_after = blocked_after_seconds
        self._stuck_after = stuck_after_seconds if on_stuck is not None else None
        self._interval = blocked_after_seconds / 4
        self._beaten = 0
        self._late = 0
        self._loop_thread = 0
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._ended = threading.Event()

    def start(self) -> None:
        """Start watching the calling thread, which must be the loop's. Keep `keep_beating` running from now on."""
        if self._clock.simulated or self._thread is not None:
            return
        self._loop_thread = threading.get_ident()
        self.beat()
        self._thread = threading.Thread(target=self._run, name="ml4t-live watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and wait for the thread, but not for a callback that takes for ever. Again changes nothing."""
        self._stop.set()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        if self._clock.wait(self._ended, JOIN_SECONDS):
            thread.join()

    def beat(self) -> None:
        """Say that the loop turns."""
        self._beaten = self._clock.monotonic()

    @property
    def silent_seconds(self) -> float:
        """For how long the loop has not turned, on any thread; 0 when nobody watches."""
        if self._thread is None:
            return 0.0
        beaten = self._beaten  # read before the clock, so that a beat in between cannot make the age negative
        return (self._clock.monotonic() - beaten) / NANOS

    def take_lag(self) -> float:
        """Return by how many seconds the loop came late to a beat at most, since this was asked last."""
        late, self._late = self._late, 0
        return late / NANOS

    async def keep_beating(self) -> None:
        """Beat while the loop has nothing else to do, until cancelled."""
        if self._clock.simulated:
            await asyncio.get_running_loop().create_future()  # a supervisor must not take it for ended
        while True:
            self.beat()
            due = self._beaten + round(self._interval * NANOS)
            await self._clock.sleep(self._interval)
            self._late = max(self._late, self._clock.monotonic() - due)

    def _run(self) -> None:
        blocked_since: int | None = None
        stuck = False
        while not self._clock.wait(self._stop, self._interval):
            beaten = self._beaten  # read before the clock, as above
            seconds = (self._clock.monotonic() - beaten) / NANOS
            if blocked_since is not None and beaten != blocked_since:
                self._call(self._on_recovered, (beaten - blocked_since) / NANOS)
                blocked_since, stuck = None, False
            if blocked_since is None and seconds > self._blocked_after:
                blocked_since = beaten
                self._call(self._on_blocked, self._look(seconds))
            if blocked_since is not None and not stuck and self._stuck_after is not None and seconds > self._stuck_after:
                stuck = True
                self._call(self._on_stuck, self._look(seconds))
        self._ended.set()

    def _look(self, seconds: float) -> Blocked:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - the documented way to another thread's stack
        return Blocked(seconds, "".join(traceback.format_stack(frame)) if frame is not None else "")

    @staticmethod
    def _call(callback: Callable[[T], None] | None, argument: T) -> None:
        if callback is None:
            return
        try:
            callback(argument)
        except Exception as error:  # noqa: BLE001 - the watchdog goes on whatever its listeners do
            hook = threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread()))
            threading.excepthook(hook)
