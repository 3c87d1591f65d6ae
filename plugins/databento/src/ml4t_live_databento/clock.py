"""How far this machine's clock is from the gateway's."""

from __future__ import annotations

import time
from collections.abc import Callable

from databento_dbn import UNDEF_TIMESTAMP

from ml4t.live.adapters import check_skew
from ml4t.live.errors import BrokerConnectionError, FeedDisconnected

NO_TIME = (0, UNDEF_TIMESTAMP)
"""What a record bears that does not tell when it was sent."""


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
        try:
            check_skew("Databento", asked, theirs, self._now())
        except BrokerConnectionError as error:
            raise FeedDisconnected(str(error)) from None
