"""What came, by what was predicted."""

from __future__ import annotations

from collections.abc import Sequence

from ml4t.live.report.outcomes import Outcomes
from ml4t.live.report.table import Table, table
from ml4t.live.report.words import NOTHING, signed_percent
from ml4t.live.times import format_duration

COLUMNS = ("model", "horizon", "predicted", "came", "95 %", "forecasts")


def outcomes_table(found: Sequence[Outcomes]) -> Table:
    """Return the mean move that came, by the move that was predicted."""
    rows = (
        (
            each.model,
            format_duration(each.horizon),
            signed_percent(moves.predicted, 3),
            signed_percent(moves.came, 3),
            NOTHING if moves.low is None else f"{signed_percent(moves.low, 3)} to {signed_percent(moves.high, 3)}",
            f"{moves.count:,}",
        )
        for each in found
        for moves in each.bins
    )
    return table("Predicted moves, and what came on average", COLUMNS, rows, numbers="predicted came 95_% forecasts")
