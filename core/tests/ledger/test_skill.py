"""What the ledger says of models whose worth is known: prophets, coins, fools, the honest and the overconfident.

The classic runner's arithmetic, as facts/section 1 measured it, gave a coin 98.3 % "accuracy" and a prophet no profit.
"""

from __future__ import annotations

import random
from math import exp

import attrs
import numpy as np
import pytest
from ledger_kit import HOUR, Bench, forecast

from ml4t.live.ledger.evidence import SURE
from ml4t.live.ledger.normal import quantile
from ml4t.live.model import Direction, Distribution, Family, Forecast, ForecastState

STEPS = 1_500
SIGMA = 0.01
COST = 0.0005


def walk(seed, steps=STEPS, sigma=SIGMA):
    """A random walk: the returns of an hour, without drift."""
    rng = random.Random(seed)
    return [rng.gauss(0.0, sigma) for _ in range(steps)]


def follow(models, returns, *, seed=0, cost=COST):
    """Ask each model each hour for an hour ahead; `models` are functions of (price, return to come, random numbers)."""
    bench, rng, price = Bench(cost=cost), random.Random(seed), 100.0
    bench.price(price)
    for change in returns:
        for name, model in models.items():
            bench.issue(attrs.evolve(model(price, change, rng), symbol="A", horizon=HOUR), model=name)
        price *= 1.0 + change
        bench.price(price, after=HOUR)
    assert bench.ledger.open_count == 0
    return bench


def says(**said):
    return Forecast("A", HOUR, **said)


def coin(price, _change, rng):
    up = rng.random() < 0.5
    moved = price * (1 + SIGMA * (1 if up else -1))
    return says(price=moved, direction=Direction.UP if up else Direction.DOWN, confidence=0.5)


def prophet(price, change, _rng):
    return says(price=price * (1 + change), direction=Direction.UP if change > 0 else Direction.DOWN, confidence=0.99)


def fool(price, change, _rng):
    return says(price=price * (1 - change), direction=Direction.DOWN if change > 0 else Direction.UP, confidence=0.99)


@pytest.fixture(scope="module")
def known():
    """A coin, a prophet and a fool on the same walk."""
    return follow({"coin": coin, "prophet": prophet, "fool": fool}, [c for c in walk(1) if abs(c) > 0.0006])


def test_a_coin_is_a_coin_and_no_accuracy_is_anywhere(known):
    score = known.total("coin")
    low, high = score.hit_interval
    assert low < 0.5 < high
    assert high - low < 0.06
    assert score.skill < 0
    assert score.e_value < SURE
    assert score.gains.gain < 0, "it pays the costs"
    assert score.probabilities.brier / score.probabilities.count == pytest.approx(0.25)
    assert not [name for name in dir(score) if "accuracy" in name]


def test_a_prophet_beats_the_coin_and_the_coin_the_fool_by_every_score(known):
    prophet_, coin_, fool_ = (known.total(name) for name in ("prophet", "coin", "fool"))
    for better, worse in ((prophet_, coin_), (coin_, fool_)):
        assert better.hit_rate > worse.hit_rate
        assert better.mean_absolute_error < worse.mean_absolute_error
        assert better.points.root_mean_square < worse.points.root_mean_square
        assert better.skill > worse.skill
        assert better.probabilities.brier < worse.probabilities.brier
        assert better.probabilities.log_score < worse.probabilities.log_score
        assert better.gains.gain > worse.gains.gain
        assert better.gains.drawdown < worse.gains.drawdown
    assert (prophet_.hit_rate, fool_.hit_rate) == (1.0, 0.0)
    assert prophet_.skill == 1.0
    assert prophet_.gains.gain > 5.0
    assert prophet_.e_value > SURE


def test_a_prophet_is_flagged_as_knowing_the_outcome_and_nobody_else(known):
    assert set(known.ledger.suspects) == {f"prophet|{HOUR}"}
    [flag] = known.bodies("health")
    assert flag["state"] == "suspect"
    assert "no model of a market is so good" in flag["why"]
    known_again = known.state("suspect")
    assert set(known_again) == {f"prophet|{HOUR}"}


