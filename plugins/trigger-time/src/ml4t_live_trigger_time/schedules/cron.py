"""By a cron expression, on the clocks of a time zone."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from cronsim import CronSim, CronSimError

from ml4t.live.times import to_datetime, to_nanoseconds

_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)


class CronSchedule:
    """The moments of a five-field cron expression.

    Daylight saving as in Debian's cron: an expression that names its hours and minutes fires once when clocks are put back,
    and right after the gap when they are put forward; one whose minute or hour begins with `*` follows the clock as it runs.
    """

    def __init__(self, expression: str, zone: tzinfo) -> None:
        self._expression = expression
        self._zone = zone

    def next_time(self, after: int) -> int | None:
        """Return the first moment later than `after`, None when the next 50 years have none."""
        for moment in CronSim(self._expression, to_datetime(after).astimezone(self._zone)):
            found = to_nanoseconds(moment.astimezone(UTC))
            # In the hour that comes twice cronsim counts from its first pass, so it may name moments that are over.
            if found > after:
                return found
        return None


def validate(expression: str) -> None:
    """Raise ValueError with the reason when `expression` is not a usable cron expression of five fields."""
    example = "write minute hour day-of-month month day-of-week, as in '30 9 * * mon-fri'"
    if len(expression.split()) != 5:
        raise ValueError(f"{expression!r} has {len(expression.split())} fields instead of 5; {example}")
    try:
        moments = CronSim(expression, _SOME_DAY)
    except CronSimError as error:
        raise ValueError(f"{expression!r} cannot be read: {error}; {example}") from None
    if next(moments, None) is None:
        raise ValueError(f"{expression!r} never comes: no date fits it")
