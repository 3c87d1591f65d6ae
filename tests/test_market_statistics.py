"""Rolling statistics against numpy and pandas: ten million events, prices of every size, and what an event costs."""

from __future__ import annotations

import time
from collections import deque

import numpy as np
import pandas as pd
import pytest

from ml4t.live.market import MarketState
from ml4t.live.market.rolling import Moments, Rolling
from ml4t.live.market.symbol import change
from ml4t.live.model import Trade
from ml4t.live.times import NANOS

MINUTE = 60 * NANOS


def walk(count, scale, sd=1e-4, seed=1):
    return scale * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, sd, count)))


def exact_deviation(values):
    """The sample standard deviation in extended precision, about the mean."""
    values = values.astype(np.longdouble)
    return float(np.sqrt(np.sum((values - values.mean()) ** 2) / (len(values) - 1)))


def test_ten_million_events_leave_no_error_behind():
    count, window = 10_000_000, 1_000
    returns = np.random.default_rng(3).normal(0, 1e-4, count)
    returns[count // 2] = 1.9e9  # one bad print, long gone
    moments = Moments(window)
    for value in returns.tolist():
        moments.add(value)
    last = returns[-window:]
    assert moments.count == window
    assert moments.deviation == pytest.approx(exact_deviation(last), rel=1e-12)
    assert moments.deviation == pytest.approx(np.std(last, ddof=1), rel=1e-9)
    assert moments.mean == pytest.approx(np.mean(last), rel=1e-9)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 190.0, 1e8])
@pytest.mark.parametrize("window", [2, 20, 999])
def test_realised_volatility_is_that_of_pandas_at_every_scale(scale, window):
    prices = walk(30_000, scale)
    state = MarketState()
    expected = pd.Series(prices).pct_change().rolling(window)
    at = np.linspace(window + 1, len(prices) - 1, 60, dtype=int)
    for n, price in enumerate(prices.tolist()):
        state.apply(Trade("A", n + 1, price, 1.0), 10**18)
        if n in at:
            returns = (prices[n - window + 1 : n + 1] - prices[n - window : n]) / prices[n - window : n]
            assert state.get("A").realised_volatility(window) == pytest.approx(exact_deviation(returns), rel=1e-9)
    assert state.get("A").realised_volatility(window) == pytest.approx(
        expected.std().iloc[-1], rel=1e-6
    )  # pandas drifts itself


def test_ewma_volatility_is_that_of_pandas():
    prices = walk(20_000, 1e8)
    state = MarketState()
    for n, price in enumerate(prices.tolist()):
        state.apply(Trade("A", n + 1, price, 1.0), 10**18)
    squares = pd.Series(prices).pct_change().dropna() ** 2
    expected = np.sqrt(squares.ewm(span=60, adjust=False).mean().iloc[-1])
    assert state.get("A").volatility == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_candles_are_those_of_pandas(scale):
    rng = np.random.default_rng(5)
    prices, times = walk(20_000, scale, 1e-3), np.cumsum(rng.integers(1, 40, 20_000))
    state = MarketState(1_000, (MINUTE,))
    for n, price in enumerate(prices.tolist()):
        state.apply(Trade("A", int(times[n]) * NANOS, price, 1.0), 10**18)
    frame = pd.Series(prices, index=pd.to_datetime(times, unit="s")).resample("1min").ohlc().dropna().iloc[:-1]
    view = state.get("A").candles(MINUTE)
    kept = frame.iloc[-1_000:]
    assert [candle.close for candle in view.closed] == kept["close"].tolist()
    ranges = np.log(kept["high"] / kept["low"]).to_numpy()[-500:]
    assert view.parkinson(500) == pytest.approx(np.sqrt(np.mean(ranges**2) / (4 * np.log(2))), rel=1e-9)
    assert view.realised_volatility(500) == pytest.approx(kept["close"].pct_change().iloc[-500:].std(), rel=1e-9)


def test_correlation_is_that_of_numpy():
    rng = np.random.default_rng(9)
    common = rng.normal(0, 1e-3, (3_000, 1))
    prices = np.exp(np.cumsum(common + rng.normal(0, 1e-3, (3_000, 2)), axis=0)) * [1e-8, 1e8]
    state = MarketState(1_000, (MINUTE,))
    for n, row in enumerate(prices.tolist()):
        for symbol, price in zip("AB", row, strict=True):
            state.apply(Trade(symbol, n * MINUTE + 1, price, 1.0), 10**18)
    closed = prices[:-1][-801:]
    returns = (closed[1:] - closed[:-1]) / closed[:-1]
    assert state.correlation("A", "B", MINUTE, 800) == pytest.approx(np.corrcoef(returns.T)[0, 1], rel=1e-9)


def test_an_event_costs_the_same_whatever_the_window():
    def cost(window):
        rolling, prices, best = Rolling(window, change), walk(40_000, 100.0).tolist(), float("inf")
        points, count = deque(prices[: window + 1], maxlen=window + 1), window + 1
        rolling.pull(points, count, ())
        for _ in range(5):
            began = time.process_time()
            for price in prices[:10_000]:
                points.append(price)
                count += 1
                rolling.pull(points, count, ())
            best = min(best, time.process_time() - began)
        return best

    assert cost(20_000) < 10 * cost(20)
