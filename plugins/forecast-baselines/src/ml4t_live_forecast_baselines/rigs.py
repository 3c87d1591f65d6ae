"""What the baselines are tried with by the conformance kit."""

from __future__ import annotations

from ml4t.live.testing import ForecasterRig
from ml4t_live_forecast_baselines.config import DriftConfig, NaiveConfig
from ml4t_live_forecast_baselines.drift import Drift
from ml4t_live_forecast_baselines.naive import Naive


def naive() -> ForecasterRig:
    """Return a market for the naive forecast."""
    return ForecasterRig(forecaster=lambda: Naive(NaiveConfig()))


def drift() -> ForecasterRig:
    """Return a market for the drift."""
    return ForecasterRig(forecaster=lambda: Drift(DriftConfig()))
