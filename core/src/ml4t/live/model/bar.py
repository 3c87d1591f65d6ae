"""An open-high-low-close-volume bar."""

from __future__ import annotations

import msgspec


class Bar(msgspec.Struct, frozen=True, gc=False, tag="bar"):
    """Prices and volume of one symbol over one interval, labelled by its start.

    `event_time` is the start of the interval and `interval` its length, both in nanoseconds (UTC); 0 means that the
    source did not say how long the bar is. `complete` is False while the interval is still running, `backfilled` is True
    when the bar was fetched after the fact to fill a hole.
    """

    symbol: str
    event_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    interval: int = 0
    complete: bool = True
    backfilled: bool = False
    receive_time: int | None = None
    source: str = ""

    @property
    def end_time(self) -> int:
        """The first nanosecond after the bar: the moment from which its close may be known."""
        return self.event_time + self.interval
