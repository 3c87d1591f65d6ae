"""The summary of what a state directory's runs did: what was traded and why, refused, forecast, and went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from attrs import frozen

from ml4t.live.journal import RecordKind
from ml4t.live.model import Order
from ml4t.live.report.equity import EquityCurve
from ml4t.live.report.reader import ReportReader
from ml4t.live.report.skill import ModelSkill, skills
from ml4t.live.report.trades import Traded, add_up, totals
from ml4t.live.times import to_datetime

LATEST = 6
"""Orders that are shown one by one."""


@frozen(kw_only=True)
class RunFacts:
    """What ran: times are nanoseconds UTC, zero when nothing happened."""

    name: str
    mode: str
    runs: int
    recorded_data: bool
    start: int
    end: int
    ended: str
    """Why the latest run ended, in words; empty while it is on, or when it was killed."""
    strategy: str
    calendar: str
    """The name of the calendar; empty for a run of before it was noted."""
    records: Mapping[str, int]


@frozen(kw_only=True)
class SessionSummary:
    """Everything that a state directory's runs did, small enough for a screen."""

    run: RunFacts
    orders: Mapping[str, int]
    traded: tuple[Traded, ...]
    latest: tuple[Order, ...]
    equity: EquityCurve
    refusals: tuple[Mapping[str, Any], ...]
    firings: tuple[Mapping[str, Any], ...]
    models: tuple[ModelSkill, ...]
    errors: tuple[Mapping[str, Any], ...]
    gaps: tuple[Mapping[str, Any], ...]

    @property
    def fills(self) -> Mapping[str, Any]:
        """The sums over all symbols: fills, turnover, commission, realised P&L."""
        return totals(self.traded)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values under stable keys; times are ISO 8601, fractions are not per cent."""
        run = attrs.asdict(self.run)
        curve = self.equity
        return {
            "run": run | {"start": iso(self.run.start), "end": iso(self.run.end)},
            "orders": dict(self.orders),
            "fills": dict(self.fills),
            "traded": [attrs.asdict(line) for line in self.traded],
            "equity": {
                "first": curve.first,
                "last": curve.last,
                "cash": curve.cash,
                "return": curve.total_return,
                "max_drawdown": curve.max_drawdown,
                "peak_at": iso(curve.peak_at),
                "trough_at": iso(curve.trough_at),
                "days": curve.count,
            },
            "refusals": [dict(line) for line in self.refusals],
            "firings": [dict(line) for line in self.firings],
            "forecasts": [attrs.asdict(line) for line in self.models],
            "errors": [dict(line) for line in self.errors],
            "gaps": [dict(line) for line in self.gaps],
        }


def summarise(journal: ReportReader) -> SessionSummary:
    """Return the summary of everything in a journal, while a run writes it or afterwards.

    It reads each record once at most, and holds sums: the memory that it takes does not grow with the run.
    """
    suppressed = journal.suppressed()
    firings = [line | {"suppressed": suppressed.pop(line["trigger"], 0)} for line in journal.firings()]
    firings += [{"trigger": name, "count": 0, "example": "", "suppressed": n} for name, n in sorted(suppressed.items())]
    return SessionSummary(
        run=run_facts(journal),
        orders=journal.orders_by_state(),
        traded=tuple(_traded(journal)),
        latest=tuple(journal.latest_orders(traded=True, limit=LATEST)),
        equity=equity_curve(journal),
        refusals=tuple(journal.refusals()),
        firings=tuple(firings),
        models=tuple(skills(journal, journal.declined())),
        errors=tuple(journal.errors()),
        gaps=tuple(journal.gaps()),
    )


def run_facts(journal: ReportReader) -> RunFacts:
    """Return what ran, when, and how it ended."""
    records = journal.runs()
    begun = [record.body for record in records if not record.body.get("ended")]
    latest: Mapping[str, Any] = begun[-1] if begun else {}
    last = records[-1].body if records else {}
    start, end = journal.span()
    return RunFacts(
        name=latest.get("name", ""),
        mode=latest.get("mode", "") or journal.mode(),
        runs=len(begun),
        recorded_data=bool(latest.get("recorded_data")),
        start=start,
        end=end,
        ended=str(last.get("why", "")) if last.get("ended") else "",
        strategy=latest.get("strategy", ""),
        calendar=latest.get("calendar", ""),
        records=journal.counts(),
    )


def equity_curve(journal: ReportReader) -> EquityCurve:
    """Return the curve of the equities that the engine noted."""
    curve = EquityCurve()
    for at, equity, cash in equities(journal):
        curve.add(at, equity, cash)
    return curve


def equities(journal: ReportReader) -> Iterator[tuple[int, float, float | None]]:
    """Iterate over what the engine noted of the account: time (nanoseconds UTC), equity and cash.

    The last is what it was worth when that was noted last, which at the end of recorded data is after the day's own record.
    """
    latest: tuple[int, float, float | None] | None = None
    for record in journal.records(RecordKind.EQUITY):
        body = record.body
        if body.get("equity") is not None:
            if latest is not None:
                yield latest
            latest = body.get("at", record.time), body["equity"], body.get("cash")
    worth = journal.state("account").get("worth")
    if worth is not None and (latest is None or worth["at"] >= latest[0]):
        if latest is not None and worth["at"] > latest[0]:
            yield latest
        latest = worth["at"], worth["equity"], worth["cash"]
    if latest is not None:
        yield latest


def iso(nanoseconds: int) -> str | None:
    """Return a time as ISO 8601 in UTC, None for zero."""
    return to_datetime(nanoseconds).isoformat().replace("+00:00", "Z") if nanoseconds else None


def _traded(journal: ReportReader) -> Iterator[Traded]:
    sums = add_up(journal.every_fill())
    for symbol, orders in journal.orders_by_symbol().items():
        sums.setdefault(symbol, Traded(symbol)).orders = orders
    for symbol, line in sorted(sums.items()):
        latest = journal.latest_orders(symbol=symbol, traded=True, limit=1)
        line.reason = latest[0].cause if latest else ""
        yield line
