"""What adapters share: how fast requests may leave, when a line has fallen silent, and a clock that is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ml4t.live.errors import BrokerConnectionError
from ml4t.live.pace import Pace
from ml4t.live.skew import check_skew
from ml4t.live.testing import run_virtual
from ml4t.live.times import NANOS
from ml4t.live.waiting import until_silent


@given(st.integers(1, 20), st.lists(st.tuples(st.floats(0, 3), st.booleans()), min_size=1, max_size=80))
def test_no_span_of_time_sees_more_requests_than_allowed(count, requests):
    async def main(clock):
        pace, sent = Pace(count, 2.0, clock), []
        for pause, urgent in requests:
            await clock.sleep(pause)
            await pace.turn(urgent=urgent)
            sent.append((clock.monotonic(), urgent))
        for moment, _ in sent:
            window = [urgent for when, urgent in sent if moment - 2 * NANOS < when <= moment]
            assert len(window) <= count

    run_virtual(main)


def test_a_part_of_the_budget_is_kept_for_cancels():
    async def main(clock):
        pace = Pace(10, 1.0, clock)
        for _ in range(9):
            assert pace.delay() == 0.0
            await pace.turn()
        assert pace.delay() == 1.0
        assert pace.delay(urgent=True) == 0.0
        await pace.turn(urgent=True)
        assert pace.delay(urgent=True) == 1.0
        before = clock.monotonic()
        await pace.turn()
        assert clock.monotonic() - before == NANOS

    run_virtual(main)


@pytest.mark.parametrize(("answers", "fell_silent_after"), [(0, 10.0), (3, 25.0)])
def test_a_line_that_answers_when_asked_is_quiet_and_one_that_does_not_is_dead(answers, fell_silent_after):
    async def main(clock):
        heard, began = [0, answers], clock.monotonic()

        async def probe():
            if heard[1]:
                heard[1] -= 1
                heard[0] += 1

        await until_silent(lambda: heard[0], probe, 10.0, clock)
        assert (clock.monotonic() - began) / NANOS >= fell_silent_after
        assert heard[1] == 0

    run_virtual(main)


@pytest.mark.parametrize(
    ("theirs", "warned", "refused"),
    [
        (0.05, "", ""),
        (-1.5, "ahead of Acme's", ""),
        (1.6, "behind Acme's", ""),
        (-40.0, "", "40.0 s ahead of"),
        (40.1, "", "40.0 s behind"),
    ],
)
def test_a_clock_that_is_wrong_is_told_of_and_one_that_is_very_wrong_is_refused(theirs, warned, refused):
    now = 1_000 * NANOS
    question = ("Acme", now, now + round(theirs * NANOS), now + NANOS // 10)
    with capture_logs() as logs:
        if refused:
            with pytest.raises(BrokerConnectionError, match=refused):
                check_skew(*question)
        else:
            check_skew(*question)
    assert [log["side"] for log in logs] == ([warned] if warned else [])


def test_what_a_venue_cuts_from_its_time_is_no_skew():
    with capture_logs() as logs:
        check_skew("Acme", 1_999 * NANOS, 1_000 * NANOS, 1_999 * NANOS, resolution=1_000 * NANOS)
    assert logs == []
