"""Data that stay away although they should come: the connection answers, and nothing is heard of what trades."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from ml4t.live.model import MarketEvent
from ml4t_live_ib.contracts import Listed


class StallWatch:
    """Knows when each symbol was heard last, and by IB's calendar whether it should have been.

    `seconds` is how long nothing may be heard; `now` and `wall` are in seconds, `wall` since 1970 UTC.
    """

    def __init__(
        self, seconds: float, *, now: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._seconds = seconds
        self._now = now
        self._wall = wall
        self._begun = 0.0
        self._last = 0.0
        self._heard: set[str] = set()
        self._before: set[str] = set()
        self._given_up: set[str] = set()

    def begin(self) -> None:
        """Note that everything has just been subscribed to on a new connection."""
        self._before |= self._heard
        self._heard.clear()
        self._begun = self._last = self._now()

    def heard(self, events: Iterable[MarketEvent]) -> None:
        """Note what has come."""
        self._last = self._now()
        self._heard.update(event.symbol for event in events)

    def complaint(self, subscribed: Iterable[Listed]) -> str:
        """Return why the subscriptions have to begin anew, empty when they need not.

        Either nothing is heard of anything that trades, or one symbol that was heard before a reconnect has not come back; the
        latter is said once of a symbol, because it may be halted.
        """
        now, wall = self._now(), self._wall()
        trading = [each.symbol for each in subscribed if each.trades(wall) and each.trades(wall - self._seconds)]
        if now - self._begun < self._seconds or not trading:
            return ""
        if now - self._last >= self._seconds:
            return f"no market data for {self._seconds:g} s although {', '.join(sorted(trading))} trade by IB's calendar"
        lost = (self._before - self._heard - self._given_up) & set(trading)
        self._given_up |= lost
        return f"{', '.join(sorted(lost))} not heard again since the last reconnect" if lost else ""
