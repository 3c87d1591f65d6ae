"""The plain formulas give what the libraries give that everybody uses for them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import scoringrules
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.ledger import formulas, normal
from ml4t.live.model import Distribution, Family

prices = st.floats(1.0, 1_000.0)
scales = st.floats(0.01, 100.0)
shapes = st.floats(0.01, 2.0)


@given(prices, scales, prices)
def test_crps_of_a_normal(mean, scale, price):
    found = formulas.crps(Distribution(mean, scale), price)
    assert found == pytest.approx(float(scoringrules.crps_normal(price, mean, scale)), rel=1e-9, abs=1e-9)


@given(st.floats(0.0, 7.0), shapes, prices)
def test_crps_of_a_log_normal(location, scale, price):
    found = formulas.crps(Distribution(location, scale, Family.LOGNORMAL), price)
    assert found == pytest.approx(float(scoringrules.crps_lognormal(price, location, scale)), rel=1e-7, abs=1e-7)


@given(st.lists(prices, min_size=1, max_size=60), prices)
def test_crps_of_samples(samples, price):
    found = formulas.crps_samples(sorted(samples), price)
    oracle = float(scoringrules.crps_ensemble(price, np.array(samples), estimator="nrg"))
    assert found == pytest.approx(oracle, rel=1e-9, abs=1e-9)


@given(st.floats(0.01, 0.99), prices, prices)
def test_pinball(level, quantile, price):
    oracle = float(scoringrules.quantile_score(price, quantile, level))
    assert formulas.pinball(level, quantile, price) == pytest.approx(oracle, rel=1e-12, abs=1e-12)


@given(st.floats(0.0, 1.0), st.booleans())
def test_brier_and_log_score(confidence, hit):
    assert formulas.brier(confidence, hit) == pytest.approx(float(scoringrules.brier_score(float(hit), confidence)))
    score, clipped = formulas.log_score(confidence, hit)
    given_ = confidence if hit else 1 - confidence
    assert clipped == (given_ <= math.exp(-formulas.WORST))
    assert score == pytest.approx(min(formulas.WORST, -math.log(given_) if given_ else math.inf))


@given(prices, scales, prices, prices)
def test_log_density_and_pit_of_a_normal(mean, scale, price, unit):
    score, clipped = formulas.log_density(Distribution(mean, scale), price, unit)
    oracle = -scipy.stats.norm.logpdf(price / unit, mean / unit, scale / unit)
    assert score == pytest.approx(min(formulas.WORST, oracle), rel=1e-9, abs=1e-6)
    assert clipped == (score == formulas.WORST)
    assert formulas.pit(Distribution(mean, scale), price) == pytest.approx(scipy.stats.norm.cdf(price, mean, scale), abs=1e-12)


@given(st.floats(0.0, 7.0), shapes, prices, prices)
def test_log_density_and_pit_of_a_log_normal(location, scale, price, unit):
    said = Distribution(location, scale, Family.LOGNORMAL)
    oracle = scipy.stats.lognorm(s=scale, scale=math.exp(location) / unit)
    assert formulas.log_density(said, price, unit)[0] == pytest.approx(
        min(formulas.WORST, -oracle.logpdf(price / unit)), rel=1e-9, abs=1e-6
    )
    assert formulas.pit(said, price) == pytest.approx(oracle.cdf(price / unit), abs=1e-9)


@given(st.floats(1e-12, 1 - 1e-12))
def test_normal_quantiles(level):
    assert normal.quantile(level) == pytest.approx(scipy.stats.norm.ppf(level), rel=1e-9, abs=1e-9)


def test_the_ends_of_a_normal_are_infinite():
    assert (normal.quantile(0.0), normal.quantile(1.0)) == (-math.inf, math.inf)


@pytest.mark.parametrize("freedom", [3, 5, 9, 20, 100])
@pytest.mark.parametrize("level", [0.9, 0.975])
def test_student_quantiles(freedom, level):
    assert normal.student_quantile(level, freedom) == pytest.approx(scipy.stats.t.ppf(level, freedom), rel=2e-3)


@given(st.integers(9, 400))
def test_the_central_slots_hold_about_as_much_as_they_should_and_what_is_covered_lies_in_them(count):
    first, last = formulas.central_slots(count, 0.8)
    middles = [(rank + 0.5) / (count + 1) for rank in range(count + 1)]
    inside = [rank for rank, middle in enumerate(middles) if 0.1 - 1e-9 <= middle <= 0.9 + 1e-9]
    assert (inside[0], inside[-1]) == (first, last)
    assert [formulas.pit_samples(range(1, count + 1), rank + 0.5) for rank in range(count + 1)] == pytest.approx(middles)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(5, 10, 0.2366, 0.7634), (0, 10, 0.0, 0.2775), (7, 10, 0.3968, 0.8922), (519, 1000, 0.4880, 0.5498)],
)
def test_wilson(hits, trials, low, high):
    assert formulas.wilson(hits, trials) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
