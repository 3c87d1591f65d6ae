"""When a market is open, and where one trading day ends and the next begins."""

from __future__ import annotations

import functools

from ml4t.live.sessions.calendar import ALWAYS, AlwaysOpen, Calendar

ALWAYS_OPEN = "24/7"
"""The name of the calendar of markets that never close."""

__all__ = ["ALWAYS", "ALWAYS_OPEN", "AlwaysOpen", "Calendar", "calendar_of"]


@functools.cache
def calendar_of(name: str) -> Calendar:
    """Return the calendar of that name: `24/7`, or an exchange's as exchange_calendars knows it, such as `XNYS`.

    It is made once. It may take a second and much memory: call it before a run begins. Raises ValueError for a name that nobody
    knows, and when the library is not installed, saying what to do.
    """
    if name == ALWAYS_OPEN:
        return ALWAYS
    from ml4t.live.sessions.exchange import ExchangeSessions  # noqa: PLC0415 - only for those who name an exchange

    return ExchangeSessions.of(name)
