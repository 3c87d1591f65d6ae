"""When a forecast is due, and which price may answer it."""

from __future__ import annotations

from ml4t.live.model import Forecast, HorizonIn
from ml4t.live.sessions import ALWAYS, Calendar
from ml4t.live.sessions.calendar import DAY
from ml4t.live.times import NANOS

LATE = 4 * DAY
"""How much later than the horizon a price may be without a calendar: longer than any long weekend."""

LATE_TRADING = 3_600 * NANOS
"""How much trading time later with one; a horizon of which this is less than a tenth may wait for a tenth of itself."""

GIVE_UP = 14 * DAY
"""How long after its horizon a forecast waits for a price, unless told otherwise."""


class Horizons:
    """The rules of time: horizons in session time, closed markets, and how late is too late.

    `late` (nanoseconds of trading time) replaces the rule for when a price is late; `give_up` (nanoseconds of any time) is when
    a forecast is given up that nothing has answered.
    """

    def __init__(self, calendar: Calendar = ALWAYS, *, late: int | None = None, give_up: int = GIVE_UP) -> None:
        self._calendar = calendar
        self._late = late
        self.give_up = give_up

    def due(self, issued_at: int, horizon: int, measured: HorizonIn) -> int:
        """Return the moment that a forecast speaks of. Raises ValueError when the calendar does not reach so far."""
        if measured is HorizonIn.TRADING_TIME:
            return self._calendar.after(issued_at, horizon)
        if measured is HorizonIn.SESSIONS:
            moment = issued_at
            for _ in range(sessions(horizon)):
                moment = self._calendar.day_end(moment)
            return moment
        return issued_at + horizon

    def answers(self, due: int, time: int) -> bool:
        """Return True when a price of `time`, not before the horizon, is one that it waits for.

        A horizon in closed hours waits until the market has opened: prices from outside the session are not what can be
        traded. One that falls on the close, or in a session, takes the next price there is.
        """
        calendar = self._calendar
        if time == due or calendar is ALWAYS:
            return True
        return calendar.is_open(due - 1) or calendar.is_open(time) or calendar.open_time(due, time) > 0

    def opening(self, time: int) -> int:
        """Return when a market that is closed at `time` trades again; a day later where the calendar does not reach."""
        opening = self._calendar.trading_from(time)
        return time + DAY if opening is None else opening

    def is_late(self, due: int, time: int, horizon: int) -> bool:
        """Return True when a price of `time` says too little about the horizon: a halt, a hole in the data, a long outage."""
        if self._late is None and self._calendar is ALWAYS:
            return time - due > LATE
        allowed = max(LATE_TRADING, horizon // 10) if self._late is None else self._late
        return self._calendar.open_time(due, time) > allowed

    def block(self, forecast: Forecast) -> int:
        """Return the number of the horizon that a forecast was issued in; forecasts two apart have no time in common."""
        if forecast.horizon_in is HorizonIn.TIME:
            return forecast.issued_at // forecast.horizon
        if forecast.horizon_in is HorizonIn.SESSIONS:
            return self._calendar.day(forecast.issued_at) // sessions(forecast.horizon)
        return self._calendar.open_time(0, forecast.issued_at) // forecast.horizon


def sessions(horizon: int) -> int:
    """Return how many trading days a horizon is. Raises ValueError when it is no whole number of days."""
    count, rest = divmod(horizon, DAY)
    if rest or not count:
        raise ValueError("a horizon in sessions is a whole number of days, as in 1d or 5d")
    return count
