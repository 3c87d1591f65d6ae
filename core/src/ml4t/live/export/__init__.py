"""The files that people look at: what runs, the market as it is, forecasts with their outcomes, and how the agents do."""

from ml4t.live.export.exporter import Exporter
from ml4t.live.export.metrics import performance_metrics
from ml4t.live.export.results import ForecastResult, forecast_results
from ml4t.live.export.state import current_state

__all__ = ["Exporter", "ForecastResult", "current_state", "forecast_results", "performance_metrics"]
