"""The runs of a journal, one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ml4t.live.journal import Record
from ml4t.live.report.summary import iso


def run_lines(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return each run as plain values from the records that begin and end runs, oldest first; times are ISO 8601.

    `ended` says why, and is empty of a run that is on or was killed. `changes` is what was not as in the run before.
    """
    lines: list[dict[str, Any]] = []
    for record in records:
        if not record.body.get("ended"):
            body = dict(record.body)
            told = {"changes": body.pop("changes", []), "ended": "", "ended_at": None, "manifest": body}
            lines.append({"run": len(lines) + 1, "record": record.seq, "began": iso(record.time), **told})
        elif lines:
            lines[-1] |= {"ended": record.body.get("why", ""), "ended_at": iso(record.time)}
    return lines
