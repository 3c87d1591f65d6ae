"""The module that programs written for the classic runner import from."""

from ml4t.live import ForecastResult, LiveMarketRunner, TriggerConfig, TriggerType, create_live_market_runner

__all__ = ["ForecastResult", "LiveMarketRunner", "TriggerConfig", "TriggerType", "create_live_market_runner"]
