"""Once per period, counted from the epoch."""

from __future__ import annotations

from attrs import frozen


@frozen
class EverySchedule:
    """The moments `offset + k * period`, in nanoseconds since 1970-01-01 00:00 UTC.

    Counting from the epoch and not from the start of the process means that a restart changes nothing.
    """

    period: int
    offset: int = 0

    def next_time(self, after: int) -> int:
        """Return the first moment later than `after`."""
        return ((after - self.offset) // self.period + 1) * self.period + self.offset
