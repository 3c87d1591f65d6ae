"""The exceptions of strategies, triggers, forecasters and observers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml4t.live.report.table import Table, table

COLUMNS = ("component", "count", "the latest")


def errors_table(lines: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table, the component that failed most first."""
    rows = ((line["component"], f"{line['count']:,}", line["example"]) for line in lines)
    return table("Errors", COLUMNS, rows, numbers="count")
