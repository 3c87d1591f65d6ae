"""Series of any length in the columns of a picture: what is drawn is the same, and memory does not grow with the run."""

from __future__ import annotations

from attrs import define, field, frozen

COLUMNS = 600
"""Columns that the time of a session is cut into: about one to a pixel of a chart."""

Point = tuple[int, float]
"""A time in nanoseconds UTC, and a value."""


@frozen
class Axis:
    """The time of a session from `start` to `end` (nanoseconds UTC) in `count` columns of equal length."""

    start: int
    end: int
    count: int = COLUMNS

    def place(self, time: int) -> int:
        """Return the column of a time; what is outside counts to the first or the last."""
        length = max(1, self.end - self.start)
        return min(self.count - 1, max(0, (time - self.start) * self.count // length))

    def time(self, place: int) -> int:
        """Return the time at which a column begins."""
        return self.start + place * (self.end - self.start) // self.count


@define
class Line:
    """A series by its first, lowest, highest and last point in every column.

    A line through them covers the same pixels as one through all points. Points may come in any order.
    """

    axis: Axis
    count: int = 0
    """How many points there were."""
    _kept: dict[int, tuple[Point, Point, Point, Point]] = field(factory=dict)

    def add(self, time: int, value: float) -> None:
        """Take in one point."""
        self.count += 1
        place = self.axis.place(time)
        new = (time, value)
        kept = self._kept.get(place)
        if kept is None:
            self._kept[place] = (new, new, new, new)
            return
        first, low, high, last = kept
        self._kept[place] = (
            new if time < first[0] else first,
            new if value < low[1] else low,
            new if value > high[1] else high,
            new if time >= last[0] else last,
        )

    def points(self) -> list[Point]:
        """Return the points of the line in order of time: four to a column at most."""
        return sorted({point for kept in self._kept.values() for point in kept})


@define
class Spots:
    """Things that happened, as the columns in which they did."""

    axis: Axis
    count: int = 0
    _places: set[int] = field(factory=set)

    def add(self, start: int, end: int | None = None) -> None:
        """Take in something that happened at a time, or lasted until `end`."""
        self.count += 1
        first = self.axis.place(start)
        self._places.update(range(first, max(first, self.axis.place(start if end is None else end)) + 1))

    def spans(self) -> list[tuple[int, int]]:
        """Return the stretches of columns in which it happened as times, in order."""
        spans: list[list[int]] = []
        for place in sorted(self._places):
            if spans and spans[-1][1] == place:
                spans[-1][1] = place + 1
            else:
                spans.append([place, place + 1])
        return [(self.axis.time(first), self.axis.time(after)) for first, after in spans]
