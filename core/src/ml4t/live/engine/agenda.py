"""What is to happen when: a heap of moments on the engine's own time."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

Action = Callable[[int], None]

NEVER = (1 << 63) - 1
"""The value of `due` while nothing is planned."""


class Agenda:
    """Actions at moments, run in order of moment and then of entry. It keeps no time: the caller says how far it is."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Action]] = []
        self._count = 0
        self.due = NEVER
        """The earliest moment planned (nanoseconds UTC). A plain attribute, because it is looked at for every event."""
        self.on_earlier: Callable[[], None] | None = None
        """Called when an entry comes before all others, so that whoever waits for the next one wakes up."""

    def at(self, moment: int, action: Action) -> None:
        """Plan `action(moment)`."""
        self._count += 1
        heappush(self._heap, (moment, self._count, action))
        if moment < self.due:
            self.due = moment
            if self.on_earlier is not None:
                self.on_earlier()

    def every(self, interval: int, start: int, action: Action) -> None:
        """Plan `action` at `start` and then every `interval` nanoseconds after the moment it was due."""

        def again(moment: int) -> None:
            self.at(moment + interval, again)
            action(moment)

        self.at(start, again)

    def run_next(self) -> None:
        """Run the earliest action."""
        moment, _, action = heappop(self._heap)
        self.due = self._heap[0][0] if self._heap else NEVER
        action(moment)
