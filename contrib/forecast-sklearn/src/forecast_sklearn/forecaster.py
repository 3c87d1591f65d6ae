"""The forecaster."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from forecast_sklearn.answers import directions_of, forecasts, odds, points, quantiles
from forecast_sklearn.config import SklearnConfig
from forecast_sklearn.trusted import load
from ml4t.live.contracts import ForecastRequest
from ml4t.live.errors import LiveError
from ml4t.live.model import Forecast


class SklearnForecaster:
    """Asks a fitted estimator once for all symbols. Its version is the beginning of the hash of its file.

    It is called in a thread, or with `process = true` in a process, which reads the file for itself. Raises LiveError at the
    start for a file that is not the trusted one, was fitted with another version, or cannot say what is wanted.
    """

    def __init__(self, config: SklearnConfig) -> None:
        self.config = config
        self.version = config.sha256[:12]
        self.needs_candles: Sequence[int] = () if config.candle is None else (config.candle,)
        self._features = config.features.find()
        self._model = load(config.model, config.sha256)
        self._parts = _parts(self._model, config)
        self._names = [str(name) for name in getattr(self._parts[0], "feature_names_in_", ())]
        if config.says == "direction":
            self._directions = directions_of(self._model.classes_)

    def __reduce__(self) -> tuple[type, tuple[SklearnConfig]]:
        """Go to another process as a configuration: there the hash is checked again."""
        return type(self), (self.config,)

    def forecast(self, request: ForecastRequest) -> list[Forecast]:
        """Return a forecast of each symbol that has a price and features."""
        symbols, prices, rows = [], [], []
        for symbol in request.symbols:
            price = request.market.price(symbol)
            row = None if price is None else self._row(request, symbol)
            if price is not None and row is not None:
                symbols.append(symbol)
                prices.append(price)
                rows.append(row)
        if not symbols:
            return []
        with warnings.catch_warnings():
            # The order of the names has been seen to, and without pandas there is no other way to pass them on.
            warnings.filterwarnings("ignore", "X does not have valid feature names", UserWarning)
            said = list(self._say(np.asarray(rows, dtype=float), prices))
        return forecasts(symbols, request.horizon, said)

    def _say(self, rows: Any, prices: Sequence[float]) -> Iterator[dict[str, Any]]:
        if self.config.says == "direction":
            return odds(self._model.predict_proba(rows), self._directions)
        if self.config.says == "quantiles":
            return quantiles({float(level): each.predict(rows) for level, each in self._model.items()}, prices)
        return points(np.ravel(self._model.predict(rows)).tolist(), prices, self.config.says)

    def _row(self, request: ForecastRequest, symbol: str) -> list[float] | None:
        """Return the features of a symbol in the order of the fit; None when it has none, or one of them is no number."""
        given = self._features(request, symbol)
        if given is None:
            return None
        if isinstance(given, Mapping):
            given = self._in_order(given)
        row = [float(value) for value in given]
        wanted = self._parts[0].n_features_in_
        if len(row) != wanted:
            raise ValueError(f"{self.config.features.text} gives {len(row)} features, and the model was fitted with {wanted}")
        return row if all(map(isfinite, row)) else None

    def _in_order(self, given: Mapping[str, float]) -> list[float]:
        if set(given) != set(self._names):
            wanted = ", ".join(self._names) or "features without names: return a list"
            raise ValueError(f"{self.config.features.text} gives {', '.join(given)}, and the model was fitted with {wanted}")
        return [given[name] for name in self._names]


def _parts(model: Any, config: SklearnConfig) -> list[Any]:
    """Return the estimators of a model. Raises LiveError unless they are fitted and can say what is wanted."""
    several = config.says == "quantiles"
    if several and not (isinstance(model, Mapping) and model and all(0 < float(level) < 1 for level in model)):
        raise LiveError(
            f'{config.model}: says = "quantiles" takes a dict of estimators by level, such as {{0.1: ..., 0.9: ...}}'
        )
    parts = list(model.values()) if several else [model]
    method = "predict_proba" if config.says == "direction" else "predict"
    for each in parts:
        if not hasattr(each, method):
            raise LiveError(f'{config.model}: {type(each).__name__} has no {method}, which says = "{config.says}" takes')
        if not hasattr(each, "n_features_in_"):
            raise LiveError(f"{config.model}: {type(each).__name__} is not fitted")
    return parts
