"""The random walk's forecast."""

from __future__ import annotations

from ml4t.live.contracts import ForecastRequest
from ml4t.live.model import Forecast
from ml4t_live_forecast_baselines.config import NaiveConfig


class Naive:
    """Predicts the last price. It names no direction, because "no change" is not an opinion on one."""

    def __init__(self, config: NaiveConfig) -> None:
        self.config = config

    def forecast(self, request: ForecastRequest) -> list[Forecast]:
        """Return a forecast for each wanted symbol that has a price."""
        prices = ((symbol, request.market.price(symbol)) for symbol in request.symbols)
        return [Forecast(symbol=symbol, horizon=request.horizon, price=price) for symbol, price in prices if price is not None]
