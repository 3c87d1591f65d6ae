"""How long to wait before trying again."""

from __future__ import annotations

import random

_MOST_DOUBLINGS = 64
"""Beyond this any cap has long been reached, and the power would overflow a float."""


class FullJitter:
    """Exponential back-off with full jitter: delay n is uniform between 0 and min(cap, base * 2**n).

    The jitter spreads clients that lost the same venue at the same moment. `base` and `cap` are in seconds. It does not
    know when things are well again: whoever uses it calls `reset` after a stable period.
    """

    def __init__(self, rng: random.Random, base: float = 0.5, cap: float = 60.0) -> None:
        if base < 0 or cap < 0:
            raise ValueError(f"back-off base and cap are seconds, not {base!r} and {cap!r}")
        self._rng = rng
        self._base = base
        self._cap = cap
        self.attempts = 0

    def next(self) -> float:
        """Return the seconds to wait now, and count the attempt."""
        longest = min(self._cap, self._base * 2.0 ** min(self.attempts, _MOST_DOUBLINGS))
        self.attempts += 1
        return self._rng.uniform(0.0, longest)

    def reset(self) -> None:
        """Start again with the shortest delays."""
        self.attempts = 0
