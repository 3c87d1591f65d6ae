"""Bars on the way to the strategy: made from ticks when needed, and brought together per bar time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import structs

from ml4t.live.bars import BarAggregator, BarBuffer
from ml4t.live.bars.aggregator import NEVER
from ml4t.live.engine.agenda import Agenda
from ml4t.live.model import Bar, MarketEvent

Release = Callable[[int, dict[str, Bar]], None]


class BarSynchroniser:
    """Turns events into one call of `release` per bar time with every symbol that has a bar.

    On the data's time (`ordered`) a bar ends when the data pass its end, because nothing earlier can follow; live, late
    events and slow feeds get `grace_seconds`. With `evolving`, a bar still running is released too, whenever it changes.
    """

    def __init__(
        self,
        interval: int,
        symbols: Sequence[str],
        agenda: Agenda,
        release: Release,
        *,
        ordered: bool,
        grace_seconds: float,
        evolving: bool = False,
    ) -> None:
        grace = 0.0 if ordered else grace_seconds
        self.interval = interval
        self._aggregator = BarAggregator(interval, flush_timeout_seconds=grace, evolving=evolving)
        self._buffer = BarBuffer(symbols, timeout_seconds=grace, ordered=ordered)
        self._agenda = agenda
        self._release = release
        self._evolving = evolving
        self._armed = NEVER
        self._since = 0

    def begin(self, now: int) -> None:
        """Note that live data begin at `now` (nanoseconds UTC): ticks before it were missed, so no bar from before is whole."""
        self._since = now

    @property
    def late(self) -> int:
        """Events and bars that came after their bar had been handed out."""
        return self._aggregator.late + self._buffer.late

    def add(self, event: MarketEvent) -> None:
        """Take an event in."""
        bars = self._aggregator.add(event)
        if bars:
            self._collect(bars, event)
        if self._aggregator.due < self._armed or self._buffer.due < self._armed:
            self._arm()

    def remember(self, event: MarketEvent) -> None:
        """Take in an event of a bar that was running when an earlier run stopped; nothing is released."""
        self._aggregator.add(event)
        self._arm()

    def finish(self) -> None:
        """Release everything: there is no more data."""
        self._collect(self._aggregator.close())
        self._hand_over(self._buffer.close())

    def _arm(self) -> None:
        due = min(self._aggregator.due, self._buffer.due)
        if due < self._armed:
            self._armed = due
            self._agenda.at(due, self._flush)

    def _flush(self, moment: int) -> None:
        if moment == self._armed:
            self._armed = NEVER
        self._collect(self._aggregator.flush(moment))
        self._hand_over(self._buffer.flush(moment))
        self._arm()

    def _collect(self, bars: Sequence[Bar], event: MarketEvent | None = None) -> None:
        for bar in bars:
            # A bar that the feed itself made is whole whenever it began; one made here lacks what came before the start.
            whole = bar.complete and (bar is event or bar.event_time >= self._since or bar.backfilled)
            if whole:
                self._hand_over(self._buffer.add(bar))
            elif self._evolving:
                self._release(bar.event_time, {bar.symbol: structs.replace(bar, complete=False)})

    def _hand_over(self, groups: Sequence[tuple[int, dict[str, Bar]]]) -> None:
        for event_time, bars in groups:
            self._release(event_time, bars)