def test_one_who_knows_only_part_of_the_future_is_flagged_too():
    """It sees nine in ten outcomes: a column of tomorrow's that slipped into the features."""

    def leaks(price, change, rng):
        return says(direction=Direction.UP if (change > 0) == (rng.random() < 0.9) else Direction.DOWN)

    bench = follow({"leaks": leaks}, [c for c in walk(2, 600) if abs(c) > 0.0006])
    assert "hit rate" in bench.ledger.suspects[f"leaks|{HOUR}"]


def test_the_naive_has_no_skill_and_shuffled_outcomes_destroy_skill():
    def good(price, change, rng):
        return says(price=price * (1 + 0.5 * change + rng.gauss(0, SIGMA / 4)), direction=None)

    def naive(price, _change, _rng):
        return says(price=price)

    returns = walk(3)
    honest = follow({"good": good, "naive": naive}, returns)
    low, high = honest.total("good").skill_interval
    assert 0.2 < low < honest.total("good").skill < high
    assert honest.total("good").e_value > SURE
    assert honest.total("naive").skill == 0.0
    assert honest.total("naive").skill_interval == (0.0, 0.0)
    assert honest.total("naive").e_value == 1.0

    shuffled = returns[:]
    random.Random(4).shuffle(shuffled)
    others = iter(shuffled)
    broken = follow({"good": lambda price, _change, rng: good(price, next(others), rng)}, returns)
    assert broken.total("good").skill_interval[1] < 0
    assert broken.total("good").e_value < 1


def distribution_of(width):
    return lambda price, _change, _rng: says(distribution=Distribution(price, price * SIGMA * width))


def log_normal(price, _change, _rng):
    return says(distribution=Distribution(np.log(price), SIGMA, Family.LOGNORMAL))


def samples_of(width):
    def model(price, _change, rng):
        return says(samples=tuple(max(0.01, price * (1 + rng.gauss(0, SIGMA * width))) for _ in range(50)))

    return model


def quantiles_of(width):
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    return lambda price, _change, _rng: says(
        quantiles={level: price * (1 + SIGMA * width * quantile(level)) for level in levels}
    )


@pytest.fixture(scope="module")
def certain():
    """Models that know the distribution of returns, and ones that think it narrower or wider than it is."""
    models = {"log-normal": log_normal}
    for name, width in (("right", 1.0), ("narrow", 0.5), ("wide", 2.0)):
        models |= {f"{name} distribution": distribution_of(width), f"{name} samples": samples_of(width)}
        models |= {f"{name} quantiles": quantiles_of(width)}
    return follow(models, walk(6))


KINDS = ("distribution", "samples", "quantiles")


@pytest.mark.parametrize("kind", KINDS)
def test_who_knows_the_distribution_is_shown_as_calibrated(certain, kind):
    score = certain.total(f"right {kind}")
    assert score.calibrated is True
    assert abs(score.overconfidence) < 0.03
    assert score.skill == pytest.approx(0.0, abs=0.03), "as good as the random walk, which is what it is"
    assert score.e_value is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("width", "sign"), [("narrow", 1), ("wide", -1)])
def test_who_is_too_sure_or_not_sure_enough_is_not_calibrated(certain, kind, width, sign):
    score = certain.total(f"{width} {kind}")
    assert score.calibrated is False
    assert score.overconfidence * sign > 0.05
    assert score.skill < certain.total(f"right {kind}").skill
    assert score.skill_interval[1] < 0


def test_the_histogram_of_the_pit_is_flat_for_the_right_and_a_u_for_the_narrow(certain):
    right, narrow = (certain.total(f"{name} distribution").distributions.slots for name in ("right", "narrow"))
    assert sum(right) == sum(narrow) == STEPS
    assert sum((n - STEPS / 20) ** 2 / (STEPS / 20) for n in right) < 43.8  # chi square, 19 degrees, 0.1 %
    assert narrow[0] + narrow[-1] > 0.25 * STEPS
    assert certain.total("log-normal").calibrated is True


def test_quantiles_are_counted_one_by_one(certain):
    below = certain.total("right quantiles").quantiles.below
    assert {level: hits / count for level, (count, hits) in below.items()} == pytest.approx(
        {level: float(level) for level in below}, abs=0.03
    )


def test_the_naive_distribution_is_the_past_and_begins_when_there_is_one(certain):
    score = certain.total("right distribution")
    assert (score.distributions.count, score.distributions.compared) == (STEPS, STEPS - 10)
    issued = [f for f in certain.bodies("forecast") if f.model == "right distribution"]
    assert issued[0].naive_scale is None
    assert issued[-1].naive_scale == pytest.approx(SIGMA, rel=0.25)


