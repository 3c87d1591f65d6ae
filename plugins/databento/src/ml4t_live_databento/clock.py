"""How far this machine's clock is from the gateway's.

What happened while nobody listened is asked for by time: with a clock that is wrong it would be missed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from databento_dbn import UNDEF_TIMESTAMP

from ml4t.live.errors import FeedDisconnected
from ml4t.live.times import NANOS

WARNED_SECONDS = 1.0
REFUSED_SECONDS = 10.0
NO_TIME = (0, UNDEF_TIMESTAMP)
"""What a record bears that does not tell when it was sent."""

_log = structlog.get_logger("ml4t.live.databento")


class ClockCheck:
    """Compares the first time that the gateway tells with this machine's, from when it was asked until now."""

    def __init__(self, now: Callable[[], int] = time.time_ns) -> None:
        self._now = now
        self._asked: int | None = now()

    def look(self, theirs: int) -> None:
        """Warn of a clock that is more than a second wrong. Raises FeedDisconnected for one that is more than ten."""
        if self._asked is None or theirs in NO_TIME:
            return
        asked, self._asked = self._asked, None
        off = max(asked - theirs, theirs - self._now(), 0) / NANOS
        side = "ahead of" if asked > theirs else "behind"
        if off > REFUSED_SECONDS:
            raise FeedDisconnected(
                f"this machine's clock is {off:.1f} s {side} Databento's; set it (NTP), and it is tried again"
            )
        if off > WARNED_SECONDS:
            _log.warning("this machine's clock is wrong", seconds=round(off, 1), side=f"{side} Databento's")
