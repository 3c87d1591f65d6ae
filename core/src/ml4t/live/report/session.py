"""Everything that a report shows of a session, read from its journal once."""

from __future__ import annotations

from attrs import frozen

from ml4t.live.report.calibration import Calibration, calibrations
from ml4t.live.report.charts import DRAWN, ChartRoom, SymbolChart, busiest_symbols
from ml4t.live.report.outcomes import OutcomeRoom, Outcomes
from ml4t.live.report.reader import ReportReader
from ml4t.live.report.sampling import Axis, Line, Point
from ml4t.live.report.sections import Section, sections
from ml4t.live.report.summary import SessionSummary, equities, summarise
from ml4t.live.report.timeline import Stretch, Timeline


@frozen(kw_only=True)
class SessionReport:
    """A session as pictures and tables; whatever did not happen is empty. Times are nanoseconds UTC."""

    summary: SessionSummary
    running: bool
    """True when a process was writing the journal: the numbers are those of the moment at which each was read."""
    made_at: int
    axis: Axis
    charts: tuple[SymbolChart, ...]
    """The symbols that traded most, the most first."""
    not_drawn: tuple[str, ...]
    """The other symbols; the tables have them."""
    equity: tuple[Point, ...]
    drawdown: tuple[Point, ...]
    """How far the equity was below its highest so far, as a fraction of that: 0 or below."""
    calibrations: tuple[Calibration, ...]
    outcomes: tuple[Outcomes, ...]
    lanes: tuple[Stretch, ...]
    sections: tuple[Section, ...]
    """The tables, by what they are about."""


def read_session(journal: ReportReader, *, made_at: int, running: bool = False) -> SessionReport:
    """Return the report of everything in a journal, while a run writes it or afterwards.

    It reads every record once or twice and holds what fits into a picture: the memory that it takes does not grow with the
    session. Raises JournalError when the journal cannot be read.
    """
    summary = summarise(journal)
    axis = Axis(summary.run.start, summary.run.end)
    symbols = busiest_symbols(journal, {line.symbol: line.turnover for line in summary.traded})
    models = sorted(summary.models, key=lambda line: -line.issued)
    room = ChartRoom(
        axis, symbols[:DRAWN], [(line.model, line.horizon) for line in models], [line["trigger"] for line in summary.firings]
    )
    outcomes = OutcomeRoom()
    for tracked in journal.every_forecast():
        room.add_forecast(tracked)
        outcomes.add(tracked)
    room.read(journal)
    timeline = Timeline(axis)
    timeline.read(journal)
    equity, drawdown = _equity(journal, axis)
    known, came = calibrations(journal), outcomes.outcomes()
    return SessionReport(
        summary=summary,
        running=running,
        made_at=made_at,
        axis=axis,
        charts=room.charts(),
        not_drawn=tuple(symbols[DRAWN:]),
        equity=equity,
        drawdown=drawdown,
        calibrations=known,
        outcomes=came,
        lanes=timeline.lanes(),
        sections=sections(journal, summary, known, came),
    )


def _equity(journal: ReportReader, axis: Axis) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """Return what the account was worth, and how far below its high."""
    equity, drawdown, high = Line(axis), Line(axis), 0.0
    for at, value, _ in equities(journal):
        high = max(high, value)
        equity.add(at, value)
        drawdown.add(at, value / high - 1.0 if high > 0 else 0.0)
    return tuple(equity.points()), tuple(drawdown.points())
