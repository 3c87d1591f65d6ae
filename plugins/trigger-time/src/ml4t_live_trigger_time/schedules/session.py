"""By the sessions of a market."""

from __future__ import annotations

from collections.abc import Iterable

from ml4t.live.sessions import Calendar
from ml4t_live_trigger_time.config import Phase, parse_phase


class SessionSchedule:
    """The given phases of every session of a market: half days, holidays and daylight saving as the exchange has them."""

    def __init__(self, phases: Iterable[str], calendar: Calendar) -> None:
        self._phases = [parse_phase(text) for text in phases]
        self._calendar = calendar

    def next_time(self, after: int) -> int | None:
        """Return the first moment later than `after`, None beyond the sessions that are known."""
        return min((moment for phase in self._phases if (moment := self._next(phase, after)) is not None), default=None)

    def _next(self, phase: Phase, after: int) -> int | None:
        edge = self._calendar.open_after if phase.edge == "open" else self._calendar.close_after
        moment = edge(after - phase.offset)
        return None if moment is None else moment + phase.offset
