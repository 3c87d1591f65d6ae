"""The model builder in the real engine: when it refits, what it forecasts with, and that it cannot peek."""

from __future__ import annotations

from math import exp

import pytest
from agents_kit import HOUR, MINUTE, START, Every, autoregressive, run, spec, ticks, walk

from ml4t.live.model import Direction, Family, ForecastState
from ml4t_live_agents.config import ModelBuilderConfig
from ml4t_live_agents.model_builder import ModelBuilder

TRIGGERS = {"hourly": Every(HOUR), "minutely": Every(5 * MINUTE)}


def builder(**options):
    return ModelBuilder(ModelBuilderConfig(**{"refit_on": ("hourly",), "fewest": 50, "history": 300} | options))


def build(folder, prices, forecaster=None, horizon=5 * MINUTE, **rest):
    forecaster = forecaster or builder()
    return run(folder, [spec("builder", forecaster, *TRIGGERS, horizon=horizon)], ticks(prices), TRIGGERS, **rest)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return build(tmp_path_factory.mktemp("builder"), autoregressive(600, 1))


def versions(told):
    return [(tracked.forecast.issued_at, tracked.forecast.version) for tracked in told.forecasts]


def test_it_refits_on_its_trigger_and_forecasts_with_the_latest_fit_on_all(told):
    seen = dict(versions(told))
    refits = {version for at, version in seen.items() if (at - START) % HOUR == 0}
    assert len(refits) == 9, "ten hours, of which the first has too little"
    assert set(seen.values()) - refits == {"fit of 2026-01-05T00:55:00Z"}, "the first fit came as soon as there was enough"
    for at, version in seen.items():
        hour = START + (at - START) // HOUR * HOUR
        assert version == seen.get(hour, "fit of 2026-01-05T00:55:00Z")
    assert min(seen) == START + 55 * MINUTE
    assert len(told.of("error")) == 0


def test_it_has_skill_where_there_is_something_to_learn_and_none_where_there_is_not(tmp_path):
    both = {}
    for name, prices in {"learnable": autoregressive(3_000, 2, 0.7), "walk": walk(3_000, 2)}.items():
        told = build(tmp_path / name, prices)
        done = [t for t in told.forecasts if t.state is ForecastState.RESOLVED and t.resolution.naive_crps]
        gained = sum(t.resolution.naive_crps - t.resolution.crps for t in done) / sum(t.resolution.naive_crps for t in done)
        covered = sum(t.resolution.covered for t in done) / len(done)
        both[name] = gained
        assert 0.72 < covered < 0.88, "its central 80 % hold about 80 %"
    assert both["learnable"] > 0.05
    assert both["walk"] < 0.03


def test_nothing_that_comes_later_changes_what_it_said(tmp_path):
    prices = autoregressive(400, 3)
    other = [*prices[:300], *(price * 1.1 for price in prices[300:])]
    first, second = build(tmp_path / "a", prices), build(tmp_path / "b", other)
    cut = START + 300 * MINUTE

    def said(told):
        return [t.forecast for t in told.forecasts if t.forecast.issued_at < cut]

    assert said(first) == said(second)
    assert len(said(first)) > 40


def test_a_restart_goes_on_with_the_same_fit(tmp_path):
    prices = autoregressive(400, 4)
    whole = build(tmp_path / "whole", prices)
    build(tmp_path / "parts", prices[:287])
    parts = build(tmp_path / "parts", prices)
    assert [t.forecast for t in parts.forecasts] == [t.forecast for t in whole.forecasts]


def test_a_fit_made_with_other_options_is_not_used(tmp_path):
    prices = autoregressive(200, 5)
    first = builder(lags=2)
    build(tmp_path, prices, first)
    other = builder(lags=3)
    other.restore(first.state())
    assert other.state()["models"] == {}
    same = builder(lags=2)
    same.restore(first.state())
    assert same.state() == first.state()


def test_a_direction_has_the_probability_that_it_is_right(tmp_path):
    told = build(tmp_path, autoregressive(300, 6), builder(says="direction"))
    for tracked in told.forecasts:
        assert tracked.forecast.direction in {Direction.UP, Direction.DOWN}
        assert 0.5 <= tracked.forecast.confidence < 1.0
        assert tracked.forecast.distribution is None
    both = build(tmp_path / "both", autoregressive(300, 6), builder(says="both")).forecasts[-1].forecast
    assert both.distribution.family is Family.LOGNORMAL
    up = exp(both.distribution.location) > both.reference_price
    assert (both.direction is Direction.UP) == up


def test_it_abstains_while_it_knows_too_little_and_where_nothing_moves(tmp_path):
    assert build(tmp_path / "short", autoregressive(50, 7)).forecasts == []
    still = build(tmp_path / "still", [100.0] * 200)
    assert still.forecasts == []
    assert still.of("error") == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fewest": 600}, "fewest is above history"),
        ({"lags": 30, "fewest": 50}, "below twice the lags"),
        ({"lags": 0}, "'lags' must be >= 1"),
        ({"says": "price"}, "'says' must be in"),
    ],
)
def test_a_refusal_says_what_is_wrong(options, words):
    with pytest.raises(ValueError, match=words):
        ModelBuilderConfig(**options)
