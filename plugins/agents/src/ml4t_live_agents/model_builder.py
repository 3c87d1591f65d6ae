"""A model builder: it refits on some of its triggers, and forecasts with the latest fit on all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log, log1p
from typing import Any

from attrs import asdict, frozen

from ml4t.live.contracts import ForecastRequest
from ml4t.live.ledger.normal import cumulative
from ml4t.live.model import Direction, Distribution, Family, Forecast
from ml4t.live.times import to_datetime
from ml4t_live_agents.config import ModelBuilderConfig
from ml4t_live_agents.regression import Fit, fit


@frozen
class Model:
    """A fit of one symbol, and the version that it is known by."""

    version: str
    fit: Fit


class ModelBuilder:
    """Predicts the sum of the returns up to the horizon from the last returns, by a ridge regression that it renews.

    It is fitted per symbol to candles that are closed. A fit is used until the next one; the version of a forecast says when
    its fit was made. What cannot be fitted again, because the market state knows too little by then, is forecast with the
    last fit that could.
    """

    def __init__(self, config: ModelBuilderConfig) -> None:
        self.config = config
        self.needs_candles: Sequence[int] = (config.candle,)
        self._models: dict[str, Model] = {}

    def forecast(self, request: ForecastRequest) -> list[Forecast]:
        """Return a forecast of each symbol whose history is long enough."""
        refit = request.firing is not None and request.firing.trigger in self.config.refit_on
        forecasts = (self._forecast(symbol, request, refit=refit) for symbol in request.symbols)
        return [forecast for forecast in forecasts if forecast is not None]

    def state(self) -> dict[str, Any]:
        """Return the fits, so that a restart forecasts with the same ones."""
        models = {symbol: asdict(model) for symbol, model in list(self._models.items())}
        return {"candle": self.config.candle, "lags": self.config.lags, "models": models}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take the fits back, unless they were made with other options."""
        if (state["candle"], state["lags"]) != (self.config.candle, self.config.lags):
            return
        for symbol, said in state["models"].items():
            fitted = said["fit"] | {"coefficients": tuple(said["fit"]["coefficients"])}
            self._models[symbol] = Model(said["version"], Fit(**fitted))

    def _forecast(self, symbol: str, request: ForecastRequest, *, refit: bool) -> Forecast | None:
        view = request.market.get(symbol)
        if view is None or view.price is None:
            return None
        candles = view.candles(self.config.candle)
        returns = [log1p(change) for change in candles.returns[-self.config.history :]]
        if refit or symbol not in self._models:
            self._refit(symbol, returns, request.time)
        model = self._models.get(symbol)
        if model is None or len(returns) < self.config.lags:
            return None
        if candles.running and candles.closed:
            returns.append(log(view.price / candles.closed[-1].close))  # as far as the running candle has come
        steps = max(1, round(request.horizon / self.config.candle))
        expected, deviation = model.fit.ahead(returns, steps)
        if deviation <= 0.0:
            return None
        return self._say(symbol, request.horizon, model.version, log(view.price), expected, deviation)

    def _refit(self, symbol: str, returns: Sequence[float], now: int) -> None:
        if len(returns) < self.config.fewest:
            return
        fitted = fit(returns, self.config.lags, self.config.ridge)
        if fitted is not None:
            self._models[symbol] = Model(f"fit of {to_datetime(now):%Y-%m-%dT%H:%M:%SZ}", fitted)

    def _say(self, symbol: str, horizon: int, version: str, last: float, expected: float, deviation: float) -> Forecast:
        says = self.config.says
        return Forecast(
            symbol,
            horizon,
            distribution=Distribution(last + expected, deviation, Family.LOGNORMAL) if says != "direction" else None,
            direction=(Direction.UP if expected >= 0 else Direction.DOWN) if says != "distribution" else None,
            confidence=cumulative(abs(expected) / deviation) if says != "distribution" else None,
            version=version,
        )
