"""A model of scikit-learn: it learns from daily candles which way the next week goes. `logistic.toml` runs it in a process."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml4t.live import Direction, Forecast

DAY = 86_400 * 10**9


class Logistic:
    """Fits all symbols together when the month is another one, and says up or down with the probability that it has learnt."""

    needs_candles = (DAY,)

    def __init__(self, ahead: int = 5, fewest: int = 400, sure: float = 0.52) -> None:
        self.ahead = ahead
        """Candles in one horizon."""
        self.fewest = fewest
        self.sure = sure
        """It abstains when neither way is more probable than this."""
        self._model = None
        self._month = ""

    def forecast(self, request):
        series = {symbol: returns for symbol in request.symbols if len(returns := self._returns(symbol, request)) > 60}
        month = str(np.datetime64(request.time, "ns").astype("datetime64[M]"))
        if month != self._month:
            self._fit(list(series.values()), month)
        if self._model is None or not series:
            return None
        chances = self._model.predict_proba([_features(returns)[-1] for returns in series.values()])[:, 1]
        return [self._say(symbol, request.horizon, up) for symbol, up in zip(series, chances, strict=True) if self._is_sure(up)]

    def _returns(self, symbol, request):
        return np.log1p(request.market.get(symbol).candles(DAY).returns)

    def _fit(self, series, month):
        # What is learnt from has happened: the last `ahead` candles have no outcome yet.
        inputs = [_features(returns)[: -self.ahead] for returns in series]
        outcomes = [_sums(returns, self.ahead) > 0 for returns in series]
        if sum(map(len, inputs)) < self.fewest or len(np.unique(np.concatenate(outcomes))) < 2:
            return
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
        self._model = model.fit(np.concatenate(inputs), np.concatenate(outcomes))
        self._month = month

    def _is_sure(self, up):
        return max(up, 1 - up) >= self.sure

    def _say(self, symbol, horizon, up):
        direction = Direction.UP if up >= 0.5 else Direction.DOWN
        # Which fit it was: forecasts of one are told from those of another.
        return Forecast(symbol, horizon, direction=direction, confidence=float(max(up, 1 - up)), version=self._month)


def _features(returns):
    """Return one row per candle from the 20th on: sums over 1, 5 and 20 candles, and how much it moved in those."""
    cumulated = np.concatenate([[0.0], np.cumsum(returns)])
    sums = [cumulated[20:] - cumulated[20 - n : -n] for n in (1, 5, 20)]
    moved = np.lib.stride_tricks.sliding_window_view(returns, 20).std(axis=1)
    return np.column_stack([*sums, moved])


def _sums(returns, ahead):
    """Return what the price did in the `ahead` candles after each of those rows, as far as that is known."""
    cumulated = np.concatenate([[0.0], np.cumsum(returns)])
    return cumulated[20 + ahead :] - cumulated[20:-ahead]
