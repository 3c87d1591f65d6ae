"""Events, and which of them keep a symbol from being traded at a moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from attrs import frozen


class CalendarError(ValueError):
    """A calendar cannot be used; the text says where and why."""


@frozen
class Event:
    """Something that happens from `start` to `end` (nanoseconds UTC), to some symbols, or to all when none is named."""

    start: int
    end: int
    name: str
    symbols: frozenset[str] = frozenset()


class Calendar:
    """What is known of the future. It never changes; another file makes another one."""

    def __init__(self, events: Iterable[Event], *, before: int, after: int) -> None:
        self._before = before
        self._after = after
        of_symbol: dict[str, list[Event]] = {}
        everywhere: list[Event] = []
        self.ends = 0
        """When the last event is over, nanoseconds UTC; 0 without any."""
        self.count = 0
        for event in events:
            self.count += 1
            self.ends = max(self.ends, event.end + after)
            for events_of in [of_symbol.setdefault(symbol, []) for symbol in event.symbols] or [everywhere]:
                events_of.append(event)
        self._everywhere = _Line(everywhere)
        self._of_symbol = {symbol: _Line(events_of) for symbol, events_of in of_symbol.items()}

    def at(self, symbol: str, moment: int) -> Event | None:
        """Return an event that keeps `symbol` from being traded at `moment`, None without one."""
        line = self._of_symbol.get(symbol)
        found = None if line is None else line.around(moment + self._before, moment - self._after)
        return found or self._everywhere.around(moment + self._before, moment - self._after)

    def until(self, event: Event) -> int:
        """Return when an event keeps nothing from being traded any more, nanoseconds UTC."""
        return event.end + self._after


class _Line:
    """Events in order of their start."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events = sorted(events, key=lambda event: event.start)
        self._starts = [event.start for event in self._events]
        self._longest = max((event.end - event.start for event in self._events), default=0)

    def around(self, latest_start: int, earliest_end: int) -> Event | None:
        """Return the last event that starts no later than `latest_start` and ends no earlier than `earliest_end`."""
        index = bisect_right(self._starts, latest_start)
        while index and self._starts[index - 1] + self._longest >= earliest_end:
            index -= 1
            if self._events[index].end >= earliest_end:
                return self._events[index]
        return None
