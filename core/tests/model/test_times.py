from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.clock import DataClock, SystemClock
from ml4t.live.times import format_duration, parse_duration, to_datetime, to_nanoseconds

MICROSECONDS = st.integers(-(10**15), 10**16)


@given(MICROSECONDS)
def test_datetimes_there_and_back(microseconds):
    moment = to_datetime(microseconds * 1_000)
    assert moment.tzinfo is UTC
    assert to_nanoseconds(moment) == microseconds * 1_000


@given(MICROSECONDS, st.integers(0, 999))
def test_what_a_datetime_cannot_hold_is_cut_and_never_rounded_up(microseconds, rest):
    assert to_datetime(microseconds * 1_000 + rest) == to_datetime(microseconds * 1_000)


def test_zones_are_understood_and_never_guessed():
    berlin = timezone(timedelta(hours=1))
    assert to_nanoseconds(datetime(1970, 1, 1, 1, 0, 1, tzinfo=berlin)) == 1_000_000_000
    with pytest.raises(ValueError, match="no time zone"):
        to_nanoseconds(datetime(2024, 1, 1))  # noqa: DTZ001


@given(st.integers(1, 10**18))
def test_durations_there_and_back(nanoseconds):
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("30s", 30),
        (" 5M ", 300),
        ("1h30m", 5_400),
        ("1.5 h", 5_400),
        ("1d", 86_400),
        ("2w", 1_209_600),
        ("5min", 300),
    ],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds * 1e9


@pytest.mark.parametrize(
    "text", ["", "5", "m", "5x", "-5m", "5m!", "5 m 3", "0s", "0.0001ns", "1.5.2s", "five minutes", "nan s", "infs"]
)
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@given(st.lists(st.integers(0, 100)))
def test_the_datas_clock_only_goes_forward(moments):
    clock = DataClock()
    for number, moment in enumerate(moments):
        clock.advance(moment)
        assert clock.now() == clock.monotonic() == max([0, *moments[: number + 1]])
    assert clock.simulated
    assert not SystemClock.simulated
