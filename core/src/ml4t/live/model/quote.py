"""A best bid and offer."""

from __future__ import annotations

import msgspec


class Quote(msgspec.Struct, frozen=True, gc=False, tag="quote"):
    """The best bid and ask of a symbol at one moment.

    Times are int nanoseconds UTC; sizes are in units of the instrument.
    """

    symbol: str
    event_time: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    receive_time: int | None = None
    source: str = ""
    backfilled: bool = False

    @property
    def mid(self) -> float:
        """Half-way between bid and ask."""
        return (self.bid + self.ask) / 2
