"""What a forecast must beat: the past of the same symbol over the same horizon, as far as it was known at issue."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from ml4t.live.model import Direction

MEMORY = 200
"""Outcomes over which the variance of returns forgets (it is the mean of the first so many)."""

FEWEST = 10
"""Outcomes before there is a naive distribution."""


class Baseline:
    """How often prices rose, fell and stayed, and how far they moved, from issue to horizon.

    Several models that are asked at one moment see one outcome: it counts once.
    """

    __slots__ = ("count", "ends", "latest", "variance")

    def __init__(self) -> None:
        self.count = 0
        self.variance = 0.0
        self.latest = -1
        """When the last forecast that counted was issued, nanoseconds UTC."""
        self.ends = dict.fromkeys(Direction, 0)

    def add(self, change: float, went: Direction, issued_at: int) -> None:
        """Take in an outcome: the return since `issued_at`, and what direction that is called."""
        if issued_at <= self.latest:
            return
        self.latest = issued_at
        self.count += 1
        self.variance += (change * change - self.variance) / min(self.count, MEMORY)
        self.ends[went] += 1

    @property
    def scale(self) -> float | None:
        """The standard deviation of returns; None before `FEWEST` outcomes, and when nothing has moved."""
        return sqrt(self.variance) if self.count >= FEWEST and self.variance > 0.0 else None

    def confidence(self, direction: Direction) -> float:
        """Return how often the direction was right; one half before anything is known (Laplace's rule of succession)."""
        return (self.ends[direction] + 1) / (self.count + 2)

    def state(self) -> list[float]:
        """Return it as numbers, for the journal."""
        return [self.count, self.variance, self.latest, *self.ends.values()]

    @classmethod
    def from_state(cls, state: Sequence[float]) -> Baseline:
        """Return what `state` wrote."""
        made = cls()
        made.count, made.variance, made.latest = int(state[0]), state[1], int(state[2])
        made.ends = {direction: int(count) for direction, count in zip(Direction, state[3:], strict=True)}
        return made
