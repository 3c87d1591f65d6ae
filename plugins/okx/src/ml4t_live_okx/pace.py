"""How many requests may leave in a second."""

from __future__ import annotations

import asyncio
import time
from collections import deque

WINDOW_SECONDS = 1.0
KEPT_FOR_CANCELS = 0.1
"""The share of the budget that only cancels may use."""


class Pace:
    """Holds requests back so that no second sees more of them than allowed."""

    def __init__(self, per_second: int) -> None:
        self._all = per_second
        self._most = max(1, int(per_second * (1.0 - KEPT_FOR_CANCELS)))
        self._sent: deque[float] = deque()

    def delay(self, *, urgent: bool = False) -> float:
        """Return how many seconds the next request has to wait; 0 when it may leave."""
        now = time.monotonic()
        while self._sent and self._sent[0] <= now - WINDOW_SECONDS:
            self._sent.popleft()
        limit = self._all if urgent else self._most
        return 0.0 if len(self._sent) < limit else self._sent[len(self._sent) - limit] + WINDOW_SECONDS - now

    async def turn(self, *, urgent: bool = False) -> None:
        """Wait until a request may leave, and count it."""
        while (delay := self.delay(urgent=urgent)) > 0.0:  # noqa: ASYNC110 - nothing happens before that time
            await asyncio.sleep(delay)
        self._sent.append(time.monotonic())
