"""A trade print."""

from __future__ import annotations

import msgspec


class Trade(msgspec.Struct, frozen=True, gc=False, tag="trade"):
    """One trade that happened on a venue.

    Times are int nanoseconds UTC. `receive_time` is when this machine saw it (None when not stamped), `source` names
    the feed. `size` is in units of the instrument and may be 0 when the venue does not say.
    """

    symbol: str
    event_time: int
    price: float
    size: float
    receive_time: int | None = None
    source: str = ""
    trade_id: str = ""
    backfilled: bool = False
