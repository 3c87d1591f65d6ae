"""The rule, its clocks and its zones, and what happens when the file is not as it should be."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.contracts import RiskCheck
from ml4t.live.model import ALLOW, Order, OrderSide
from ml4t.live.times import NANOS, to_nanoseconds
from risk_news_blackout.calendar import Calendar, Event
from risk_news_blackout.check import NewsBlackout
from risk_news_blackout.config import NewsBlackoutConfig
from risk_news_blackout.watched import WatchedCalendar

MINUTE = 60 * NANOS
FAR = "2030-01-01T00:00:00Z,the last one,NONE\n"
FOMC = "time,name,symbols\n2026-01-28T19:00:00Z,FOMC,\n2026-01-29T21:30:00Z,earnings,AAPL MSFT\n" + FAR


@frozen
class View:
    now: int


def utc(*when):
    return to_nanoseconds(datetime(*when, tzinfo=UTC))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "calendar.csv"
    path.write_text(FOMC)
    return path


def made(path, **options):
    return NewsBlackout(NewsBlackoutConfig(calendar=path, **options))


def order(symbol="AAPL"):
    return Order("o", symbol, OrderSide.BUY, 1.0)


def asked(check, *when, symbol="AAPL"):
    return check.check(order(symbol), View(utc(*when)))


def read(tmp_path, text, *when, name="calendar.csv", symbol="AAPL", **options):
    path = tmp_path / name
    path.write_text(text)
    return asked(made(path, **options), *when, symbol=symbol)


def until(condition, what, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.002)


# --- the rule ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "allowed"),
    [
        ((2026, 1, 28, 18, 29, 59), True),
        ((2026, 1, 28, 18, 30), False),
        ((2026, 1, 28, 19, 0), False),
        ((2026, 1, 28, 19, 45), False),
        ((2026, 1, 28, 19, 45, 1), True),
    ],
)
def test_no_position_is_opened_from_before_an_event_until_after_it(file, when, allowed):
    verdict = asked(made(file, before=30 * MINUTE, after=45 * MINUTE), *when)
    assert verdict.allowed is allowed
    if not allowed:
        assert verdict.code == "news_blackout"
        assert verdict.reason == "FOMC at 2026-01-28 19:00 UTC: no position is opened until 2026-01-28 19:45 UTC"


def test_an_event_of_some_symbols_is_nothing_to_the_others(file):
    check = made(file)
    assert asked(check, 2026, 1, 29, 21, 30, symbol="AAPL").code == "news_blackout"
    assert asked(check, 2026, 1, 29, 21, 30, symbol="MSFT").code == "news_blackout"
    assert asked(check, 2026, 1, 29, 21, 30, symbol="SPY") is ALLOW
    assert asked(check, 2026, 1, 28, 19, 0, symbol="SPY").code == "news_blackout", "an event without symbols concerns all"


def test_exits_pass(file):
    assert isinstance(made(file), RiskCheck)
    assert NewsBlackout.exempts_reducing


def test_an_event_that_lasts_is_near_until_after_its_end(tmp_path):
    text = "time,end,name\n2026-01-28T19:00:00Z,2026-01-28T21:00:00Z,hearing\n"
    assert read(tmp_path, text, 2026, 1, 28, 21, 29).code == "news_blackout"
    assert read(tmp_path, text, 2026, 1, 28, 21, 31, run_out="allow") is ALLOW


def test_a_short_event_after_a_long_one_does_not_hide_it(tmp_path):
    text = "time,end,name\n2026-01-28T09:00:00Z,2026-01-28T21:00:00Z,long\n2026-01-28T10:00:00Z,,short\n2030-01-01T00:00Z,,x\n"
    assert read(tmp_path, text, 2026, 1, 28, 15, 0).reason.startswith("long")


events = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 50), st.sampled_from([(), ("A",), ("B",), ("A", "B")])), max_size=12
)


@given(given_events=events, before=st.integers(0, 20), after=st.integers(0, 20), now=st.integers(-30, 280))
def test_it_is_what_looking_at_every_event_says(given_events, before, after, now):
    found = [Event(start, start + length, "x", frozenset(symbols)) for start, length, symbols in given_events]
    calendar = Calendar(found, before=before, after=after)
    near = any(
        event.start - before <= now <= event.end + after and (not event.symbols or "A" in event.symbols) for event in found
    )
    assert (calendar.at("A", now) is not None) is near


# --- time zones ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "hour_utc"),
    [("2026-03-06", 19), ("2026-03-09", 18), ("2026-10-30", 18), ("2026-11-02", 19)],
)
def test_new_york_times_on_both_sides_of_a_change_of_the_clocks(tmp_path, day, hour_utc):
    year, month, number = map(int, day.split("-"))
    text = f"time,timezone,name\n{day} 14:00,America/New_York,FOMC\n"
    assert read(tmp_path, text, year, month, number, hour_utc, before=0, after=0).code == "news_blackout"
    assert read(tmp_path, text, year, month, number, hour_utc, 1, before=0, after=0, run_out="allow") is ALLOW


def test_an_hour_that_happens_twice_is_kept_free_twice(tmp_path):
    text = "time,timezone,name\n2026-11-01 01:30,America/New_York,odd\n"
    for hour in (5, 6):
        assert read(tmp_path, text, 2026, 11, 1, hour, 30, before=0, after=0).code == "news_blackout"


def test_a_time_without_a_zone_is_an_error_unless_the_options_name_one(tmp_path):
    text = "time,name\n2026-01-28 14:00,FOMC\n"
    assert "line 2: 2026-01-28 14:00 has no time zone" in read(tmp_path, text, 2026, 1, 28, 19).reason
    assert read(tmp_path, text, 2026, 1, 28, 19, timezone="America/New_York").code == "news_blackout"


def test_a_day_is_the_whole_day_there(tmp_path):
    text = "time,name\n2026-01-28,holiday\n"
    options = {"timezone": "America/New_York", "before": 0, "after": 0, "run_out": "allow"}
    assert read(tmp_path, text, 2026, 1, 28, 4, 59, **options) is ALLOW
    assert read(tmp_path, text, 2026, 1, 28, 5, **options).code == "news_blackout"
    assert read(tmp_path, text, 2026, 1, 29, 4, 59, **options).code == "news_blackout"
    assert read(tmp_path, text, 2026, 1, 29, 5, 1, **options) is ALLOW


# --- iCalendar -------------------------------------------------------------------------------------------------------------


def ics(*lines):
    return "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""])


@pytest.mark.parametrize(
    "lines",
    [
        ["DTSTART;TZID=America/New_York:20260128T140000", "SUMMARY:FOMC"],
        ["DTSTART:20260128T190000Z", "SUMMARY:FO", " MC"],
        ["DTSTART:20260128T140000", "SUMMARY:FOMC"],
        ['DTSTART;X-ODD="a:b;c";TZID="America/New_York":20260128T140000', "SUMMARY:FOMC"],
        ["DTSTART:20260128T190000Z", "DTEND:20260128T190000Z", "CATEGORIES:AAPL,MSFT", "SUMMARY:FOMC"],
    ],
)
def test_icalendar(tmp_path, lines):
    options = {"name": "x.ics", "timezone": "America/New_York", "before": 0, "after": 0}
    verdict = read(tmp_path, ics(*lines), 2026, 1, 28, 19, **options)
    assert verdict.reason.startswith("FOMC at 2026-01-28 19:00 UTC")


def test_icalendar_days_and_cancelled_events(tmp_path):
    days = ics("DTSTART;VALUE=DATE:20260128", "DTEND;VALUE=DATE:20260129", "SUMMARY:holiday")
    options = {"name": "x.ics", "timezone": "UTC", "before": 0, "after": 0, "run_out": "allow"}
    assert read(tmp_path, days, 2026, 1, 28, 12, **options).code == "news_blackout"
    assert read(tmp_path, days, 2026, 1, 29, 12, **options) is ALLOW, "the end of whole days is the day after"
    cancelled = ics("DTSTART:20260128T190000Z", "STATUS:CANCELLED")
    assert read(tmp_path, cancelled, 2026, 1, 28, 19, **options) is ALLOW


# --- it fails closed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("c.csv", "", "line 1: the columns are"),
        ("c.csv", "name\nx\n", "time must be there"),
        ("c.csv", "time,tiem\n,\n", "the columns are"),
        ("c.csv", "time,name\nsoon,x\n", "line 2: Invalid isoformat"),
        ("c.csv", "time,name\n2026-01-28T19:00:00Z\n", "line 2: it has another number of cells"),
        ("c.csv", "time,name\n2026-01-28T19:00:00Z,x,y\n", "line 2: it has another number of cells"),
        ("c.csv", "time,end\n2026-01-28T19:00:00Z,2026-01-28T18:00:00Z\n", "line 2: it ends before it starts"),
        ("c.csv", "time,timezone\n2026-01-28 19:00,Mars/North\n", "'Mars/North' is no time zone"),
        ("c.csv", 'time,name\n2026-01-28T19:00:00Z,"x\n', "line"),
        ("c.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260128T190000Z\nEND:VEVENT\n", "a part of it is missing"),
        ("c.ics", ics("DTSTART:20260128T190000Z", "RRULE:FREQ=WEEKLY"), "write every repetition"),
        ("c.ics", ics("SUMMARY:x"), "an event needs DTSTART"),
        ("c.ics", ics("DTSTART:20260128T190000Z", "DURATION:PT1H"), "DTEND rather than DURATION"),
        ("c.ics", ics("DTSTART:tomorrow"), "line 4"),
        ("c.ics", "hello\nEND:VCALENDAR", "line 1: it is not NAME:VALUE"),
    ],
)
def test_a_broken_calendar_refuses_everything_and_says_where(tmp_path, name, text, words):
    verdict = read(tmp_path, text, 2026, 6, 1, name=name)
    assert verdict.code == "news_no_calendar"
    assert name in verdict.reason
    assert words in verdict.reason
    assert verdict.reason.endswith("mend it, or drop the check")


def test_a_missing_calendar_refuses_everything(tmp_path):
    verdict = asked(made(tmp_path / "none.csv"), 2026, 6, 1)
    assert verdict.code == "news_no_calendar"
    assert "No such file" in verdict.reason


def test_text_that_is_not_utf8_refuses_everything(tmp_path):
    (tmp_path / "c.csv").write_bytes(b"time,name\n2026-01-28T19:00:00Z,\xff\xfe\n")
    assert asked(made(tmp_path / "c.csv"), 2026, 6, 1).code == "news_no_calendar"


def test_a_calendar_that_has_run_out_is_not_taken_for_a_quiet_future(tmp_path):
    text = "time,name\n2026-01-28T19:00:00Z,FOMC\n"
    verdict = read(tmp_path, text, 2026, 2, 1)
    assert verdict.code == "news_calendar_over"
    assert "ended at 2026-01-28 19:30 UTC; add the events to come" in verdict.reason
    assert read(tmp_path, text, 2026, 2, 1, run_out="allow") is ALLOW
    assert "is empty" in read(tmp_path, "time,name\n", 2026, 2, 1).reason


# --- the file changes ------------------------------------------------------------------------------------------------------


def replace(path: Path, text: str):
    """Write a file as a careful program does."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def test_a_changed_file_is_read_again(file):
    check = made(file, refresh=5_000_000)
    assert asked(check, 2026, 6, 1) is ALLOW
    replace(file, "time,name\n2026-06-01T00:00:00Z,new\n" + FAR.removesuffix(",NONE\n") + "\n")
    until(lambda: asked(check, 2026, 6, 1).code == "news_blackout", "the new event is known")
    assert asked(check, 2026, 1, 28, 19) is ALLOW, "and the old ones are forgotten"


