"""How often each trigger fired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml4t.live.report.table import Table, table

COLUMNS = ("trigger", "fired", "suppressed", "the latest, for example")


def firings_table(lines: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table, the trigger that fired most first."""
    rows = ((line["trigger"], f"{line['count']:,}", f"{line['suppressed']:,}", line["example"]) for line in lines)
    return table("Triggers", COLUMNS, rows, numbers="fired suppressed")
