"""The latest firings, one by one, with the numbers that made them."""

from __future__ import annotations

from collections.abc import Sequence

from ml4t.live.journal import Record
from ml4t.live.report.table import Table, table
from ml4t.live.report.words import NOTHING, moment

COLUMNS = ("time", "trigger", "symbol", "why", "numbers")


def latest_firings_table(records: Sequence[Record]) -> Table:
    """Return the table, the newest firing last."""
    rows = (
        (
            moment(record.body.get("time") or record.time),
            record.body["trigger"],
            record.body.get("symbol") or NOTHING,
            record.body["reason"],
            ", ".join(f"{name} {value:.6g}" for name, value in (record.body.get("values") or {}).items() if value is not None),
        )
        for record in records
    )
    return table("The latest firings", COLUMNS, rows)
