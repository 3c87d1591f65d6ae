"""The losses of the account: the day's and from the high-water mark, looked at on every mark."""

from __future__ import annotations

from math import inf
from typing import Any

from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.sessions import ALWAYS, Calendar


class LossWatch:
    """Knows the equity at the start of the day and its high, and the equity below which a limit is broken.

    The day is that of the session calendar. The high-water mark is the highest equity since the books began, or as
    `drawdown_since` says: since a person last resumed, or since the day began. A broken daily limit holds for the day, a broken
    drawdown for as long as its mark; both end when a named person resumes, who begins them anew. An account whose balance is
    not known yet (equity 0) has no day's start: the first equity seen is it.
    """

    def __init__(self, limits: LiveRiskConfig, calendar: Calendar = ALWAYS) -> None:
        self.calendar = calendar
        self._since = limits.drawdown_since
        self._flattens = limits.on_breach == "flatten"
        self._max_daily_loss = limits.max_daily_loss
        self._max_drawdown = limits.max_drawdown_pct
        self.day = -1
        self.day_start = 0.0
        self.high_water_mark = 0.0
        self.breached = ""
        """The limit that was broken, in words; it stays so whatever equity does."""
        self.breached_limit = ""
        """Its name, `max_daily_loss` or `max_drawdown`."""
        self.floor = -inf
        """Equity below which a loss limit is broken; comparing with it is all that a mark costs."""

    @property
    def to_flatten(self) -> str:
        """The limit that was broken, in words, when it empties the account; else empty."""
        return self.breached if self._flattens else ""

    def roll(self, now: int, equity: float) -> bool:
        """Begin a new day when `now` (nanoseconds UTC) is in one; a clock set back does not return to the old one."""
        day = self.calendar.day(now)
        if day <= self.day:
            return False
        self.day = day
        self.day_start = equity
        if self._since == "day":
            self.high_water_mark = equity
        if self._since == "day" or self.breached_limit == "max_daily_loss":
            self.breached = self.breached_limit = ""
        self.high_water_mark = max(self.high_water_mark, equity)
        self._anchor()
        return True

    def rearm(self, equity: float) -> None:
        """Begin anew from `equity`, because a named person has resumed; the mark of `drawdown_since = "start"` stays."""
        self.breached = self.breached_limit = ""
        if self.day_start:
            self.day_start = equity
        if self._since != "start":
            self.high_water_mark = equity
        self._anchor()

    def deposited(self, amount: float) -> None:
        """Leave money that came from outside out of account: it is no profit that may be lost again."""
        if self.day_start and amount > 0:
            self.day_start += amount
            self.high_water_mark += amount
            self._anchor()

    def mark(self, equity: float) -> bool:
        """Look at the equity after a mark; return True when a limit has just been broken."""
        if equity > self.high_water_mark or not self.day_start:
            self.day_start = self.day_start or equity
            self.high_water_mark = max(self.high_water_mark, equity)
            self._anchor()
        if equity > self.floor or self.floor == -inf or self.breached or self.day < 0:
            return False
        self.breached_limit, self.breached = self._broken(equity)
        return True

    def _broken(self, equity: float) -> tuple[str, str]:
        loss = self.day_start - equity
        if self._max_daily_loss is not None and not loss < self._max_daily_loss:  # NaN breaks every limit
            return "max_daily_loss", f"the account lost {loss:,.2f} today, and the limit is {self._max_daily_loss:,.2f}"
        drawdown = 1.0 - equity / self.high_water_mark
        return "max_drawdown", f"equity fell {drawdown:.2%} from its high, and the limit is {self._max_drawdown:.2%}"

    def state(self) -> dict[str, Any]:
        """Return what must survive a restart."""
        return {
            "day": self.day,
            "day_start": self.day_start,
            "high_water_mark": self.high_water_mark,
            "breached": self.breached,
            "breached_limit": self.breached_limit,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.day = int(state["day"])
        self.day_start = float(state["day_start"])
        self.high_water_mark = float(state["high_water_mark"])
        self.breached = str(state["breached"])
        self.breached_limit = str(state["breached_limit"])
        self._anchor()

    def _anchor(self) -> None:
        self.floor = -inf
        if self._max_daily_loss is not None and self.day_start:
            self.floor = self.day_start - self._max_daily_loss
        if self._max_drawdown is not None and self.high_water_mark > 0:
            self.floor = max(self.floor, self.high_water_mark * (1.0 - self._max_drawdown))
