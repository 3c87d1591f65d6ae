"""No window sees more requests than it may, and cancels have room of their own, on virtual time."""

from __future__ import annotations

import pytest

from ml4t.live.adapters import Pace
from ml4t.live.testing import run_virtual
from ml4t.live.times import NANOS


@pytest.mark.parametrize(("most", "seconds", "others"), [(20, 1.0, 18), (200, 60.0, 180), (1, 2.0, 1)])
def test_no_window_sees_more_than_it_may(most, seconds, others):
    async def main(clock):
        pace = Pace(most, seconds, clock=clock)
        left = []
        for _ in range(3 * others):
            await pace.turn()
            left.append(clock.monotonic() / NANOS)
        return left

    left = run_virtual(main)
    assert left == pytest.approx([seconds * (number // others) for number in range(3 * others)])


def test_cancels_leave_when_nothing_else_may():
    async def main(clock):
        pace = Pace(20, 1.0, clock=clock)
        for _ in range(18):
            await pace.turn()
        assert pace.delay() == pytest.approx(1.0)
        for _ in range(2):
            assert pace.delay(urgent=True) == 0.0
            await pace.turn(urgent=True)
        assert pace.delay(urgent=True) == pytest.approx(1.0)
        await clock.sleep(0.4)
        assert pace.delay() == pytest.approx(0.6)

    run_virtual(main)