def test_a_file_that_goes_away_refuses_and_one_that_comes_back_is_read(file):
    check = made(file, refresh=5_000_000)
    file.unlink()
    until(lambda: asked(check, 2026, 6, 1).code == "news_no_calendar", "the loss is noticed")
    file.write_text(FOMC)
    until(lambda: asked(check, 2026, 6, 1) is ALLOW, "it is read again")


def test_a_file_that_is_broken_by_a_change_does_not_leave_the_old_calendar_in_force(file):
    check = made(file, refresh=5_000_000)
    replace(file, "time,name\nsoon,x\n")
    until(lambda: asked(check, 2026, 6, 1).code == "news_no_calendar", "the broken file is noticed")


def test_a_file_that_is_written_while_it_is_read_is_read_again(file, monkeypatch):
    watched = WatchedCalendar(NewsBlackoutConfig(calendar=file, refresh=3_600 * NANOS))
    whole = watched._read

    def meanwhile():
        calendar = whole()
        with file.open("a") as more:
            more.write("2026-06-01T00:00:00Z,late,\n")
        return calendar

    replace(file, FOMC + "2026-03-01T00:00:00Z,early,\n")
    monkeypatch.setattr(watched, "_read", meanwhile)
    watched.look()
    assert watched.loaded.calendar.count == 3, "what may be a part is not taken"
    monkeypatch.undo()
    watched.look()
    assert watched.loaded.calendar.count == 5


