"""`forecasts`: what was predicted, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any

import attrs
import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Refused
from ml4t.live.cli.state import open_journal
from ml4t.live.journal import TrackedForecast
from ml4t.live.ledger.outcome import centre_of
from ml4t.live.model import ForecastState
from ml4t.live.report.reader import ReportReader
from ml4t.live.report.skill import GROUPS, skills
from ml4t.live.report.summary import iso
from ml4t.live.report.words import NOTHING, moment, percent, price, signed_percent
from ml4t.live.times import format_duration

app = typer.Typer(add_completion=False)

Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help="Only those of one forecaster.")]
Symbol = Annotated[str | None, typer.Option("--symbol", metavar="SYMBOL", help="Only those of one symbol.")]
By = Annotated[
    str | None,
    typer.Option("--by", metavar="GROUP", help="Their scores instead: by model, symbol, regime, trigger or period."),
]
Open = Annotated[bool, typer.Option("--open", help="Only those whose horizon has not been reached.")]

COLUMNS = ("issued", "model", "symbol", "horizon", "price then", "predicted", "direction", "outcome", "moved", "hit", "error")
NUMBERS = "horizon price_then predicted outcome moved error"


@app.command(epilog="Example: ml4t-live forecasts --state-dir state/momentum --model drift --limit 20")
def forecasts(
    state_dir: options.StateDir = None,
    model: Model = None,
    symbol: Symbol = None,
    by: By = None,
    open_only: Open = False,
    limit: options.Limit = 50,
    mode: options.Mode = None,
    as_json: options.Json = False,
) -> None:
    """List forecasts and what became of them, the newest last; or, with --by, how good they were."""
    if by is not None:
        _scores(by, model, symbol, open_journal(state_dir, mode), as_json=as_json)
        return
    state = ForecastState.OPEN if open_only else None
    with open_journal(state_dir, mode) as journal:
        found = journal.forecasts(model=model, symbol=symbol, state=state, limit=limit)
    if as_json:
        output.data([as_dict(tracked) for tracked in found])
        return
    output.show(output.table(f"{len(found)} forecasts", COLUMNS, map(_row, found), numbers=NUMBERS))


def _scores(by: str, model: str | None, symbol: str | None, reader: ReportReader, *, as_json: bool) -> None:
    if by != "model" and by not in GROUPS:
        raise Refused(f"--by {by}: write one of model, {', '.join(GROUPS)}")
    if symbol is not None and by != "symbol":
        raise Refused("--symbol with --by: write --by symbol, scores of one symbol are not told apart any further")
    group = "" if by == "model" else by
    with reader as journal:
        lines = skills(journal, journal.declined(), by=group, models=None if model is None else [model])
    lines = [line for line in lines if symbol is None or line.group == symbol]
    if as_json:
        output.data([attrs.asdict(line) | {"horizon": line.horizon / 1e9, "verdict": line.verdict} for line in lines])
        return
    from ml4t.live.report.skill_table import skill_table  # noqa: PLC0415 - rich is loaded when something is drawn

    output.show(skill_table(lines, by=group))


def as_dict(tracked: TrackedForecast) -> dict[str, Any]:
    """Return a forecast and its resolution as plain values; times are ISO 8601, the horizon is in seconds."""
    forecast, outcome = tracked.forecast, tracked.resolution
    times = {"issued_at": iso(forecast.issued_at), "reference_time": iso(forecast.reference_time), "due": iso(forecast.due)}
    answer = attrs.asdict(forecast) | times | {"horizon": forecast.horizon / 1e9, "state": tracked.state}
    if outcome is None:
        return answer | {"resolution": None}
    moments = {"time": iso(outcome.time), "price_time": iso(outcome.price_time or 0)}
    return answer | {"resolution": attrs.asdict(outcome) | moments}


def _row(tracked: TrackedForecast) -> tuple[str, ...]:
    forecast, outcome = tracked.forecast, tracked.resolution
    known = outcome.price if outcome is not None else None
    missed = outcome.absolute_error if outcome is not None else None
    hit = outcome.direction_hit if outcome is not None else None
    return (
        moment(forecast.issued_at),
        forecast.model,
        forecast.symbol,
        format_duration(forecast.horizon),
        price(forecast.reference_price),
        price(centre_of(forecast)),
        forecast.direction.value if forecast.direction else NOTHING,
        price(known) if known is not None else tracked.state.value,
        signed_percent(None if known is None else known / forecast.reference_price - 1, 2),
        NOTHING if hit is None else "yes" if hit else "no",
        percent(None if missed is None else missed / forecast.reference_price, 2),
    )
