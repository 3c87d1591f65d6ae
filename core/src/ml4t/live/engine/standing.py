"""How a forecaster has behaved, and whether it is asked again."""

from __future__ import annotations

from attrs import define

from ml4t.live.times import NANOS

DISABLE_AFTER = 5
"""Failures in a row after which a forecaster is asked no more."""

CONCURRENT = 4
"""Requests that one forecaster may have running, those that nobody waits for any more included; more are declined."""

FIRST_PAUSE = NANOS
"""How long a forecaster is left alone after a failure; it doubles with every further one in a row."""


@define
class Standing:
    """The counts of one forecaster. `seconds` is how long its answers took in all, `slowest` the longest of them."""

    asked: int = 0
    answered: int = 0
    failed: int = 0
    declined: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    running: int = 0
    stuck: int = 0
    """Threads that nobody waits for any more, and that have not come back."""
    in_a_row: int = 0
    again_at: int = 0
    """Not before this moment (nanoseconds UTC) is it asked again."""
    disabled: bool = False

    def why_not(self, now: int) -> str:
        """Return why it cannot be asked, in words; empty when it can."""
        if self.disabled:
            return f"disabled after {DISABLE_AFTER} failures in a row"
        if self.running + self.stuck >= CONCURRENT:
            return f"{CONCURRENT} requests are running already"
        if now < self.again_at:
            return f"it failed {self.in_a_row} times in a row and is left alone for a while"
        return ""

    def answer(self, seconds: float) -> None:
        """Note an answer that was of use."""
        self.answered += 1
        self.seconds += seconds
        self.slowest = max(self.slowest, seconds)
        self.in_a_row, self.again_at = 0, 0

    def fail(self, now: int) -> bool:
        """Note a failure; return True when it is the one that disables."""
        self.failed += 1
        self.in_a_row += 1
        self.again_at = now + FIRST_PAUSE * 2 ** (self.in_a_row - 1)
        if self.in_a_row < DISABLE_AFTER or self.disabled:
            return False
        self.disabled = True
        return True