@pytest.mark.parametrize(("said", "calibrated", "sign"), [(0.6, True, 0), (0.9, False, 1), (0.3, False, 1)])
def test_a_confidence_is_compared_with_what_comes_true(said, calibrated, sign):
    """Its directions are right in six of ten."""

    def model(price, change, rng):
        right = (rng.random() < 0.6) == (change > 0)
        return says(direction=Direction.UP if right else Direction.DOWN, confidence=said)

    score = follow({"m": model}, [c for c in walk(6) if abs(c) > 0.0006]).total()
    assert score.calibrated is calibrated
    if sign:
        assert score.overconfidence * sign > 0.2
    else:
        assert abs(score.overconfidence) < 0.03
        assert score.probabilities.calibration_error < 0.03
        assert score.e_value > SURE
    hit = score.hit_rate
    bins = score.probabilities
    parts = bins.reliability - bins.resolution + hit * (1 - hit)
    assert bins.brier / bins.count == pytest.approx(parts), "Murphy's parts make up the Brier score"


def test_a_sure_thing_that_goes_wrong_is_cut_and_that_is_counted():
    bench = Bench()
    bench.price(100.0)
    bench.issue(forecast(None, direction=Direction.UP, confidence=1.0))
    bench.price(90.0, after=HOUR)
    assert bench.total().probabilities.clipped == 1


def test_a_perma_bull_on_a_rising_market_has_no_skill():
    """Nine in ten prices rise; saying so each time is the base rate, not skill."""
    rng = random.Random(7)
    returns = [0.002 if rng.random() < 0.9 else -0.01 for _ in range(800)]
    score = follow({"bull": lambda *_: says(direction=Direction.UP, confidence=0.9)}, returns).total("bull")
    assert score.hit_rate > 0.85
    assert score.probabilities.skill == pytest.approx(0.0, abs=0.05)
    assert score.evidence["hit"].value < 1
    assert score.calibrated is True


def test_sideways_said_all_the_time_has_no_skill():
    """Over a minute nearly every price stays within the band: it takes a while to learn that, and then it is no news."""
    returns = walk(8, 800, 0.0001)
    score = follow({"flat": lambda *_: says(direction=Direction.SIDEWAYS, confidence=0.9)}, returns).total("flat")
    assert score.hit_rate > 0.99
    assert score.evidence["hit"].value < SURE
    assert score.probabilities.skill < 0


def test_after_an_outage_the_price_of_the_restart_is_not_the_price_at_the_horizon():
    """The classic runner took whatever was cached when it woke: 1.15 % of error after eight hours."""
    bench = Bench(horizons=None)
    bench.price(100.0)
    bench.issue(forecast(101.0))
    bench.restart()
    bench.price(103.0, after=120 * HOUR)
    [resolution] = bench.bodies("resolution")
    assert resolution.state is ForecastState.LATE
    assert bench.total().points.count == 0


def test_numbers_of_an_array_are_numbers():
    """One numpy value emptied the classic store."""
    bench = Bench()
    bench.price(100.0)
    numbers = np.array([100.0, 101.0, 99.0] * 4)
    [issued] = bench.issue(forecast(np.float64(101.0), samples=numbers, quantiles={np.float64(0.5): np.float32(100.0)}))
    assert {type(number) for number in (*issued.samples, issued.price, *issued.quantiles.values())} == {float}
    assert issued.samples == tuple(sorted(numbers))


def test_the_right_distribution_of_a_log_normal_walk_is_log_normal():
    rng = random.Random(9)
    returns = [exp(rng.gauss(0.0, 0.2)) - 1.0 for _ in range(STEPS)]
    models = {
        "right": lambda price, *_: says(distribution=Distribution(np.log(price), 0.2, Family.LOGNORMAL)),
        "normal": lambda price, *_: says(distribution=Distribution(price, price * 0.2)),
    }
    bench = follow(models, returns)
    right, normal = bench.total("right"), bench.total("normal")
    assert right.calibrated is True
    assert right.distributions.log_density < normal.distributions.log_density
    assert right.distributions.crps < normal.distributions.crps
