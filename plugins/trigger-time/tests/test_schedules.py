"""next_time against a brute force that walks the clock minute by minute, days of daylight saving included."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.contracts import TimeTrigger as TimeTriggerContract
from ml4t.live.times import NANOS, to_datetime, to_nanoseconds
from ml4t_live_trigger_time.config import WEEKDAYS, TimeTriggerConfig
from ml4t_live_trigger_time.trigger import TimeTrigger

MINUTE = 60 * NANOS
HOUR = 60 * MINUTE
DAY = 24 * HOUR
ZONES = ["America/New_York", "Europe/Berlin", "Asia/Kolkata", "UTC"]
# The days in 2025 around which clocks change in New York (9 March, 2 November) and Berlin (30 March, 26 October).
CHANGES = [date(2025, 3, 9), date(2025, 3, 30), date(2025, 10, 26), date(2025, 11, 2), date(2025, 6, 15)]


def utc(text: str) -> int:
    return to_nanoseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


@cache
def walk(zone: str, around: date) -> list[tuple[int, datetime, datetime]]:
    """Every minute of eight days: the moment, the local time before it plus a minute, and the local time it shows."""
    start = datetime(around.year, around.month, around.day, tzinfo=UTC) - timedelta(days=3)
    clock = ZoneInfo(zone)
    minutes = []
    expected = (start - timedelta(minutes=1)).astimezone(clock).replace(tzinfo=None)
    for number in range(8 * 24 * 60):
        moment = start + timedelta(minutes=number)
        shown = moment.astimezone(clock).replace(tzinfo=None)
        expected += timedelta(minutes=1)
        minutes.append((to_nanoseconds(moment), expected, shown))
        expected = shown
    return minutes


def by_walking(zone: str, around: date, wanted) -> list[int]:
    """The moments at which a person who watches the clock would call out each wanted local time, once."""
    called: set[datetime] = set()
    moments = []
    for moment, expected, shown in walk(zone, around):
        local, due = min(expected, shown), False
        while local <= shown:  # more than one step when clocks are put forward: the times left out are due now
            if wanted(local) and local not in called:
                called.add(local)
                due = True
            local += timedelta(minutes=1)
        if due:
            moments.append(moment)
    return moments


def by_every_reading(zone: str, around: date, wanted) -> list[int]:
    """The moments at which the clock shows a wanted time, both times when it comes twice."""
    return [moment for moment, _, shown in walk(zone, around) if wanted(shown)]


def assert_matches(trigger: TimeTrigger, moments: list[int], afters: list[int]) -> None:
    for after in [*afters, *moments, *(moment - 1 for moment in moments)]:
        position = bisect_right(moments, after)
        if position < len(moments):
            assert to_datetime(trigger.next_time(after)) == to_datetime(moments[position])


def inside(around: date, seconds: list[float]) -> list[int]:
    start = to_nanoseconds(datetime(around.year, around.month, around.day, tzinfo=UTC)) - 2 * DAY
    return [start + round(second * NANOS) for second in seconds]


offsets = st.lists(st.floats(0, 4 * 86_400), min_size=1, max_size=8)
clock_times = st.builds("{:02}:{:02}".format, st.sampled_from([0, 1, 2, 3, 9, 16, 23]), st.integers(0, 59))


@settings(deadline=None, max_examples=60)
@given(
    zone=st.sampled_from(ZONES),
    around=st.sampled_from(CHANGES),
    at=st.lists(clock_times, min_size=1, max_size=4),
    weekdays=st.lists(st.sampled_from(WEEKDAYS), max_size=4),
    seconds=offsets,
)
def test_at_matches_a_walk_along_the_clock(zone, around, at, weekdays, seconds):
    trigger = TimeTrigger(TimeTriggerConfig(at=at, weekdays=weekdays, timezone=zone))
    days = [WEEKDAYS.index(name) for name in weekdays] or range(7)
    moments = by_walking(zone, around, lambda local: f"{local:%H:%M}" in at and local.weekday() in days)
    assert_matches(trigger, moments, inside(around, seconds))


@settings(deadline=None, max_examples=60)
@given(
    zone=st.sampled_from(ZONES),
    around=st.sampled_from(CHANGES),
    minutes=st.lists(st.integers(0, 59), min_size=1, max_size=3),
    hours=st.lists(st.sampled_from([0, 1, 2, 3, 4, 12, 23]), min_size=1, max_size=3),
    days=st.lists(st.integers(0, 6), max_size=3),
    seconds=offsets,
)
def test_cron_with_named_hours_matches_a_walk_along_the_clock(*, zone, around, minutes, hours, days, seconds):
    fifth = ",".join(WEEKDAYS[day] for day in days) or "*"
    fields = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * {fifth}"
    moments = by_walking(
        zone,
        around,
        lambda local: local.minute in minutes and local.hour in hours and local.weekday() in (days or range(7)),
    )
    assert_matches(TimeTrigger(TimeTriggerConfig(cron=fields, timezone=zone)), moments, inside(around, seconds))


@settings(deadline=None, max_examples=60)
@given(
    zone=st.sampled_from(ZONES),
    around=st.sampled_from(CHANGES),
    step=st.sampled_from([5, 10, 15, 30]),
    hours=st.lists(st.sampled_from([0, 1, 2, 3, 4, 12, 23]), max_size=3),
    seconds=offsets,
)
def test_cron_with_a_star_follows_the_clock_as_it_runs(zone, around, step, hours, seconds):
    fields = f"*/{step} {','.join(map(str, hours)) or '*'} * * *"
    moments = by_every_reading(zone, around, lambda local: local.minute % step == 0 and local.hour in (hours or range(24)))
    assert_matches(TimeTrigger(TimeTriggerConfig(cron=fields, timezone=zone)), moments, inside(around, seconds))


@settings(deadline=None, max_examples=60)
@given(
    every=st.sampled_from([1, 7 * NANOS, MINUTE, 5 * MINUTE, HOUR, 8 * HOUR, DAY, 7 * DAY]),
    share=st.floats(0, 0.999),
    after=st.integers(-(10**18), 4 * 10**18),
)
def test_every_is_counted_from_the_epoch(every, share, after):
    offset = int(every * share)
    found = TimeTrigger(TimeTriggerConfig(every=every, offset=offset)).next_time(after)
    assert (found - offset) % every == 0
    assert after < found <= after + every


configs = st.one_of(
    st.builds(TimeTriggerConfig, every=st.sampled_from([MINUTE, HOUR, DAY]), offset=st.integers(0, MINUTE - 1)),
    st.builds(
        TimeTriggerConfig,
        at=st.lists(clock_times.map("{}:30".format), min_size=1, max_size=3),
        timezone=st.sampled_from(ZONES),
        weekdays=st.lists(st.sampled_from(WEEKDAYS), max_size=3),
    ),
    st.builds(
        TimeTriggerConfig,
        cron=st.sampled_from(["30 1 * * *", "0,30 2 * * mon-fri", "*/10 * * * *", "0 9 1 * *", "15 1-3 * * sun"]),
        timezone=st.sampled_from(ZONES),
    ),
)


@settings(deadline=None, max_examples=60)
@given(config=configs, around=st.sampled_from(CHANGES), seconds=offsets)
def test_next_time_is_strictly_later_and_never_runs_backwards(config, around, seconds):
    trigger = TimeTrigger(config)
    afters = sorted(inside(around, seconds))
    found = [trigger.next_time(after) for after in afters]
    assert all(moment > after for moment, after in zip(found, afters, strict=True))
    assert found == sorted(found)
    assert trigger.next_time(found[0] - 1) == found[0], "nothing lies between a moment and the one before it"


def moments_on(config: TimeTriggerConfig, start: str, end: str) -> list[str]:
    trigger, found, moment = TimeTrigger(config), [], utc(start) - 1
    while (moment := trigger.next_time(moment)) < utc(end):
        found.append(f"{to_datetime(moment):%H:%M}")
    return found


@pytest.mark.parametrize("config", [{"at": ["01:30"]}, {"cron": "30 1 * * *"}])
def test_a_time_that_comes_twice_fires_once(config):
    autumn = TimeTriggerConfig(**config, timezone="America/New_York")
    assert moments_on(autumn, "2025-11-02 00:00", "2025-11-03 00:00") == ["05:30"]
    assert TimeTrigger(autumn).next_time(utc("2025-11-02 06:10")) == utc("2025-11-03 06:30"), "asked in the second pass"


@pytest.mark.parametrize("config", [{"at": ["02:30"]}, {"cron": "30 2 * * *"}])
def test_a_time_that_is_left_out_fires_right_after_the_gap(config):
    spring = TimeTriggerConfig(**config, timezone="Europe/Berlin")
    assert moments_on(spring, "2025-03-30 00:00", "2025-03-31 00:00") == ["01:00"]


@pytest.mark.parametrize("at", ["02:00", "02:30:15", "02:59", "02:59:59"])
def test_wherever_in_the_gap_a_time_is_it_fires_at_the_end_of_it(at):
    assert TimeTrigger(TimeTriggerConfig(at=[at], timezone="Europe/Berlin")).next_time(utc("2025-03-30 00:00")) == utc(
        "2025-03-30 01:00"
    )


def test_a_day_that_a_zone_left_out():
    samoa = TimeTrigger(TimeTriggerConfig(at=["09:30"], timezone="Pacific/Apia"))
    found, moment = [], utc("2011-12-29 00:00")
    for _ in range(4):
        moment = samoa.next_time(moment)
        found.append(to_datetime(moment).astimezone(ZoneInfo("Pacific/Apia")).strftime("%d %H:%M"))
    assert found == ["29 09:30", "31 00:00", "31 09:30", "01 09:30"], "there was no 30 December 2011"


def test_every_hour_is_the_full_hour():
    assert TimeTrigger(TimeTriggerConfig(every=HOUR)).next_time(utc("2025-03-30 00:59:59")) == utc("2025-03-30 01:00")


@pytest.mark.parametrize("config", [{"at": ["23:30"]}, {"cron": "30 23 * * *"}])
def test_the_day_is_that_of_the_zone(config):
    evening = TimeTrigger(TimeTriggerConfig(**config, timezone="America/New_York"))
    assert evening.next_time(utc("2025-06-15 03:29")) == utc("2025-06-15 03:30"), "still the 14th in New York"
    early = TimeTrigger(TimeTriggerConfig(**config, timezone="Asia/Kolkata"))
    assert early.next_time(utc("2025-06-14 18:01")) == utc("2025-06-15 18:00"), "already the 15th in Kolkata when it is asked"


def test_seconds_count():
    trigger = TimeTrigger(TimeTriggerConfig(at=["09:30:15", "09:30"], timezone="Asia/Kolkata"))
    assert trigger.next_time(utc("2025-06-01 04:00")) == utc("2025-06-01 04:00:15")


def test_it_is_a_time_trigger():
    assert isinstance(TimeTrigger(TimeTriggerConfig(every=HOUR)), TimeTriggerContract)
