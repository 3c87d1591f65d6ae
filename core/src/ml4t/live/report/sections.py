"""The tables of a whole session, by what they are about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from ml4t.live.journal import RecordKind
from ml4t.live.report.calibration import Calibration
from ml4t.live.report.outcomes import Outcomes
from ml4t.live.report.reader import ReportReader
from ml4t.live.report.skill import GROUPS, skills
from ml4t.live.report.summary import SessionSummary
from ml4t.live.report.table import Table
from ml4t.live.report.tables.calibration import directions_table, pit_table, quantiles_table
from ml4t.live.report.tables.errors import errors_table
from ml4t.live.report.tables.firings import firings_table
from ml4t.live.report.tables.gaps import gaps_table
from ml4t.live.report.tables.health import health_table, incidents_table
from ml4t.live.report.tables.latest import latest_table
from ml4t.live.report.tables.latest_firings import latest_firings_table
from ml4t.live.report.tables.outcomes import outcomes_table
from ml4t.live.report.tables.refusals import refusals_table
from ml4t.live.report.tables.skill import skill_table
from ml4t.live.report.tables.traded import traded_table
from ml4t.live.report.timeline import incidents

LATEST = 10
"""Firings that are shown one by one."""
ROWS = 500
"""Rows of a table that are shown."""


@frozen
class Section:
    """Tables about one thing: `folded` are those for whoever asks further."""

    name: str
    title: str
    tables: tuple[Table, ...]
    folded: tuple[Table, ...] = ()


def sections(
    journal: ReportReader, summary: SessionSummary, known: Sequence[Calibration], came: Sequence[Outcomes]
) -> tuple[Section, ...]:
    """Return all tables of a session; those without anything to show are left out."""
    firings = journal.newest(RecordKind.FIRING, limit=LATEST)
    made = (
        _section("trading", "Trading", [traded_table(summary.traded, summary.orders), latest_table(summary.latest)]),
        _section("risk", "Refused orders", [refusals_table(summary.refusals, summary.orders)]),
        _section("triggers", "Triggers", [firings_table(summary.firings)], [latest_firings_table(firings)]),
        _section("forecasts", "Forecasts", [skill_table(summary.models)], [outcomes_table(came), *_groups(journal)]),
        _section("calibration", "Calibration", [directions_table(known), quantiles_table(known), pit_table(known)]),
        _section("health", "Health", _health(journal, summary)),
    )
    return tuple(each for each in made if each.tables or each.folded)


def _section(name: str, title: str, tables: Sequence[Table], folded: Sequence[Table] = ()) -> Section:
    shown, hidden = ([each.at_most(ROWS) for each in some if each.is_worth_showing] for some in (tables, folded))
    return Section(name, title, tuple(shown), tuple(hidden))


def _groups(journal: ReportReader) -> Iterator[Table]:
    for by in GROUPS:
        yield skill_table(skills(journal, {}, by=by), by=by)


def _health(journal: ReportReader, summary: SessionSummary) -> list[Table]:
    return [
        incidents_table(incidents(journal)),
        health_table(journal.health_by_state()),
        gaps_table(summary.gaps),
        errors_table(summary.errors),
    ]
