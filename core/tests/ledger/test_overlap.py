"""Errors that allow for overlap, and evidence that may be watched: what they claim is what happens."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.ledger.evidence import SURE, Evidence
from ml4t.live.ledger.overlap import FEWEST, LAGS, OverlapMean

values = st.lists(st.tuples(st.floats(-1, 1), st.integers(0, 30)), min_size=1, max_size=200)


def newey_west(values, blocks):
    """The variance of the mean by the formula of Newey and West (1987), over sums per block, with numpy."""
    values, blocks = np.array(values), np.array(blocks)
    sums = np.zeros(blocks.max() - blocks.min() + 1)
    np.add.at(sums, blocks - blocks.min(), values - values.mean())
    total = (sums * sums).sum()
    for lag in range(1, LAGS + 1):
        total += 2 * (1 - lag / (LAGS + 1)) * (sums[lag:] * sums[:-lag]).sum()
    used = len(set(blocks.tolist()))
    return max(0.0, total) / len(values) ** 2 * used / (used - 1)


@given(values)
def test_the_running_variance_is_that_of_newey_and_west(given_):
    given_.sort(key=lambda pair: pair[1])
    mean = OverlapMean()
    for value, block in given_:
        mean.add(value, block)
    numbers, blocks = zip(*given_, strict=True)
    assert mean.mean == pytest.approx(np.mean(numbers), abs=1e-12)
    assert mean.blocks == len(set(blocks))
    if mean.blocks < FEWEST:
        assert mean.long_run_variance is None
        assert mean.interval() == (None, None)
    else:
        assert mean.long_run_variance == pytest.approx(newey_west(numbers, blocks), rel=1e-6, abs=1e-9)


@given(values, st.randoms(use_true_random=False))
def test_the_order_within_a_few_blocks_does_not_matter(given_, rng):
    near = [(value, block % (2 * LAGS)) for value, block in given_]
    one, two = OverlapMean(), OverlapMean()
    for value, block in near:
        one.add(value, block)
    rng.shuffle(near)
    for value, block in near:
        two.add(value, block)
    assert one.state()[:7] == pytest.approx(two.state()[:7])


@given(values, st.integers(0, 200))
def test_the_state_gives_the_same_again(given_, cut):
    one, two = OverlapMean(), OverlapMean()
    e, f = Evidence(), Evidence()
    for place, (value, block) in enumerate(given_):
        if place == cut:
            two = OverlapMean.from_state(json.loads(json.dumps(two.state())))
            f = Evidence.from_state(json.loads(json.dumps(f.state())))
        for each in (one, two, e, f):
            each.add(value, block)
    assert one.state() == two.state()
    assert e.state() == f.state()
    assert e.value == f.value


def overlapping(rng, count, span):
    """The sums of `span` steps from each of `count` steps on, of a walk without drift; one block is one span."""
    steps = rng.standard_normal(count + span)
    ends = np.concatenate([[0.0], np.cumsum(steps)])
    return [(ends[n + span] - ends[n], n // span) for n in range(count)]


def test_the_interval_covers_what_it_says_although_forecasts_overlap():
    """Hourly forecasts for a day ahead, for two months: the usual interval covers 47 % there (facts, section 3.3)."""
    rng = np.random.default_rng(7)
    covered = usual = 0
    trials, effective = 400, []
    for _ in range(trials):
        mean = OverlapMean()
        for value, block in overlapping(rng, 24 * 60, 24):
            mean.add(value, block)
        low, high = mean.interval()
        covered += low <= 0 <= high
        usual += abs(mean.mean) < 1.96 * mean.variance**0.5
        effective.append(mean.effective_count)
    assert np.median(effective) == pytest.approx(60, rel=0.25)  # a day of forecasts says as much as one
    assert usual / trials < 0.6
    assert 0.89 <= covered / trials <= 0.98


def test_many_symbols_at_once_are_not_many_forecasts():
    """Fifty symbols that move together say little more than one."""
    rng = np.random.default_rng(8)
    mean = OverlapMean()
    for block in range(200):
        common = rng.standard_normal()
        for _ in range(50):
            mean.add(common + 0.1 * rng.standard_normal(), block)
    assert 100 < mean.effective_count < 400


def test_independent_values_lose_nothing():
    rng = np.random.default_rng(9)
    mean = OverlapMean()
    for block in range(4_000):
        mean.add(rng.standard_normal(), block)
    assert mean.effective_count > 3_000


def test_a_model_without_skill_that_is_watched_after_every_forecast_is_hardly_ever_found_good():
    """A coin, a thousand forecasts: looking each time, Wilson's lower bound passes one half in 18 of 100 runs."""
    rng = random.Random(10)
    found = fooled = 0
    for _ in range(300):
        evidence, hits, once = Evidence(), 0, False
        sure = False
        for n in range(1_000):
            hit = rng.random() < 0.5
            hits += hit
            evidence.add(hit - 0.5, n)
            sure = sure or evidence.value >= SURE
            share = hits / (n + 1)
            once = once or (n >= 20 and share - 1.96 * (share * (1 - share) / (n + 1)) ** 0.5 > 0.5)
        found += sure
        fooled += once
    assert found / 300 <= 0.05
    assert fooled / 300 > 0.1


def test_overlapping_forecasts_do_not_fool_it_either():
    rng = np.random.default_rng(11)
    found = 0
    for _ in range(100):
        evidence = Evidence()
        sure = False
        for n, (value, block) in enumerate(overlapping(rng, 24 * 40, 24)):
            evidence.add((value > 0) - 0.5, block)
            sure = sure or (n % 24 == 0 and evidence.value >= SURE)
        found += sure
    assert found <= 6


def test_a_model_with_skill_is_found():
    rng = random.Random(12)
    counts = []
    for _ in range(50):
        evidence = Evidence()
        for n in range(2_000):
            evidence.add((rng.random() < 0.61) - 0.5, n)
            if evidence.value >= SURE:
                counts.append(n + 1)
                break
    assert len(counts) == 50
    assert sorted(counts)[25] < 500


def test_evidence_stays_a_number():
    evidence = Evidence()
    for n in range(20_000):
        evidence.add(1.0, n)
    assert SURE < evidence.value < float("inf")
