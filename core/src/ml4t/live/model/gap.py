"""A hole in market data."""

from __future__ import annotations

from attrs import frozen


@frozen
class Gap:
    """A stretch of time for which a symbol's data was not seen as it happened.

    `start` and `end` are nanoseconds UTC; `reason` says what made it (`disconnect`, `silence`, `overflow`);
    `recovered` counts the events that backfill brought for it, None when the feed cannot backfill.
    """

    symbol: str
    start: int
    end: int
    reason: str
    feed: str = ""
    recovered: int | None = None
