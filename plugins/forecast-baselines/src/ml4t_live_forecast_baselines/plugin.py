"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import ForecasterRecord
from ml4t_live_forecast_baselines.config import DriftConfig, NaiveConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_forecasters() -> list[ForecasterRecord]:
    """Return the baselines."""
    return [
        ForecasterRecord(
            name="naive",
            config=NaiveConfig,
            factory="ml4t_live_forecast_baselines.naive:Naive",
            rig="ml4t_live_forecast_baselines.rigs:naive",
            summary="The last price: no change.",
        ),
        ForecasterRecord(
            name="drift",
            config=DriftConfig,
            factory="ml4t_live_forecast_baselines.drift:Drift",
            rig="ml4t_live_forecast_baselines.rigs:drift",
            summary="The last price, carried on by the mean return of the last prices.",
        ),
    ]
