"""Trading days and hours: holidays, half days, breaks, daylight saving time, and the edges of what is known."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.sessions import ALWAYS, calendar_of
from ml4t.live.sessions.calendar import DAY
from ml4t.live.sessions.exchange import ExchangeSessions
from ml4t.live.times import NANOS

HOUR = 3_600 * NANOS


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NANOS


@pytest.fixture(scope="module")
def new_york():
    return calendar_of("XNYS")


@pytest.mark.parametrize(
    ("moment", "is_open", "day_end"),
    [
        ("2026-07-02T15:00", True, "2026-07-02T20:00"),
        ("2026-07-02T20:00", False, "2026-07-06T20:00"),  # the close itself is the next day's
        ("2026-07-03T15:00", False, "2026-07-06T20:00"),  # a holiday
        ("2026-07-04T15:00", False, "2026-07-06T20:00"),  # a weekend
        ("2026-11-27T17:59", True, "2026-11-27T18:00"),  # half a day
        ("2026-11-27T18:01", False, "2026-11-30T21:00"),
        ("2026-03-06T14:31", True, "2026-03-06T21:00"),  # winter time
        ("2026-03-09T13:31", True, "2026-03-09T20:00"),  # summer time
        ("2026-03-09T13:29", False, "2026-03-09T20:00"),
    ],
)
def test_new_york(new_york, moment, is_open, day_end):
    assert new_york.is_open(at(moment)) is is_open
    assert new_york.day_end(at(moment)) == at(day_end)
    assert new_york.day(at(moment)) == at(day_end) // DAY
    assert new_york.day(at(day_end)) > new_york.day(at(moment))


def test_open_time_leaves_out_nights_weekends_and_holidays(new_york):
    assert new_york.open_time(at("2026-07-02T19:00"), at("2026-07-06T14:30")) == 2 * HOUR
    assert new_york.open_time(at("2026-07-03T00:00"), at("2026-07-05T00:00")) == 0
    assert new_york.open_time(at("2026-07-06T15:00"), at("2026-07-02T19:00")) == 0


def test_a_lunch_break_is_closed_and_belongs_to_the_day():
    hong_kong = calendar_of("XHKG")
    noon = at("2026-09-10T04:30")
    assert not hong_kong.is_open(noon)
    assert hong_kong.day(noon) == hong_kong.day(at("2026-09-10T02:00"))
    assert hong_kong.open_time(at("2026-09-10T01:30"), at("2026-09-10T08:00")) == 5.5 * HOUR


def test_outside_of_what_is_known_it_is_closed_and_days_are_those_of_utc(new_york):
    for moment in (at("1975-03-03T15:00"), at("2199-03-03T15:00")):
        assert not new_york.is_open(moment)
        assert new_york.day(moment) == moment // DAY
        assert new_york.day_end(moment) > moment


def test_a_name_that_nobody_knows_is_said_so_with_one_that_is_near():
    with pytest.raises(ValueError, match=r"no calendar 'XNYZ'; write \"24/7\" or one such as .*XNYS"):
        calendar_of("XNYZ")


def test_without_the_library_the_command_that_mends_it_is_named():
    code = """
import sys
sys.modules["exchange_calendars"] = None
from ml4t.live.sessions import calendar_of
calendar_of("24/7")
try:
    calendar_of("XNYS")
except ValueError as error:
    print(error)
assert "pandas" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "pip install 'ml4t-live[calendars]'" in done.stdout


def test_a_market_that_never_closes():
    assert ALWAYS.is_open(5)
    assert (ALWAYS.day(DAY), ALWAYS.day(DAY - 1), ALWAYS.day_end(DAY)) == (1, 0, 2 * DAY)
    assert (ALWAYS.open_time(3, 10), ALWAYS.open_time(10, 3)) == (7, 0)


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 12)), min_size=1, max_size=8),
    st.integers(0, 12 * 24),
    st.integers(0, 12 * 24),
)
def test_it_is_what_counting_hour_by_hour_says(gaps, since, until):
    spans, now = [], 30
    for gap, length in gaps:
        spans.append(((now + gap) * HOUR, (now + gap + length) * HOUR))
        now += gap + length
    calendar = ExchangeSessions("test", [end for _, end in spans], spans, list(range(len(spans))))
    hours = [any(begin <= hour * HOUR < end for begin, end in spans) for hour in range(12 * 24)]
    assert [calendar.is_open(hour * HOUR) for hour in range(12 * 24)] == hours
    assert calendar.open_time(since * HOUR, until * HOUR) == sum(hours[since:until]) * HOUR
    assert calendar.day_end(since * HOUR) > since * HOUR


@pytest.mark.parametrize("name", ["XTKS", "XSHG"])
def test_exchanges_whose_history_is_shorter_begin_where_it_does(name):
    assert calendar_of(name).open_time(at("2026-09-07T00:00"), at("2026-09-11T00:00")) > 0


def test_a_calendar_that_the_library_cannot_reckon_is_said_so():
    with pytest.raises(ValueError, match="cannot be reckoned"):
        calendar_of("XBEL")


def test_two_sessions_that_close_on_one_date_of_utc_are_two_days():
    wellington = calendar_of("XNZE")
    assert wellington.day(at("2026-12-23T03:00")) < wellington.day(at("2026-12-23T23:00"))
