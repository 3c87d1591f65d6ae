"""What models claimed of their own certainty, and how often it came true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ml4t.live.report.calibration import Calibration, Claim
from ml4t.live.report.table import Table, table
from ml4t.live.report.words import certainty, percent
from ml4t.live.times import format_duration

CLAIMS = ("model", "horizon", "claimed", "came true", "95 %", "forecasts")
NUMBERS = "claimed came_true 95_% forecasts"


def directions_table(found: Sequence[Calibration]) -> Table:
    """Return how often directions came true, by the confidence that was given."""
    return table("Reliability of confidence in a direction", CLAIMS, _claims(found, "directions"), numbers=NUMBERS)


def quantiles_table(found: Sequence[Calibration]) -> Table:
    """Return how often prices were at or below each quantile."""
    return table("Reliability of quantiles", CLAIMS, _claims(found, "quantiles"), numbers=NUMBERS)


def pit_table(found: Sequence[Calibration]) -> Table:
    """Return the share of prices in each quarter of the forecast distributions: a quarter each when calibrated."""
    columns = ("model", "horizon", "lowest quarter", "second", "third", "highest quarter", "forecasts", "calibrated")
    numbers = "lowest_quarter second third highest_quarter forecasts"
    rows = (_pit(each) for each in found if each.pit)
    return table("Where prices fell in the forecast distributions (PIT)", columns, rows, numbers=numbers)


def _pit(each: Calibration) -> tuple[str, ...]:
    quarter, total = len(each.pit) // 4, sum(each.pit)
    shares = (percent(sum(each.pit[first : first + quarter]) / total) for first in range(0, len(each.pit), quarter))
    word = certainty(each.calibrated, each.overconfidence)
    return each.model, format_duration(each.horizon), *shares, f"{total:,}", word


def _claims(found: Iterable[Calibration], what: str) -> Iterator[tuple[str, ...]]:
    for each in found:
        claims: tuple[Claim, ...] = getattr(each, what)
        for claim in claims:
            interval = f"{percent(claim.low)} to {percent(claim.high)}"
            yield each.model, format_duration(each.horizon), *_shares(claim), interval, f"{claim.count:,}"


def _shares(claim: Claim) -> tuple[str, str]:
    return percent(claim.claimed), percent(claim.came)
