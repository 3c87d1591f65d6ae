"""The running bar of one symbol: the only mutable thing in this folder that a tick touches."""

from __future__ import annotations

from ml4t.live.model import Bar, MarketEvent, Quote, Trade

BEGINNING = -(1 << 63)
"""Before every time that fits into 64 bits of nanoseconds."""


class Accumulator:
    """Open, high, low, close and volume of one symbol so far.

    Plain slots and no properties: the aggregator reads and writes them for every tick. `floor` is the earliest time that
    may still change anything (what lies before it has been handed out or is covered by a bar), `end` the first nanosecond
    after the running bar. While nothing runs, `floor == end`.
    """

    __slots__ = (
        "backfilled",
        "close",
        "end",
        "evolves_at_source",
        "floor",
        "high",
        "kind",
        "last",
        "low",
        "open",
        "receive_time",
        "running",
        "source",
        "start",
        "symbol",
        "volume",
    )

    def __init__(self, symbol: str, kind: type[MarketEvent] | None) -> None:
        self.symbol = symbol
        self.kind = kind
        self.running = False
        self.evolves_at_source = False
        self.start = self.end = self.floor = self.last = BEGINNING
        self.open = self.high = self.low = self.close = self.volume = 0.0
        self.receive_time: int | None = None
        self.source = ""
        self.backfilled = False

    def begin(self, event: Trade | Quote, start: int, end: int, price: float, size: float) -> None:
        """Start the bar [start, end) with its first tick."""
        self.running = True
        self.evolves_at_source = False
        self.start = self.floor = start
        self.end = end
        self.last = event.event_time
        self.open = self.high = self.low = self.close = price
        self.volume = size
        self.receive_time = event.receive_time
        self.source = event.source
        self.backfilled = event.backfilled

    def begin_with_bar(self, bar: Bar, start: int, end: int) -> None:
        """Start the bar [start, end) with the contents of `bar`."""
        self.running = True
        self.evolves_at_source = False
        self.start = self.floor = start
        self.end = end
        self.open, self.high, self.low, self.close = bar.open, bar.high, bar.low, bar.close
        self.volume = bar.volume
        self.receive_time = bar.receive_time
        self.source = bar.source
        self.backfilled = bar.backfilled

    def merge(self, bar: Bar) -> None:
        """Add a smaller bar that follows what is already in the running one."""
        self.high = max(self.high, bar.high)
        self.low = min(self.low, bar.low)
        self.close = bar.close
        self.volume += bar.volume
        self.receive_time = bar.receive_time
        self.backfilled = self.backfilled or bar.backfilled

    def discard(self) -> None:
        """Forget the running bar as if its interval had not begun."""
        self.running = False
        self.end = self.floor = self.start

    def shut(self, end: int) -> None:
        """Drop the running bar and let nothing in before `end`: a whole bar has come in its place."""
        self.running = False
        self.floor = self.end = end
        self.last = end - 1

    def finish(self, *, complete: bool = True) -> Bar:
        """Return the running bar and shut its interval: nothing reopens it."""
        bar = self.to_bar(complete=complete)
        self.running = False
        self.floor = self.end = max(self.floor, self.end)
        return bar

    def to_bar(self, *, complete: bool) -> Bar:
        """Return a copy of the running bar."""
        return Bar(
            self.symbol,
            self.start,
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.end - self.start,
            complete,
            self.backfilled,
            self.receive_time,
            self.source,
        )
