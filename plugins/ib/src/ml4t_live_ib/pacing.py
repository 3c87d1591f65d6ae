"""IB's limits on requests for history, which subscriptions to bars count towards as well.

No more than 60 in ten minutes, none that is identical to one of the last 15 seconds, fewer than six for one instrument in two
seconds (API reference, "Pacing Violations"). Whoever breaks them is refused (162, 420) or disconnected.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable

WINDOW, IN_WINDOW = 600.0, 60
BURST, IN_BURST = 2.0, 5
IDENTICAL = 15.0
PENALTY_SECONDS = 15.0
"""How long to wait after IB has said that it was too much."""


class Pacer:
    """Lets requests through as fast as IB takes them, `in_window` in ten minutes, in the order in which they came.

    `now` is in seconds.
    """

    def __init__(
        self,
        in_window: int = IN_WINDOW,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._in_window = in_window
        self._now = now
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._sent: deque[tuple[float, int]] = deque()
        self._identical: dict[Hashable, float] = {}
        self._not_before = 0.0

    async def wait(self, con_id: int, request: Hashable = None) -> None:
        """Wait for the turn of a request about one instrument; `request` is what makes it identical to another."""
        async with self._turn:
            while (delay := self._delay(con_id, request)) > 0:
                await self._sleep(delay)
            now = self._now()
            self._sent.append((now, con_id))
            if request is not None:
                self._identical[request] = now

    def violated(self) -> None:
        """Note that IB has refused a request for coming too soon."""
        self._not_before = self._now() + PENALTY_SECONDS

    def _delay(self, con_id: int, request: Hashable) -> float:
        now = self._now()
        while self._sent and self._sent[0][0] <= now - WINDOW:
            self._sent.popleft()
        for each in [each for each, sent in self._identical.items() if sent <= now - IDENTICAL]:
            del self._identical[each]
        burst = [sent for sent, each in self._sent if each == con_id and sent > now - BURST]
        free = [self._not_before, self._identical.get(request, now - IDENTICAL) + IDENTICAL]
        if len(self._sent) >= self._in_window:
            free.append(self._sent[-self._in_window][0] + WINDOW)
        if len(burst) >= IN_BURST:
            free.append(burst[-IN_BURST] + BURST)
        return max(free) - now
