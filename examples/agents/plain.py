"""Forecasters as plain classes: no base class, no registration, no package. `plain.toml` names them."""

from __future__ import annotations

from math import sqrt
from statistics import fmean, stdev

from ml4t.live import Direction, Distribution, Forecast


class MeanReversion:
    """Expects a price that is far from its mean to come half-way back."""

    version = "1"

    def __init__(self, lookback: int = 50, far: float = 1.5) -> None:
        self.lookback = lookback
        self.far = far

    def forecast(self, request):
        said = []
        for symbol in request.symbols:
            prices = list(request.market.get(symbol).prices)[-self.lookback :]
            if len(prices) < self.lookback:
                continue  # nothing is said of it, and that is counted as an abstention
            mean, deviation = fmean(prices), stdev(prices)
            if abs(prices[-1] - mean) > self.far * deviation:
                back = (prices[-1] + mean) / 2
                direction = Direction.UP if back > prices[-1] else Direction.DOWN
                said.append(Forecast(symbol, request.horizon, price=back, direction=direction, confidence=0.55))
        return said


class RandomWalk:
    """Says nothing of where the price goes, but how far: a distribution as wide as past returns."""

    version = "1"

    def __init__(self, steps: int) -> None:
        self.steps = steps
        """Observations in one horizon."""

    async def forecast(self, request):
        said = []
        for symbol in request.symbols:
            view = request.market.get(symbol)
            if view.volatility:
                wide = view.price * view.volatility * sqrt(self.steps)
                said.append(Forecast(symbol, request.horizon, distribution=Distribution(view.price, wide)))
        return said
