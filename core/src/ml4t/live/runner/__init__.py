"""The classic live market runner: a dictionary says what to watch, when to ask which agent, and the engine does the rest."""

from ml4t.live.export import ForecastResult
from ml4t.live.runner.runner import LiveMarketRunner, create_live_market_runner
from ml4t.live.runner.triggers import TriggerConfig, TriggerType

__all__ = ["ForecastResult", "LiveMarketRunner", "TriggerConfig", "TriggerType", "create_live_market_runner"]
