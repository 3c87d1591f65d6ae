"""The vendor's limits on requests for market data."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Hashable

from ml4t_live_ib.simulator.venue.order import Refused

_SMALL_BAR_SECONDS = 30
_TEXT = "Historical Market Data Service error message:Historical data request pacing violation"


class Pacing:
    """Counts the requests for small bars: 60 in ten minutes, six for one contract in two seconds, none twice in 15 s."""

    def __init__(self, on: bool) -> None:
        self._on = on
        self._recent: deque[tuple[float, Hashable, int]] = deque()

    def ask(self, what: Hashable, con_id: int, bar_seconds: int, code: int) -> None:
        """Count a request. Raises `Refused` with this code if it is one too many."""
        if not self._on or bar_seconds > _SMALL_BAR_SECONDS:
            return
        now = time.monotonic()
        while self._recent and now - self._recent[0][0] > 600:
            self._recent.popleft()
        same = any(now - when < 15 and what == other for when, other, _ in self._recent)
        burst = sum(now - when < 2 and con_id == other for when, _, other in self._recent)
        if same or burst >= 6 or len(self._recent) >= 60:
            raise Refused(code, _TEXT)
        self._recent.append((now, what, con_id))
