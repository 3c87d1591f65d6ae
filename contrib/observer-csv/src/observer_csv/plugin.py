"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import ObserverRecord
from observer_csv.config import CsvConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_observers() -> list[ObserverRecord]:
    """Return the one observer."""
    return [
        ObserverRecord(
            name="csv",
            config=CsvConfig,
            factory="observer_csv.observer:CsvObserver",
            rig="observer_csv.rig:rig",
            summary="Writes orders, executions, forecasts and health to CSV files as they happen, and rotates them.",
        )
    ]
