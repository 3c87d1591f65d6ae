"""The skill of models as a table on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from ml4t.live.report.grid import grid
from ml4t.live.report.skill import ModelSkill
from ml4t.live.report.words import NOTHING, percent, signed_percent
from ml4t.live.times import format_duration

MOST_EVIDENCE = 10_000
"""Evidence beyond this is shown as more than this."""

COLUMNS = (
    *("model", "horizon", "issued", "resolved", "open", "declined", "hit rate", "95 %", "MAE", "naive MAE"),
    *("skill", "95 % of it", "evidence", "calibrated", "gain", "verdict"),
)
NUMBERS = "issued resolved open declined hit_rate 95_% MAE naive_MAE skill 95_%_of_it evidence gain"
TITLE = "Forecasts (skill against naive on the same forecasts: above 0 is better, below 0 worse; evidence from 20 on is enough)"


def skill_table(lines: Sequence[ModelSkill], *, by: str = "") -> Table:
    """Return the table, with a column for what the forecasts are told apart `by`."""
    columns = COLUMNS if not by else (*COLUMNS[:2], by, *COLUMNS[2:])
    table = grid(TITLE, *columns, numbers=NUMBERS)
    for line in lines:
        first = (line.model, format_duration(line.horizon) if line.horizon else NOTHING)
        table.add_row(*first, *([line.group] if by else []), *_counts(line), *_scores(line), line.verdict)
    return table


def _counts(line: ModelSkill) -> tuple[str, ...]:
    """Return the counts; what came late or never is part of what is not resolved."""
    missed = line.late + line.unresolvable
    resolved = f"{line.resolved:,}" + (f" (+{missed:,} late or never)" if missed else "")
    return f"{line.issued:,}", resolved, f"{line.open:,}", f"{line.declined:,}"


def _scores(line: ModelSkill) -> tuple[str, ...]:
    return (
        percent(line.hit_rate),
        NOTHING if line.hit_low is None else f"{percent(line.hit_low)} to {percent(line.hit_high)}",
        percent(line.mean_absolute_error, 2),
        percent(line.naive_error, 2),
        NOTHING if line.skill is None else f"{line.skill:+.3f}",
        NOTHING if line.skill_low is None else f"{line.skill_low:+.3f} to {line.skill_high:+.3f}",
        NOTHING if line.e_value is None else f">{MOST_EVIDENCE:,}" if line.e_value > MOST_EVIDENCE else f"{line.e_value:.2f}",
        _calibration(line),
        signed_percent(line.gain, 3),
    )


def _calibration(line: ModelSkill) -> str:
    if line.calibrated is None:
        return NOTHING
    if line.calibrated:
        return "yes"
    return "overconfident" if (line.overconfidence or 0.0) > 0 else "too modest" if line.overconfidence else "no"
