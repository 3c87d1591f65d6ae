"""Moments of sessions, and moments only in sessions, against a walk over every minute; half days, holidays, clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ml4t.live.sessions import calendar_of
from ml4t.live.times import NANOS, to_datetime, to_nanoseconds
from ml4t_live_trigger_time.config import TimeTriggerConfig
from ml4t_live_trigger_time.trigger import TimeTrigger

MINUTE = 60 * NANOS
NEW_YORK = ZoneInfo("America/New_York")


def utc(text):
    return to_nanoseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


def moments(after, until, **options):
    trigger, found, moment = TimeTrigger(TimeTriggerConfig(**options)), [], utc(after)
    while (moment := trigger.next_time(moment)) is not None and moment < utc(until):
        found.append(to_datetime(moment).replace(tzinfo=None).isoformat(timespec="minutes"))
    return found


def test_open_and_close_follow_holidays_half_days_and_the_change_of_clocks():
    assert moments("2026-11-25", "2026-12-01", session=["open+5m", "close-10m"], calendar="XNYS") == [
        "2026-11-25T14:35",
        "2026-11-25T20:50",
        "2026-11-27T14:35",  # the day after Thanksgiving, and it ends at one
        "2026-11-27T17:50",
        "2026-11-30T14:35",
        "2026-11-30T20:50",
    ]
    assert moments("2026-03-06", "2026-03-10", session=["open"], calendar="XNYS") == ["2026-03-06T14:30", "2026-03-09T13:30"]
    assert moments("2026-03-05", "2026-03-07T14:00", session=["close+2h", "open-1h"], calendar="XNYS") == [
        "2026-03-05T13:30",
        "2026-03-05T23:00",
        "2026-03-06T13:30",
        "2026-03-06T23:00",
    ]


def test_a_lunch_break_opens_no_session():
    assert moments("2026-09-10", "2026-09-11", session=["open", "close"], calendar="XHKG") == [
        "2026-09-10T01:30",
        "2026-09-10T08:00",
    ]


def test_a_market_that_never_closes_turns_at_midnight():
    assert moments("2026-01-01T12:00", "2026-01-03T12:00", session=["close-1m"]) == ["2026-01-01T23:59", "2026-01-02T23:59"]


def minutes(after, until):
    return range(utc(after), utc(until), MINUTE)


@pytest.mark.parametrize("exchange", ["XNYS", "XHKG", "XLON"])
def test_every_so_often_while_the_market_trades(exchange):
    after, until = "2026-11-24T00:00", "2026-12-01T00:00"
    calendar = calendar_of(exchange)
    walked = [m for m in minutes(after, until) if m % (30 * MINUTE) == 0 and calendar.is_open(m) and m > utc(after)]
    found = moments(after, until, every=30 * MINUTE, only="hours", calendar=exchange)
    assert found == [to_datetime(m).replace(tzinfo=None).isoformat(timespec="minutes") for m in walked]


def test_at_times_of_day_on_trading_days_only():
    after, until = "2026-06-29T00:00", "2026-07-08T00:00"  # the third of July is a holiday
    days = {"2026-06-29", "2026-06-30", "2026-07-01", "2026-07-02", "2026-07-06", "2026-07-07"}
    local = [to_datetime(m).astimezone(NEW_YORK) for m in minutes(after, until)]
    walked = [t for t in local if (t.hour, t.minute) in {(9, 15), (18, 0)} and t.date().isoformat() in days]
    options = {"at": ["09:15", "18:00"], "timezone": "America/New_York", "only": "days", "calendar": "XNYS"}
    assert moments(after, until, **options) == [
        t.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="minutes") for t in walked
    ]


def test_a_second_by_second_schedule_finds_monday_at_once():
    trigger = TimeTrigger(TimeTriggerConfig(every=NANOS, only="hours", calendar="XNYS"))
    assert to_datetime(trigger.next_time(utc("2026-07-02T19:59:59"))) == datetime(2026, 7, 6, 13, 30, tzinfo=UTC)


def test_beyond_what_is_known_there_is_no_moment():
    trigger = TimeTrigger(TimeTriggerConfig(session=["open"], calendar="XNYS"))
    assert trigger.next_time(utc("2029-12-01")) is not None
    assert trigger.next_time(utc("2199-01-01")) is None
