"""Times as files write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.feeds.stamps import StampReader
from ml4t.live.times import NANOS, to_nanoseconds

MOMENT = 1_704_187_800 * NANOS  # 2024-01-02T09:30:00Z


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-01-02T09:30:00Z", MOMENT),
        ("2024-01-02 09:30", MOMENT),
        (" 2024-01-02 09:30:00 ", MOMENT),
        ("2024-01-02T04:30:00-05:00", MOMENT),
        ("20240102T093000Z", MOMENT),
        ("2024-01-02T09:30:00.25Z", MOMENT + NANOS // 4),
        ("2024-01-02T09:30:00.123456789Z", MOMENT + 123_456_789),
        ("2024-01-02T09:30:00.1234567+00:00", MOMENT + 123_456_700),
        ("2024-01-02 09:30:00.123456789123", MOMENT + 123_456_789),
        ("2024-01-02", MOMENT - 34_200 * NANOS),
        ("20240102", MOMENT - 34_200 * NANOS),
        (20240102, MOMENT - 34_200 * NANOS),
        ("1704187800", MOMENT),
        (1704187800, MOMENT),
        (1704187800.5, MOMENT + NANOS // 2),
        ("1704187800.000000001", MOMENT + 1),
        ("1704187800000", MOMENT),
        ("1704187800000000", MOMENT),
        ("1704187800000000001", MOMENT + 1),
        (1704187800000000001, MOMENT + 1),
        ("1.7041878e18", MOMENT),
        ("-86400", -86_400 * NANOS),
        (0, 0),
        (date(2024, 1, 2), MOMENT - 34_200 * NANOS),
        (datetime(2024, 1, 2, 9, 30, tzinfo=UTC), MOMENT),
    ],
)
def test_is_read(written, meant):
    assert StampReader()(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-01-02 04:30", MOMENT),
        ("2024-07-02 05:30", MOMENT + 182 * 86_400 * NANOS),
        ("2024-01-02", MOMENT - 34_200 * NANOS + 5 * 3_600 * NANOS),
        (date(2024, 1, 2), MOMENT - 34_200 * NANOS + 5 * 3_600 * NANOS),
        (datetime(2024, 1, 2, 4, 30), MOMENT),  # noqa: DTZ001
        ("2024-01-02T09:30:00Z", MOMENT),
        (1704187800, MOMENT),
    ],
)
def test_only_times_without_a_zone_are_in_the_given_one(written, meant):
    assert StampReader("America/New_York")(written) == meant


@pytest.mark.parametrize(
    "written", ["", "yesterday", "09:30:00", "01/02/2024 09:30", None, True, float("nan"), "2024-13-01", "²" * 19]
)
def test_is_refused(written):
    with pytest.raises(ValueError, match="is not a time"):
        StampReader()(written)


@pytest.mark.parametrize("written", ["9999-12-31", "1500-01-01T00:00:00Z", 10**20, 99 * 10**9])
def test_too_far_away(written):
    with pytest.raises(ValueError, match="does not fit"):
        StampReader()(written)


@pytest.mark.parametrize(
    ("written", "after"),
    [
        ("2024-01-02", MOMENT + 52_200 * NANOS),
        (date(2024, 1, 2), MOMENT + 52_200 * NANOS),
        ("2024-01-02T09:30:00Z", MOMENT),
        (datetime(2024, 1, 2, 9, 30, tzinfo=UTC), MOMENT),
    ],
)
def test_the_end_of_a_day_alone_is_the_end_of_the_day(written, after):
    assert StampReader().end_of(written) == after


def test_memory_of_days_is_bounded(monkeypatch):
    monkeypatch.setattr("ml4t.live.feeds.stamps._REMEMBERED", 3)
    stamps = StampReader()
    days = [str(date(2024, 1, 1) + timedelta(days=n)) for n in range(10)]
    assert [stamps(day) for day in days] == [StampReader()(day) for day in days]
    assert len(stamps._days) <= 3


@given(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_every_iso_time_comes_back(moment):
    assert StampReader()(moment.isoformat()) == to_nanoseconds(moment)
