"""The summary on a terminal: the tables a trader reads at the end of a day."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from ml4t.live.report.equity import EquityCurve
from ml4t.live.report.grid import grid
from ml4t.live.report.headline import NO_EQUITY, account_facts, run_lines
from ml4t.live.report.summary import RunFacts, SessionSummary
from ml4t.live.report.table import Table
from ml4t.live.report.tables.errors import errors_table
from ml4t.live.report.tables.firings import firings_table
from ml4t.live.report.tables.gaps import gaps_table
from ml4t.live.report.tables.latest import latest_table
from ml4t.live.report.tables.refusals import refusals_table
from ml4t.live.report.tables.skill import skill_table
from ml4t.live.report.tables.traded import traded_table


def render(summary: SessionSummary) -> RenderableType:
    """Return the summary as tables; what did not happen is left out, or said in one line."""
    return Group(*_parts(summary))


def summary_tables(summary: SessionSummary) -> tuple[Table, ...]:
    """Return the tables of a summary, in the order in which a trader asks for them."""
    return (
        traded_table(summary.traded, summary.orders),
        latest_table(summary.latest),
        refusals_table(summary.refusals, summary.orders),
        firings_table(summary.firings),
        skill_table(summary.models),
        errors_table(summary.errors),
        gaps_table(summary.gaps),
    )


def head(summary: SessionSummary) -> RenderableType:
    """Return what ran and what became of the account."""
    return Group(_headline(summary.run), Text(), _account(summary.equity))


def _parts(summary: SessionSummary) -> Iterator[RenderableType]:
    yield head(summary)
    for table in summary_tables(summary):
        if table.is_worth_showing:
            yield Text()
            yield grid(table)


def _headline(run: RunFacts) -> Text:
    first, *others = run_lines(run)
    return Text.assemble((run.name or "run", "bold"), f" · {first}", *(f"\n{line}" for line in others))


def _account(curve: EquityCurve) -> RenderableType:
    facts = account_facts(curve)
    if not facts:
        return Text(NO_EQUITY, style="dim")
    text = Text()
    for number, fact in enumerate(facts):
        style = "" if fact.is_good is None else "green" if fact.is_good else "red"
        text.append(fact.name if number else f"{fact.name} ", style="" if number else "bold")
        text.append(f" {fact.value}   ", style=style)
    line = curve.sparkline()
    return Text.assemble(text, "\n", (line, "cyan")) if line else text
