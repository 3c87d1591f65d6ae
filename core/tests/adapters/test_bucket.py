"""A budget is spread over its time, a burst leaves at once, and a pause holds everything, on virtual time."""

from __future__ import annotations

import asyncio

import pytest

from ml4t.live.adapters import TokenBucket
from ml4t.live.testing import run_virtual
from ml4t.live.times import NANOS


async def leave(bucket, clock, count):
    left = []

    async def one():
        await bucket.turn()
        left.append(clock.monotonic() / NANOS)

    await asyncio.gather(*(one() for _ in range(count)))
    return left


@pytest.mark.parametrize(
    ("most", "seconds", "burst"), [(25, 86_400.0, 1), (5, 60.0, 1), (5, 60.0, 5), (60, 60.0, 4), (1, 2.0, 1)]
)
def test_no_window_sees_more_than_it_may_and_the_budget_is_used(most, seconds, burst):
    left = run_virtual(lambda clock: leave(TokenBucket(most, seconds, burst=burst, clock=clock), clock, 4 * most))
    assert left[:burst] == [0.0] * burst
    in_windows = [sum(begin <= moment < begin + seconds - 1e-6 for moment in left) for begin in left[: 3 * most]]
    assert max(in_windows) == most


def test_it_is_spread():
    left = run_virtual(lambda clock: leave(TokenBucket(25, 86_400.0, clock=clock), clock, 3))
    assert left == pytest.approx([0.0, 3_456.0, 6_912.0])


def test_after_a_rest_a_burst_leaves_and_no_more():
    async def main(clock):
        bucket = TokenBucket(10, 9.0, burst=2, clock=clock)
        await leave(bucket, clock, 2)
        await clock.sleep(1_000.0)
        return await leave(bucket, clock, 3)

    assert run_virtual(main) == pytest.approx([1_000.0, 1_000.0, 1_001.0])


def test_a_pause_holds_who_waits_already():
    async def main(clock):
        bucket = TokenBucket(10, 10.0, clock=clock)
        await bucket.turn()
        waiting = asyncio.create_task(leave(bucket, clock, 1))
        await clock.sleep(0.5)
        bucket.hold(30.0)
        bucket.hold(1.0)
        assert bucket.held
        left = await waiting
        assert not bucket.held
        return left

    assert run_virtual(main) == pytest.approx([30.5])


@pytest.mark.parametrize("numbers", [(0, 1.0, 1), (5, 0.0, 1), (5, 1.0, 6), (5, 1.0, 0)])
def test_a_budget_that_is_none_is_refused(numbers):
    most, seconds, burst = numbers
    with pytest.raises(ValueError, match="at least one"):
        TokenBucket(most, seconds, burst=burst)
