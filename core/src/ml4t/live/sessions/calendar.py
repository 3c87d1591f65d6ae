"""What a calendar answers, and the one of markets that never close."""

from __future__ import annotations

from typing import Protocol

from ml4t.live.times import NANOS

DAY = 86_400 * NANOS


class Calendar(Protocol):
    """Trading days and hours. All moments are nanoseconds UTC; every answer is quick, and the same at any time."""

    name: str

    def day(self, moment: int) -> int:
        """Return the number of the trading day that `moment` belongs to; later days have higher numbers."""
        ...

    def day_end(self, moment: int) -> int:
        """Return when that day ends, which is when the next one begins; later than `moment`."""
        ...

    def is_open(self, moment: int) -> bool:
        """Return True while the market trades."""
        ...

    def open_time(self, since: int, until: int) -> int:
        """Return for how long, in nanoseconds, the market was open between two moments; 0 when `until` is the earlier."""
        ...

    def open_after(self, moment: int) -> int | None:
        """Return the first opening of a session later than `moment`, None when no later one is known."""
        ...

    def close_after(self, moment: int) -> int | None:
        """Return the first end of a session later than `moment`, None when no later one is known."""
        ...

    def trading_from(self, moment: int) -> int | None:
        """Return `moment` while the market trades, else when it begins to again, after a break too; None when never known."""
        ...

    def after(self, since: int, span: int) -> int:
        """Return the first moment by which the market has been open for `span` nanoseconds (above 0) after `since`.

        Raises ValueError when the calendar does not reach so far.
        """
        ...


class AlwaysOpen:
    """Never closed; the days are those of UTC, as crypto venues have them."""

    name = "24/7"

    def day(self, moment: int) -> int:
        """Return the days since 1970."""
        return moment // DAY

    def day_end(self, moment: int) -> int:
        """Return the next midnight, UTC."""
        return (moment // DAY + 1) * DAY

    def is_open(self, moment: int) -> bool:
        """Return True."""
        return True

    def open_time(self, since: int, until: int) -> int:
        """Return the time between the two."""
        return max(0, until - since)

    def open_after(self, moment: int) -> int | None:
        """Return the next midnight, UTC: a day opens when the one before closes."""
        return self.day_end(moment)

    def close_after(self, moment: int) -> int | None:
        """Return the next midnight, UTC."""
        return self.day_end(moment)

    def trading_from(self, moment: int) -> int | None:
        """Return `moment`."""
        return moment

    def after(self, since: int, span: int) -> int:
        """Return that much time later."""
        return since + span


ALWAYS: Calendar = AlwaysOpen()
