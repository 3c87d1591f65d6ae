"""How two symbols move together."""

from __future__ import annotations

from ml4t.live.market.candles import CandleSeries
from ml4t.live.market.rolling import JointMoments
from ml4t.live.model import Bar


class PairCorrelation:
    """The correlation of the returns of two symbols between candles that both have, over the last `window` of them.

    Returns and not prices, and at the same times: price levels of independent walks look correlated. It is brought up to
    date when read.
    """

    __slots__ = ("_first", "_joint", "_last", "_second", "_seen", "_window")

    def __init__(self, first: CandleSeries, second: CandleSeries, window: int) -> None:
        self._first, self._second = first, second
        self._window = window
        self._forget()

    @property
    def value(self) -> float | None:
        """Pearson's coefficient, None with fewer than three returns or when one side does not move."""
        self._pull()
        return self._joint.correlation

    def _forget(self) -> None:
        self._joint = JointMoments(self._window)
        self._seen = [0, 0]
        self._last: tuple[float, float] | None = None

    def _pull(self) -> None:
        sides = (self._first, self._second)
        if any(side.count - seen > len(side.closed) for side, seen in zip(sides, self._seen, strict=True)):
            self._forget()  # not read for longer than the history: all of it is new
            self._seen = [side.count - len(side.closed) for side in sides]
        left, right = (_newest(side, seen) for side, seen in zip(sides, self._seen, strict=True))
        i = j = 0
        while i < len(left) and j < len(right):
            if left[i].event_time == right[j].event_time:
                self._meet(left[i], right[j], cut=self._cut(i, j))
                i, j = i + 1, j + 1
            elif left[i].event_time < right[j].event_time:
                i += 1
            else:
                j += 1
        # What is later than all of the other side waits there for its counterpart.
        self._seen = [self._seen[0] + i, self._seen[1] + j]

    def _cut(self, i: int, j: int) -> bool:
        return self._seen[0] + i in self._first.cuts or self._seen[1] + j in self._second.cuts

    def _meet(self, left: Bar, right: Bar, *, cut: bool) -> None:
        before, self._last = self._last, (left.close, right.close)
        if before is None:
            return
        if cut:
            self._joint.add(None, None)
        else:
            self._joint.add((left.close - before[0]) / before[0], (right.close - before[1]) / before[1])


def _newest(side: CandleSeries, seen: int) -> list[Bar]:
    """Return the candles after the first `seen` ones."""
    fresh = side.count - seen
    candles = side.closed
    return [candles[n - fresh] for n in range(fresh)]
