"""The check."""

from __future__ import annotations

from ml4t.live.contracts import RiskView
from ml4t.live.model import ALLOW, Order, Verdict, refuse
from ml4t.live.times import to_datetime
from risk_news_blackout.config import NewsBlackoutConfig
from risk_news_blackout.watched import WatchedCalendar


class NewsBlackout:
    """Refuses an order that opens or adds to a position while an event of the calendar is near.

    Codes: `news_blackout`, `news_no_calendar`, `news_calendar_over`.
    """

    exempts_reducing = True

    def __init__(self, config: NewsBlackoutConfig) -> None:
        self._config = config
        self._watched = WatchedCalendar(config)

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Return `ALLOW`, or a refusal. It reads no file."""
        loaded = self._watched.loaded
        calendar = loaded.calendar
        if calendar is None:
            why = f"the calendar {self._config.calendar} cannot be used: {loaded.why}; mend it, or drop the check"
            return refuse("news_no_calendar", why)
        event = calendar.at(order.symbol, view.now)
        if event is not None:
            over = _utc(calendar.until(event))
            return refuse("news_blackout", f"{event.name} at {_utc(event.start)}: no position is opened until {over}")
        if self._config.run_out == "refuse" and view.now > calendar.ends:
            ended = f"ended at {_utc(calendar.ends)}" if calendar.count else "is empty"
            why = f'the calendar {self._config.calendar} {ended}; add the events to come, or set run_out = "allow"'
            return refuse("news_calendar_over", why)
        return ALLOW


def _utc(moment: int) -> str:
    return f"{to_datetime(moment):%Y-%m-%d %H:%M} UTC"
