"""How fast connections may be opened: Databento takes five a second from one address, and refuses the rest."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import ClassVar

PER_SECOND = 4
"""One less than is allowed, because clocks differ."""


class Pace:
    """Gives out the moments at which connections may be opened, no more of them in any second than is allowed."""

    _of: ClassVar[dict[tuple[str, int], Pace]] = {}

    def __init__(self) -> None:
        self._moments: deque[float] = deque(maxlen=PER_SECOND)

    @classmethod
    def of(cls, address: tuple[str, int]) -> Pace:
        """Return the pace of a gateway, which all feeds of this process share."""
        return cls._of.setdefault(address, cls())

    def reserve(self, now: float) -> float:
        """Take the next moment; return the seconds until then."""
        full = len(self._moments) == PER_SECOND
        moment = max(now, self._moments[0] + 1.0) if full else now
        self._moments.append(moment)
        return moment - now

    async def turn(self) -> None:
        """Wait for a turn."""
        seconds = self.reserve(time.monotonic())
        if seconds > 0:
            await asyncio.sleep(seconds)