def test_the_check_reads_no_file(file, monkeypatch):
    check = made(file, refresh=3_600 * NANOS)

    def read_by_the_gate(*_):
        raise AssertionError("the gate waits for a disk")

    monkeypatch.setattr(os, "stat", read_by_the_gate)
    monkeypatch.setattr(Path, "read_text", read_by_the_gate)
    assert asked(check, 2026, 6, 1) is ALLOW


def test_a_disk_that_does_not_answer_refuses_after_a_while(file):
    check = made(file, refresh=3_600 * NANOS)
    check._watched._looked_at -= 36_001.0
    verdict = asked(check, 2026, 6, 1)
    assert verdict.code == "news_no_calendar"
    assert "could not be looked at for 36001 s" in verdict.reason


def test_its_thread_ends_with_it(file):
    before = set(threading.enumerate())
    check = made(file, refresh=3_600 * NANOS)
    [thread] = set(threading.enumerate()) - before
    del check
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"before": -1}, "'before' must be >= 0"),
        ({"timezone": "New York"}, "write one such as America/New_York"),
        ({"run_out": "ignore"}, "'run_out' must be in"),
        ({"refresh": 0}, "'refresh' must be > 0"),
    ],
)
def test_options_that_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        NewsBlackoutConfig(calendar="c.csv", **options)
