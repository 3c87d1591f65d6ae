"""What went wrong with the parts of a run, and what happened to the run itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml4t.live.report.table import Table, table
from ml4t.live.report.timeline import Incident
from ml4t.live.report.words import moment

COLUMNS = ("part", "state", "count", "latest", "what was said")


def health_table(lines: Sequence[Mapping[str, Any]]) -> Table:
    """Return how often each part was in each state, the most frequent first."""
    rows = (
        (line["part"], line["state"], f"{line['count']:,}", moment(line["latest"].time), details(line["latest"].body))
        for line in lines
    )
    return table("Health of the parts", COLUMNS, rows, numbers="count", empty="Every part was well")


def incidents_table(found: Sequence[Incident]) -> Table:
    """Return what happened to the run, the newest last."""
    rows = ((moment(each.time), each.what, each.text) for each in found)
    return table("What happened to the run", ("time", "what", ""), rows)


def details(body: Mapping[str, Any]) -> str:
    """Return what a health record says besides the state, in a line; stacks are left to the log."""
    said = {key: value for key, value in body.items() if key not in {"state", "stack"} and value}
    return ", ".join(str(value) if key == "why" else f"{key} {_short(value)}" for key, value in said.items())


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
