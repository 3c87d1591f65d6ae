"""Time that passes faster, for what core waits for with a machine's patience."""

from __future__ import annotations

import contextlib
import threading

from ml4t.live.clock import SystemClock

_clock = SystemClock()


class HurriedClock(SystemClock):
    """A clock on which time passes `speed` times as fast, from the present moment on.

    The engine under it is as patient as ever by its own clock. The adapter and the venue live on the machine's time: they
    have that much less time to answer.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began = _clock.now()
        self._from = _clock.monotonic()

    def now(self) -> int:
        """Return nanoseconds UTC, ahead of the machine's since this clock was made."""
        return self._began + self._passed()

    def monotonic(self) -> int:
        """Return nanoseconds that run `speed` times as fast."""
        return self._from + self._passed()

    async def sleep(self, seconds: float) -> None:
        """Wait on this clock."""
        await _clock.sleep(seconds / self._speed)

    def timeout(self, seconds: float | None) -> contextlib.AbstractAsyncContextManager[object]:
        """Return a time-out on this clock."""
        return _clock.timeout(None if seconds is None else seconds / self._speed)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Block on this clock."""
        return _clock.wait(event, seconds / self._speed)

    def _passed(self) -> int:
        return round((_clock.monotonic() - self._from) * self._speed)
