"""The two baselines, against formulas written the other way round."""

from __future__ import annotations

import math
import statistics
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.contracts import Forecaster, ForecastRequest
from ml4t.live.model import Direction, Forecast
from ml4t.live.times import NANOS
from ml4t_live_forecast_baselines.config import DriftConfig, NaiveConfig
from ml4t_live_forecast_baselines.drift import Drift
from ml4t_live_forecast_baselines.naive import Naive

HOUR = 3600 * NANOS


class Market:
    """As much of a market as a baseline reads."""

    def __init__(self, histories: dict[str, list[float]]) -> None:
        self.symbols = {
            symbol: SimpleNamespace(symbol=symbol, price=prices[-1] if prices else None, prices=tuple(prices))
            for symbol, prices in histories.items()
        }

    def get(self, symbol):
        return self.symbols.get(symbol)

    def price(self, symbol):
        view = self.symbols.get(symbol)
        return view and view.price


def asked(histories: dict[str, list[float]], symbols=None) -> ForecastRequest:
    return ForecastRequest(symbols=symbols or list(histories), horizon=HOUR, time=0, market=Market(histories))


def drift(prices, **options) -> Forecast | None:
    config = DriftConfig(lookback=len(prices), **options)
    return next(iter(Drift(config).forecast(asked({"AAPL": prices}))), None)


def test_naive_predicts_the_last_price_and_no_direction():
    request = asked({"AAPL": [100.0, 101.0], "MSFT": [400.0], "NEW": []}, ["MSFT", "AAPL", "NEW", "UNHEARD"])
    assert Naive(NaiveConfig()).forecast(request) == [
        Forecast(symbol="MSFT", horizon=HOUR, price=400.0),
        Forecast(symbol="AAPL", horizon=HOUR, price=101.0),
    ]


def test_drift_carries_a_steady_growth_on():
    forecast = drift([100 * 1.01**n for n in range(10)], steps=3)
    assert forecast.symbol == "AAPL"
    assert forecast.horizon == HOUR
    assert forecast.price == pytest.approx(100 * 1.01**12)
    assert forecast.direction is Direction.UP


def test_drift_falls_as_well():
    forecast = drift([100 * 0.99**n for n in range(10)])
    assert forecast.price == pytest.approx(100 * 0.99**10)
    assert forecast.direction is Direction.DOWN


def test_drift_looks_at_the_lookback_only():
    prices = [50.0, 200.0, 100.0, 101.0, 102.01]
    (forecast,) = Drift(DriftConfig(lookback=3)).forecast(asked({"AAPL": prices}))
    assert forecast.price == pytest.approx(103.0301)


def test_drift_abstains_while_the_history_is_short():
    histories = {"OLD": [100.0] * 4, "YOUNG": [100.0] * 3}
    forecasts = Drift(DriftConfig(lookback=4)).forecast(asked(histories, ["YOUNG", "OLD", "UNHEARD"]))
    assert [forecast.symbol for forecast in forecasts] == ["OLD"]


def test_the_dead_band_calls_small_changes_sideways():
    prices = [100.0, 100.1, 100.2]
    assert drift(prices).direction is Direction.UP
    inside = drift(prices, dead_band=0.0011)
    assert inside.direction is Direction.SIDEWAYS
    assert inside.confidence is None
    assert inside.price > 100.2
    assert drift(prices, dead_band=0.0011, steps=2).direction is Direction.UP, "the band is about the change at the horizon"
    assert drift([100.0] * 5).direction is Direction.SIDEWAYS


def test_confidence_is_the_share_of_moves_shrunk_towards_one_half():
    ups = [100.0]
    for move in (1, 1, -1, 1, 0, 1, 1, -1, 1, -1, 1):
        ups.append(ups[-1] + move)
    forecast = drift(ups)
    assert forecast.direction is Direction.UP
    assert forecast.confidence == pytest.approx((7 + 1.96**2 / 2) / (10 + 1.96**2)), "7 of 10; the unchanged one is no move"
    assert round(forecast.confidence, 2) == 0.64
    falling = drift([200 - price for price in ups])
    assert falling.direction is Direction.DOWN
    assert falling.confidence == forecast.confidence


def test_confidence_may_speak_against_a_drift_made_of_one_jump():
    forecast = drift([100.0, 99.9, 99.8, 99.7, 110.0])
    assert forecast.direction is Direction.UP
    assert forecast.confidence < 0.5


@given(prices=st.lists(st.floats(1e-6, 1e9), min_size=3, max_size=30), steps=st.integers(1, 5000))
def test_drift_is_positive_finite_and_consistent_or_absent(prices, steps):
    forecast = drift(prices, steps=steps)
    mean = statistics.fmean(after / before - 1 for before, after in pairwise(prices))
    logarithm = math.log(prices[-1]) + steps * math.log1p(mean)
    if forecast is None:
        assert abs(logarithm) > 690, "abstains only when the price would be beyond what a float can hold"
        return
    assert math.isfinite(forecast.price)
    assert forecast.price > 0
    if abs(logarithm) < 690:  # below, a float has fewer digits
        assert math.log(forecast.price) == pytest.approx(logarithm, rel=1e-6, abs=1e-6)
    assert forecast.confidence is None or 0 < forecast.confidence < 1
    if forecast.direction is Direction.UP:
        assert forecast.price >= prices[-1]
    if forecast.direction is Direction.DOWN:
        assert forecast.price <= prices[-1]


def test_drift_abstains_on_a_price_that_has_no_returns():
    assert drift([1.0, 0.0, 1.0]) is None
    assert drift([1.0, -1.0, 1.0]) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lookback": 2}, "'lookback' must be >= 3"),
        ({"steps": 0}, "'steps' must be >= 1"),
        ({"dead_band": -0.1}, "'dead_band' must be >= 0"),
        ({"dead_band": 1.0}, "'dead_band' must be < 1"),
    ],
)
def test_a_refusal_says_what_is_wrong(options, words):
    with pytest.raises(ValueError, match=words):
        DriftConfig(**options)


def test_they_are_forecasters():
    assert isinstance(Naive(NaiveConfig()), Forecaster)
    assert isinstance(Drift(DriftConfig()), Forecaster)
