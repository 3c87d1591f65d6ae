"""How many requests may leave in a window of time."""

from __future__ import annotations

from collections import deque

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.times import NANOS

KEPT_FOR_CANCELS = 0.1
"""The share of the budget that only cancels may use."""
_MACHINE = SystemClock()


class Pace:
    """Holds requests back so that no window of `seconds` sees more than `most` of them."""

    def __init__(self, most: int, seconds: float, *, clock: Clock = _MACHINE) -> None:
        self._all = most
        self._others = max(1, int(most * (1.0 - KEPT_FOR_CANCELS)))
        self._window = round(seconds * NANOS)
        self._clock = clock
        self._sent: deque[int] = deque()

    def delay(self, *, urgent: bool = False) -> float:
        """Return how many seconds the next request has to wait, 0 when it may leave; `urgent` ones have the whole budget."""
        now = self._clock.monotonic()
        while self._sent and self._sent[0] <= now - self._window:
            self._sent.popleft()
        limit = self._all if urgent else self._others
        if len(self._sent) < limit:
            return 0.0
        return (self._sent[len(self._sent) - limit] + self._window - now) / NANOS

    async def turn(self, *, urgent: bool = False) -> None:
        """Wait until a request may leave, and count it."""
        while (delay := self.delay(urgent=urgent)) > 0.0:
            await self._clock.sleep(delay)
        self._sent.append(self._clock.monotonic())
