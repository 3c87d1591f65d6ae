"""Full jitter: bounds, growth, cap, reset, repeatability."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.engine.backoff import FullJitter


class _Highest(random.Random):
    """Draws the upper end, so that the limits themselves can be seen."""

    def uniform(self, a: float, b: float) -> float:
        assert a == 0.0
        return b


def test_limits_double_up_to_the_cap_and_start_again_after_a_reset():
    backoff = FullJitter(_Highest(), base=0.5, cap=5.0)
    assert [backoff.next() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.reset()
    assert backoff.next() == 0.5


@given(seed=st.integers(), base=st.floats(0, 10), cap=st.floats(0, 100), count=st.integers(1, 50))
def test_every_delay_is_within_its_limit(seed, base, cap, count):
    backoff = FullJitter(random.Random(seed), base, cap)
    for n in range(count):
        assert 0 <= backoff.next() <= min(cap, base * 2**n)


def test_the_same_seed_gives_the_same_delays_and_they_are_spread():
    first, second = (FullJitter(random.Random(7), base=1, cap=1) for _ in range(2))
    delays = [first.next() for _ in range(1000)]
    assert delays == [second.next() for _ in range(1000)]
    ordered = [0.0, *sorted(delays), 1.0]
    assert max(b - a for a, b in pairwise(ordered)) < 0.05


def test_it_can_go_on_for_ever():
    backoff = FullJitter(_Highest(), base=0.5, cap=60.0)
    backoff.attempts = 10**9
    assert backoff.next() == 60.0


@pytest.mark.parametrize("wrong", [{"base": -1.0}, {"cap": -1.0}])
def test_negative_seconds_are_refused(wrong):
    with pytest.raises(ValueError, match="seconds"):
        FullJitter(random.Random(1), **wrong)
