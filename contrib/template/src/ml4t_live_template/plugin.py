"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import DoctorRecord


@hookimpl
def ml4t_live_doctor() -> list[DoctorRecord]:
    """Return the check that nothing is missing; plugins are written by `ml4t-live new`."""
    return [
        DoctorRecord(
            name="template",
            factory="ml4t_live_template.doctor:every_kind_can_be_written",
            summary="Can every kind of plugin be written?",
        )
    ]
