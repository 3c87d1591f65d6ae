"""The hours of the market (row 35 of the table of controls)."""

from __future__ import annotations

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, Verdict, refuse
from ml4t.live.sessions import Calendar


class SessionHours:
    """Refuses every order outside the regular hours of the session calendar."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse while the market is closed."""
        if self._calendar.is_open(view.now):
            return ALLOW
        return refuse("session_closed", f"the market of calendar {self._calendar.name} is closed")
