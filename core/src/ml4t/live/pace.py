"""How many requests may leave in a time that a venue names."""

from __future__ import annotations

from collections import deque

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.times import NANOS

KEPT_FOR_URGENT = 0.1
"""The share of the budget that only urgent requests, which are cancels, may use."""


class Pace:
    """Holds requests back so that no `seconds` in a row see more than `count` of them."""

    def __init__(self, count: int, seconds: float, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._span = round(seconds * NANOS)
        self._all = count
        self._most = max(1, int(count * (1.0 - KEPT_FOR_URGENT)))
        self._sent: deque[int] = deque()

    def delay(self, *, urgent: bool = False) -> float:
        """Return how many seconds the next request has to wait; 0 when it may leave."""
        now = self._clock.monotonic()
        while self._sent and self._sent[0] <= now - self._span:
            self._sent.popleft()
        limit = self._all if urgent else self._most
        return 0.0 if len(self._sent) < limit else (self._sent[len(self._sent) - limit] + self._span - now) / NANOS

    async def turn(self, *, urgent: bool = False) -> None:
        """Wait until a request may leave, and count it."""
        while (delay := self.delay(urgent=urgent)) > 0.0:
            await self._clock.sleep(delay)
        self._sent.append(self._clock.monotonic())
