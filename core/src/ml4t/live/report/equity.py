"""The equity curve in constant memory: first, last, the deepest fall, and a line of blocks."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

BLOCKS = "▁▂▃▄▅▆▇█"
POINTS = 60
"""Width of the line of blocks."""


@define
class EquityCurve:
    """Running figures of a series of equities; times are nanoseconds UTC.

    The points kept for drawing are thinned out whenever there are twice as many as are drawn.
    """

    count: int = 0
    first: float | None = None
    last: float | None = None
    cash: float | None = None
    highest: float = 0.0
    highest_at: int = 0
    max_drawdown: float = 0.0
    """The deepest fall from a high, as a fraction of that high."""
    peak_at: int = 0
    trough_at: int = 0
    _points: list[float] = field(factory=list)
    _every: int = 1

    def add(self, at: int, equity: float, cash: float | None = None) -> None:
        """Take in the next value."""
        if self.first is None or equity > self.highest:
            self.highest, self.highest_at = equity, at
        if self.first is None:
            self.first = equity
        fall = 1.0 - equity / self.highest if self.highest > 0 else 0.0
        if fall > self.max_drawdown:
            self.max_drawdown, self.peak_at, self.trough_at = fall, self.highest_at, at
        if self.count % self._every == 0:
            self._keep(equity)
        self.last, self.cash = equity, cash
        self.count += 1

    @property
    def total_return(self) -> float | None:
        """Change from the first to the last value, as a fraction; None before there are any."""
        return None if self.last is None or not self.first else self.last / self.first - 1.0

    def sparkline(self) -> str:
        """Return the curve as one line of unicode blocks; empty when it has fewer than two points."""
        points = [*self._points, self.last] if self.last is not None else []
        return sparkline(point for point in points if point is not None)

    def _keep(self, equity: float) -> None:
        self._points.append(equity)
        if len(self._points) >= 2 * POINTS:
            del self._points[1::2]
            self._every *= 2


def sparkline(values: Iterable[float], width: int = POINTS) -> str:
    """Return numbers as blocks of eight heights, the lowest at the bottom, at most `width` of them."""
    points = list(values)
    if len(points) < 2:
        return ""
    if len(points) > width:
        step = (len(points) - 1) / (width - 1)
        points = [points[round(number * step)] for number in range(width)]
    low, high = min(points), max(points)
    scale = (len(BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(BLOCKS[round((point - low) * scale)] for point in points)
