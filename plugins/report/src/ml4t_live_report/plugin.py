"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import DoctorRecord


@hookimpl
def ml4t_live_doctor() -> list[DoctorRecord]:
    """Return the check that charts can be drawn here; the page itself is made by `ml4t-live report`."""
    return [
        DoctorRecord(name="report", factory="ml4t_live_report.doctor:charts_can_be_drawn", summary="Can charts be drawn here?")
    ]
