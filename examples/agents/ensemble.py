"""An ensemble: the mean of what others have said, by the weights that a critic gives them. `ensemble.toml` has it all."""

from __future__ import annotations

from ml4t.live import Forecast


class Ensemble:
    """Says the weighted mean price of all models that have a forecast open with the same end as its own, more or less."""

    version = "1"

    def __init__(self, tolerance: float = 0.5) -> None:
        self.tolerance = tolerance
        """How much sooner or later than its own the end of a forecast may be, as a part of the horizon."""

    def forecast(self, request):
        means = ((symbol, self._mean(symbol, request)) for symbol in request.symbols)
        return [Forecast(symbol, request.horizon, price=mean) for symbol, mean in means if mean is not None]

    def _mean(self, symbol, request):
        """Return the mean; those of a disabled model, and what names no price, do not count."""
        mine = request.time + request.horizon
        total = weights = 0.0
        for forecast in request.forecasts.get(symbol, ()):
            weight = request.weights.get(forecast.model, 0.0)
            if forecast.price is None or forecast.model == request.model or not weight:
                continue
            if abs(forecast.due - mine) <= self.tolerance * request.horizon:
                total += weight * forecast.price
                weights += weight
        return total / weights if weights else None


class Exaggerator:
    """Somebody who is worse than no forecast at all: the move of the last candles goes on, three times as far."""

    version = "1"

    def forecast(self, request):
        said = []
        for symbol in request.symbols:
            prices = request.market.get(symbol).prices
            if len(prices) > 5:
                said.append(Forecast(symbol, request.horizon, price=prices[-1] * (prices[-1] / prices[-6]) ** 3))
        return said
