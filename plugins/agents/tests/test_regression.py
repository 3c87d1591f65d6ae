"""The regression, against series whose coefficients are known and sums written the long way."""

from __future__ import annotations

import random
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t_live_agents.regression import LONGEST, MOST_PERSISTENT, Fit, fit, solve


def series(coefficients, count, seed, deviation=0.01, mean=0.0):
    rng, values = random.Random(seed), [0.0] * len(coefficients)
    for _ in range(count):
        past = values[-len(coefficients) :][::-1]
        values.append(sum(c * v for c, v in zip(coefficients, past, strict=True)) + rng.gauss(0.0, deviation))
    return [value + mean for value in values]


def test_it_finds_the_coefficients_that_made_a_series():
    found = fit(series([0.5, -0.3], 20_000, 1, mean=0.001), lags=2, ridge=0.0)
    assert found.coefficients == pytest.approx((0.5, -0.3), abs=0.03)
    assert found.deviation == pytest.approx(0.01, rel=0.03)
    assert found.mean == pytest.approx(0.001, abs=0.0005)


def test_the_ridge_draws_them_to_zero_as_far_as_there_is_little():
    short, long = series([0.5], 100, 2), series([0.5], 10_000, 2)
    assert abs(fit(short, 1, ridge=300.0).coefficients[0]) < 0.5 * abs(fit(short, 1, ridge=0.0).coefficients[0])
    assert fit(long, 1, ridge=300.0).coefficients[0] == pytest.approx(0.5, abs=0.05)


def test_what_has_not_moved_cannot_be_fitted():
    assert fit([0.0] * 100, 3, 10.0) is None
    assert fit([0.001] * 64, 3, 10.0) is None


def test_shocks_die_out_whatever_the_series():
    explosive = [1.001**n * 1e-6 for n in range(400)]
    found = fit(explosive, 3, 0.0)
    assert sum(map(abs, found.coefficients)) <= MOST_PERSISTENT + 1e-12


@given(
    coefficients=st.lists(st.floats(-0.4, 0.4), min_size=1, max_size=3),
    steps=st.integers(1, 12),
    latest=st.lists(st.floats(-0.05, 0.05), min_size=3, max_size=6),
)
def test_the_sum_ahead_is_that_of_the_series_and_its_variance_that_of_its_shocks(coefficients, steps, latest):
    size = sum(map(abs, coefficients))
    if size > MOST_PERSISTENT:
        coefficients = [c * MOST_PERSISTENT / size for c in coefficients]
    known = Fit(0.002, tuple(coefficients), 0.01)

    def total(shocks):
        values = [value - 0.002 for value in latest]
        for shock in shocks:
            past = values[-len(coefficients) :][::-1]
            values.append(sum(c * v for c, v in zip(coefficients, past, strict=True)) + shock)
        return sum(values[len(latest) :]) + 0.002 * steps

    quiet = total([0.0] * steps)
    effects = [total([0.01 * (n == place) for n in range(steps)]) - quiet for place in range(steps)]
    mean, deviation = known.ahead(latest, steps)
    assert mean == pytest.approx(quiet, abs=1e-12)
    assert deviation == pytest.approx(sqrt(sum(e * e for e in effects)), rel=1e-9)


def test_a_long_horizon_grows_by_the_same_each_step():
    known = Fit(0.0, (0.5,), 0.01)
    _, at = known.ahead([0.01], LONGEST)
    _, beyond = known.ahead([0.01], LONGEST + 1_000)
    assert beyond**2 - at**2 == pytest.approx(1_000 * (0.01 / (1 - 0.5)) ** 2, rel=1e-6)


@given(size=st.integers(1, 6), seed=st.integers(0, 10_000))
def test_a_system_is_solved(size, seed):
    rng = random.Random(seed)
    wanted = [rng.uniform(-2, 2) for _ in range(size)]
    matrix = [[rng.uniform(-1, 1) + 3.0 * (a == b) for b in range(size)] for a in range(size)]
    right = [sum(m * w for m, w in zip(row, wanted, strict=True)) for row in matrix]
    assert solve(matrix, right) == pytest.approx(wanted, rel=1e-6, abs=1e-8)


def test_a_system_whose_first_place_is_nothing_needs_a_pivot():
    assert solve([[0.0, 2.0], [3.0, 1.0]], [4.0, 5.0]) == pytest.approx([1.0, 2.0])
    assert solve([[0.0, 0.0], [0.0, 2.0]], [0.0, 4.0]) == [0.0, 2.0]
