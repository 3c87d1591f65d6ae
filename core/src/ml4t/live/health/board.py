"""The conditions of all parts as they are now, and every change told once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import evolve

from ml4t.live.health.condition import Condition, Level, worst
from ml4t.live.times import NANOS

CALM = 3
"""Looks in a row that must find a part better before that counts: what flaps is told once."""

AWAY_SECONDS = 30.0
"""A line that is lost counts as degraded for so long, because reconnecting is ordinary; then it is down."""


class Board:
    """Takes what each look finds, and calls `tell` with every condition whose level changed.

    Worse counts at once, better when `CALM` looks in a row agree. A part that is ok from the start is not told of. Use it on
    the loop's thread; `conditions` is replaced whole, so that any thread may read it.
    """

    def __init__(self, tell: Callable[[Condition], None]) -> None:
        self.conditions: tuple[Condition, ...] = ()
        self._tell = tell
        self._known: dict[str, Condition] = {}
        self._better: dict[str, int] = {}
        self._lost: dict[str, int] = {}
        self._losing: dict[str, int] = {}

    @property
    def level(self) -> Level:
        """How the whole is."""
        return worst(self.conditions)

    def note(self, found: Iterable[Condition], now: int) -> None:
        """Take what a look at `now` (nanoseconds UTC) found; a part that is not among it is forgotten."""
        self.conditions = tuple(self._take(condition, now) for condition in found)
        self._known = {condition.part: condition for condition in self.conditions}
        self._lost, self._losing = self._losing, {}

    def away(self, part: str, now: int) -> Level:
        """Return the level of a part whose line every look since some time found lost: degraded at first, then down."""
        since = self._losing[part] = self._lost.get(part, now)
        return Level.DOWN if now - since >= AWAY_SECONDS * NANOS else Level.DEGRADED

    def _take(self, found: Condition, now: int) -> Condition:
        known = self._known.get(found.part)
        before = Level.OK if known is None else known.level
        if found.level is before:
            self._better.pop(found.part, None)
            return found.known_since(now if known is None else known.since)
        if known is not None and found.level.rank < before.rank and not self._is_calm(found.part):
            return evolve(known, numbers=found.numbers)
        self._better.pop(found.part, None)
        changed = found.known_since(now)
        self._tell(changed)
        return changed

    def _is_calm(self, part: str) -> bool:
        count = self._better[part] = self._better.get(part, 0) + 1
        return count >= CALM
