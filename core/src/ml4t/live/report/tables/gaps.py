"""The holes in market data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml4t.live.report.table import Table, table
from ml4t.live.report.words import NOTHING, duration

COLUMNS = ("symbol", "reason", "count", "in all", "recovered")


def gaps_table(lines: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table, the symbol with most of them first."""
    rows = (
        (
            line["symbol"],
            line["reason"],
            f"{line['count']:,}",
            duration(line["seconds"]),
            NOTHING if line["recovered"] is None else f"{line['recovered']:,} events",
        )
        for line in lines
    )
    return table("Gaps in the data", COLUMNS, rows, numbers="count in_all recovered")
