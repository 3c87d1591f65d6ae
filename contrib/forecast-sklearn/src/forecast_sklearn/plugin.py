"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from forecast_sklearn.config import SklearnConfig
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import ForecasterRecord

ml4t_live_contract = 3


@hookimpl
def ml4t_live_forecasters() -> list[ForecasterRecord]:
    """Return the one forecaster."""
    return [
        ForecasterRecord(
            name="sklearn",
            config=SklearnConfig,
            factory="forecast_sklearn.forecaster:SklearnForecaster",
            rig="forecast_sklearn.rig:rig",
            summary="Forecasts with any fitted estimator of scikit-learn, from a file that is trusted by its hash.",
            needs="a fitted estimator, written by joblib.dump, and a function that makes its features",
        )
    ]
