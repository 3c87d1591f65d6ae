"""A funding rate of a perpetual swap."""

from __future__ import annotations

import msgspec


class Funding(msgspec.Struct, frozen=True, gc=False, tag="funding"):
    """The funding rate announced for a perpetual swap.

    `rate` is a fraction of notional paid by longs to shorts at `next_time` (nanoseconds UTC, None when unknown);
    `mark_price` is the venue's own valuation price when it sends one.
    """

    symbol: str
    event_time: int
    rate: float
    next_time: int | None = None
    mark_price: float | None = None
    receive_time: int | None = None
    source: str = ""
    backfilled: bool = False
