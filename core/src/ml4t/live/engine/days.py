"""The trading days of a run: what begins and ends with each, and what the account is worth meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from ml4t.live.engine.agenda import Agenda
from ml4t.live.journal import Journal, RecordKind, StatePut
from ml4t.live.orders.desk import Desk
from ml4t.live.orders.ports import Recorder
from ml4t.live.risk.loss import LossWatch
from ml4t.live.times import NANOS

VALUE_EVERY = 15 * NANOS
"""How often, on live data, what the account is worth is noted beside the records."""


class Days:
    """Rolls the day of the loss limits and counters at the moments of the session calendar.

    `moment` is how far the data have come; `on_end(now)` is called when a day has ended.
    """

    def __init__(
        self,
        losses: LossWatch,
        desk: Desk,
        agenda: Agenda,
        journal: Journal,
        record: Recorder,
        mode: str,
        *,
        moment: Callable[[], int],
        on_end: Callable[[int], None] | None,
    ) -> None:
        self._losses = losses
        self._desk = desk
        self._agenda = agenda
        self._journal = journal
        self._record = record
        self._mode = mode
        self._moment = moment
        self._on_end = on_end
        self._valued = 0
        self._noted = 0.0

    def resume(self) -> None:
        """Go on from the last day that an earlier run has valued."""
        valued = self._journal.last(RecordKind.EQUITY)
        self._valued = int(valued.body["at"]) if valued is not None else 0

    def begin(self, now: int, *, resumed: bool) -> None:
        """Begin with the first event; a run that resumes in the middle of a day values it at its end."""
        self._begin_day(now)
        if not resumed:
            self._value_day(now)
        self._agenda.at(self._losses.calendar.day_end(now), self._next)
        if self._on_end is not None:
            self._on_end(now)  # a day may have ended while nobody ran

    def note_worth(self, now: int) -> None:
        """Note what the account is worth, for whoever looks from another process, and for the next start."""
        portfolio = self._desk.portfolio
        if portfolio.equity == self._noted:
            return
        self._noted = portfolio.equity
        marks = {symbol: position.mark for symbol, position in portfolio.positions.items()}
        worth = {"at": now, "cash": portfolio.cash, "equity": portfolio.equity, "marks": marks}
        self._journal.put("account", "worth", worth)

    def _next(self, now: int) -> None:
        self._agenda.at(self._losses.calendar.day_end(now), self._next)
        self._begin_day(now)
        self._value_day(now)
        if self._on_end is not None:
            self._on_end(now)

    def _begin_day(self, now: int) -> None:
        if self._losses.roll(now, self._desk.portfolio.equity):
            books = self._desk.books
            for key, line in books.tallies.begin_day(books.mark):
                self._journal.put("tally", key, line)

    def _value_day(self, now: int) -> None:
        moment = self._moment()
        if moment <= self._valued:
            return
        self._valued = moment
        portfolio = self._desk.portfolio
        body = {"at": now, "cash": portfolio.cash, "equity": portfolio.equity}
        self._record(RecordKind.EQUITY, self._mode, body, state=(StatePut("risk", "losses", self._losses.state()),))
