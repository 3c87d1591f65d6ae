"""What a report says first: what ran, and what became of the account."""

from __future__ import annotations

from attrs import frozen

from ml4t.live.report.equity import EquityCurve
from ml4t.live.report.summary import RunFacts
from ml4t.live.report.words import moment, money, percent, plural, signed_percent
from ml4t.live.sessions import in_words

NO_EQUITY = "Equity: none noted yet (the engine notes it once a day of data)"


@frozen
class Fact:
    """A number with its name; `is_good` colours it, None leaves it alone."""

    name: str
    value: str
    is_good: bool | None = None


def run_lines(run: RunFacts) -> tuple[str, ...]:
    """Return what ran, when, and how it ended, a line each; the first goes on after the run's name."""
    calendar = f"calendar: {in_words(run.calendar)}" if run.calendar else ""
    first = " · ".join(part for part in (f"{run.mode} mode", run.strategy, calendar) if part)
    period = f"{moment(run.start)} to {moment(run.end)} · {'recorded' if run.recorded_data else 'live'} data"
    period += f" · {plural(run.runs, 'run')} · {plural(sum(run.records.values()), 'journal record')}"
    return (first, period, f"Ended: {run.ended}") if run.ended else (first, period)


def account_facts(curve: EquityCurve) -> tuple[Fact, ...]:
    """Return what the account was worth at the start and the end, and the deepest fall between; none before it is known."""
    if curve.last is None:
        return ()
    change = curve.total_return
    fall = percent(curve.max_drawdown, 2)
    if curve.max_drawdown:
        fall += f" ({moment(curve.peak_at)[:10]} to {moment(curve.trough_at)[:10]})"
    return (
        Fact("Equity", f"{money(curve.first)} → {money(curve.last)}"),
        Fact("return", signed_percent(change, 2), is_good=(change or 0) >= 0),
        Fact("max drawdown", fall),
        Fact("cash", money(curve.cash)),
    )
