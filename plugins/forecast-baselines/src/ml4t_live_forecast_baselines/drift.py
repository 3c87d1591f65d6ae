"""The drift forecast."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import fsum, inf

from ml4t.live.contracts import ForecastRequest
from ml4t.live.model import Direction, Forecast
from ml4t_live_forecast_baselines.config import DriftConfig

_SHRINK = 1.96**2
"""The weight of "even odds", in observations: what the centre of Wilson's 95 % interval adds to a count."""


class Drift:
    """Predicts that the price goes on as it did on average: `last * (1 + mean return per observation) ** steps`."""

    def __init__(self, config: DriftConfig) -> None:
        self.config = config

    def forecast(self, request: ForecastRequest) -> list[Forecast]:
        """Return a forecast for each wanted symbol whose history is long enough."""
        forecasts = (self._forecast(symbol, request) for symbol in request.symbols)
        return [forecast for forecast in forecasts if forecast is not None]

    def _forecast(self, symbol: str, request: ForecastRequest) -> Forecast | None:
        view = request.market.get(symbol)
        prices = list(view.prices)[-self.config.lookback :] if view is not None else []
        if len(prices) < self.config.lookback or min(prices) <= 0:
            return None
        returns = [now / before - 1 for before, now in pairwise(prices)]
        growth = _compound(fsum(returns) / len(returns), self.config.steps)
        price = prices[-1] * growth
        if not (0 < price < inf):
            return None
        direction = self._direction(growth - 1)
        return Forecast(
            symbol=symbol,
            horizon=request.horizon,
            price=price,
            direction=direction,
            confidence=_confidence(direction, returns),
        )

    def _direction(self, change: float) -> Direction:
        if abs(change) <= self.config.dead_band:
            return Direction.SIDEWAYS
        return Direction.UP if change > 0 else Direction.DOWN


def _compound(mean: float, steps: int) -> float:
    try:
        return (1 + mean) ** steps
    except OverflowError:
        return inf


def _confidence(direction: Direction, returns: Sequence[float]) -> float | None:
    """Return the share of past moves that went `direction`, drawn towards one half as far as they are few.

    A share of 7 in 10 is worth little, so it becomes 0.64: the centre of Wilson's interval. None for sideways, which the
    count of ups and downs says nothing about.
    """
    if direction is Direction.SIDEWAYS:
        return None
    up = sum(change > 0 for change in returns)
    down = sum(change < 0 for change in returns)
    right = up if direction is Direction.UP else down
    return (right + _SHRINK / 2) / (up + down + _SHRINK)
