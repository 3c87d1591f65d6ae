"""Bars of several symbols, brought together by time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from ml4t.live.bars.accumulator import BEGINNING
from ml4t.live.bars.aggregator import NEVER
from ml4t.live.model import Bar
from ml4t.live.times import NANOS

BarGroup = tuple[int, dict[str, Bar]]
"""A bar time (the start, nanoseconds UTC) and the bars of that time by symbol, in the order of the symbols."""

_NOTHING: tuple[BarGroup, ...] = ()


class BarBuffer:
    """Holds completed bars back until those of one bar time are together, and releases each time once, in time order.

    A group is released when every symbol has its bar of that time or of a later group that is full, or:

    - `ordered=True` (a replay: bars come sorted): as soon as any bar of a later time arrives;
    - `ordered=False` (live): when `flush(now)` finds that `timeout_seconds` have gone by since the end of its bars.

    `symbols` are the ones to wait for. Others simply join: from then on they are waited for too. Without any, a replay
    releases by time alone, because a symbol may be listed on any day; live, the first group waits for its time-out, and so
    shows who there is. Naming the symbols is better: a group is then released with its last bar, before time moves on.

    A bar for a time that has been released, or that lies before one, is counted in `late` and dropped: the strategy has
    already decided without it. `add` then returns nothing; the engine journals the bar like every other event. A second
    bar of a symbol for a time still waiting replaces the first. A bar that is not complete is no business of this class.

    Raises ValueError for a negative time-out.
    """

    def __init__(self, symbols: Iterable[str] = (), *, timeout_seconds: float = 2.0, ordered: bool = False) -> None:
        if not 0 <= timeout_seconds < float("inf"):
            raise ValueError(f"timeout_seconds = {timeout_seconds} must be zero or more seconds")
        self.late = 0
        """Bars dropped because their time had been released."""
        self.due = NEVER
        """Before this time (nanoseconds UTC) `flush` has nothing to do."""
        self._symbols = set(symbols)
        self._know_who = bool(self._symbols)
        self._timeout = round(timeout_seconds * NANOS)
        self._ordered = ordered
        self._released = BEGINNING
        self._waiting: dict[int, dict[str, Bar]] = {}
        self._deadlines: dict[int, int] = {}
        self._times: list[int] = []

    def add(self, bar: Bar) -> Sequence[BarGroup]:
        """Take in a bar and return the groups that it completed, oldest first: usually none."""
        if not bar.complete:
            return _NOTHING
        moment = bar.event_time
        if bar.symbol not in self._symbols:
            self._symbols.add(bar.symbol)
            # In sorted data nothing is gained by guessing that this was the last stranger, and its first bar may be lost.
            self._know_who = self._know_who and not self._ordered
        if moment <= self._released:
            self.late += 1
            return _NOTHING
        group = self._waiting.get(moment)
        if group is None:
            group = self._start(moment)
        group[bar.symbol] = bar
        self._deadlines[moment] = max(self._deadlines[moment], bar.end_time + self._timeout)
        self.due = self._deadlines[self._times[0]]
        if self._know_who and len(group) == len(self._symbols):
            return self._release_to(moment)
        if self._ordered and self._times[0] < moment:
            return self._release_to(moment - 1)
        return _NOTHING

    def flush(self, now: int) -> Sequence[BarGroup]:
        """Return the groups whose time-out is over at `now` (nanoseconds UTC), oldest first."""
        if now < self.due:
            return _NOTHING
        last = BEGINNING
        for moment in sorted(self._times):
            if self._deadlines[moment] > now:
                break
            last = moment
        return self._release_to(last)

    def close(self) -> Sequence[BarGroup]:
        """Return every group still waiting, oldest first, because the data has ended."""
        return self._release_to(NEVER)

    def _start(self, moment: int) -> dict[str, Bar]:
        group: dict[str, Bar] = {}
        self._waiting[moment] = group
        self._deadlines[moment] = BEGINNING
        heappush(self._times, moment)
        return group

    def _release_to(self, last: int) -> Sequence[BarGroup]:
        """Release everything up to and including the bar time `last`."""
        groups: list[BarGroup] = []
        while self._times and self._times[0] <= last:
            moment = heappop(self._times)
            del self._deadlines[moment]
            # By symbol, so that a strategy sees the same order live, where bars race, as in a replay.
            groups.append((moment, dict(sorted(self._waiting.pop(moment).items()))))
        if groups:
            self._released = groups[-1][0]
            self._know_who = self._know_who or not self._ordered
        self.due = self._deadlines[self._times[0]] if self._times else NEVER
        return groups
