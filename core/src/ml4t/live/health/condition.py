"""The condition of one part of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from attrs import field, frozen


class Level(StrEnum):
    """How well a part does its work."""

    OK = "ok"
    DEGRADED = "degraded"
    """It works, and somebody should look when there is time."""
    DOWN = "down"
    """It does not work."""

    @property
    def rank(self) -> int:
        """0 for ok, 2 for down."""
        return _RANKS[self]


_RANKS = {Level.OK: 0, Level.DEGRADED: 1, Level.DOWN: 2}


@frozen
class Condition:
    """A part of the run and how it is; `since` is when its level last changed, in nanoseconds UTC.

    `essential` says that nothing is traded without it: only then does its being down mean that the run is.
    """

    part: str
    level: Level = Level.OK
    why: str = ""
    numbers: Mapping[str, float] = field(factory=dict)
    essential: bool = False
    since: int = 0

    def known_since(self, moment: int) -> Condition:
        """Return the same with its `since`; `attrs.evolve` would take ten times as long, and this is done at every look."""
        return Condition(self.part, self.level, self.why, self.numbers, self.essential, moment)

    def body(self) -> dict[str, Any]:
        """Return it as plain values, for a record or a file."""
        return {"state": self.level.value, "why": self.why, **self.numbers}


def worst(conditions: Iterable[Condition]) -> Level:
    """Return how the whole is: down when an essential part is, degraded when any part is not ok."""
    level = Level.OK
    for condition in conditions:
        if condition.level is Level.DOWN and condition.essential:
            return Level.DOWN
        if condition.level is not Level.OK:
            level = Level.DEGRADED
    return level
