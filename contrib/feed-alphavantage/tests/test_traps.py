"""What Alpha Vantage does that a feed must not fall for, each by its name."""

from __future__ import annotations

import asyncio
import random
import tomllib
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from feed_alphavantage.answers import bars
from feed_alphavantage.config import AlphaVantageConfig
from feed_alphavantage.feed import AlphaVantageFeed
from feed_alphavantage.rig import WRONG, feed_at, rig
from feed_alphavantage.simulator import (
    DEMO,
    INVALID,
    KEY,
    LIMIT_A_DAY,
    LIMIT_A_MINUTE,
    PREMIUM,
    AlphaVantageSimulator,
    message,
)
from ml4t.live.clock import SystemClock
from ml4t.live.config import load
from ml4t.live.errors import NOT_SUBSCRIBED, UNAUTHORIZED, UNKNOWN_SYMBOL, FeedRefused, LiveError
from ml4t.live.feeds.polling import RateLimited
from ml4t.live.plugins import Catalogue
from ml4t.live.testing.conformance.feed.ear import alone
from ml4t.live.testing.http_server import Response
from ml4t.live.times import NANOS, to_nanoseconds


def asked(vendor, *, since=None, **options):
    """Ask once, as the feed does, and return its bars."""

    async def main():
        feed = feed_at(vendor.url, "IBM", **options)
        try:
            return await feed.fetch("IBM", since)
        finally:
            await feed.close()

    return asyncio.run(main())


def utc(*when):
    return to_nanoseconds(datetime(*when, tzinfo=UTC))


class Set(SystemClock):
    """The machine's clock, set to another time."""

    def __init__(self, *when):
        self._ahead = utc(*when) - super().now()

    def now(self):
        return super().now() + self._ahead


# --- refusals that come as 200 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [("Note", LIMIT_A_MINUTE), ("Information", LIMIT_A_MINUTE), ("Information", LIMIT_A_DAY)])
def test_a_note_instead_of_bars_is_a_limit_and_no_empty_market(vendor, said):
    vendor.says = [message(*said)]
    with pytest.raises(RateLimited):
        asked(vendor)


def test_when_the_requests_of_a_day_are_used_up_an_hour_passes_before_the_next(vendor):
    vendor.says = [message("Information", LIMIT_A_DAY)]
    with pytest.raises(RateLimited) as caught:
        asked(vendor)
    assert caught.value.retry_after == 3_600.0


def test_the_message_of_the_limit_quotes_the_key_and_is_not_repeated(vendor):
    assert KEY in LIMIT_A_DAY
    vendor.says = [message("Information", LIMIT_A_DAY)]
    with pytest.raises(RateLimited) as caught:
        asked(vendor)
    assert KEY not in f"{caught.value!r} {caught.value}"


def test_the_address_has_the_key_and_is_in_no_error():
    with AlphaVantageSimulator() as vendor:
        pass  # nobody listens any more
    with pytest.raises(LiveError) as caught:
        asked(vendor)
    assert KEY not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
    assert KEY not in repr(AlphaVantageConfig(symbols=["IBM"], api_key=KEY))


def test_429_is_a_limit_with_its_retry_after(vendor):
    vendor.says = [Response(b"", 429, {"Retry-After": "17"})]
    with pytest.raises(RateLimited) as caught:
        asked(vendor)
    assert caught.value.retry_after == 17.0


def test_a_limit_in_words_pauses_the_feed_and_what_happened_meanwhile_is_heard():
    async def main():
        async with rig() as rigged, alone(rigged, "IBM") as ear:
            before = rigged.source.say(message("Note", LIMIT_A_MINUTE))
            await ear.until(lambda: len(rigged.source.asked) > before, "the limit has to be met")
            emitted = ear.emit(3)
            await ear.until_heard(emitted)
            ear.check_once_and_in_order(emitted)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (message("Information", PREMIUM), NOT_SUBSCRIBED),
        (message("Information", DEMO), UNAUTHORIZED),
        (message("Error Message", INVALID.format(function="TIME_SERIES_DAILY")), UNKNOWN_SYMBOL),
        (Response(b"", 403), UNAUTHORIZED),
    ],
)
def test_refusals_are_told_apart(vendor, said, code):
    vendor.says = [said]
    with pytest.raises(FeedRefused) as caught:
        asked(vendor)
    assert caught.value.code == code


def test_a_wrong_key_is_refused(vendor):
    with pytest.raises(FeedRefused, match="check api_key") as caught:
        asked(vendor, api_key=WRONG)
    assert caught.value.code == UNAUTHORIZED


def test_an_invalid_call_for_a_symbol_that_was_known_does_not_leave_it_out():
    async def main():
        async with rig() as rigged, alone(rigged) as ear:
            before = rigged.source.say(message("Error Message", INVALID.format(function="x")))
            await ear.until(lambda: len(rigged.source.asked) > before, "it has to be said")
            await ear.until_heard(ear.emit(1, *rigged.symbols))

    asyncio.run(main())


@pytest.mark.parametrize(
    "said",
    [
        Response(b"<html>maintenance</html>"),
        Response(b"[]"),
        Response(b"{}"),
        Response(b"", 502),
        Response(b'{"Meta Data": {}, "Time Series (1min)": {"2026-01-05 09:30:00": {"1. open": "1"}}}'),
        Response(b'{"Meta Data": {}, "Time Series (1min)": {"yesterday": {}}}'),
        Response(b'{"Meta Data": {"6. Time Zone": "Mars/North"}, "Time Series (1min)": {}}'),
    ],
)
def test_an_answer_that_is_none_is_one_symbols_trouble(vendor, said):
    vendor.says = [said]
    with pytest.raises((LiveError, ValueError)) as caught:
        asked(vendor)
    assert not isinstance(caught.value, (FeedRefused, RateLimited))


def test_a_number_that_is_none_is_not_a_price():
    row = {"1. open": "1", "2. high": "nan", "3. low": "1", "4. close": "1", "5. volume": "1"}
    with pytest.raises(ValueError, match="numbers that are none"):
        bars({"Meta Data": {}, "Time Series (1min)": {"2026-01-05 09:30:00": row}}, "IBM", "1min")


# --- time ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "moment"),
    [
        ("2026-03-06 09:30:00", (2026, 3, 6, 14, 30)),  # winter
        ("2026-03-09 09:30:00", (2026, 3, 9, 13, 30)),  # summer time began on the 8th
        ("2026-10-30 09:30:00", (2026, 10, 30, 13, 30)),
        ("2026-11-02 09:30:00", (2026, 11, 2, 14, 30)),  # and ended on the 1st
    ],
)
def test_naive_times_are_those_of_new_york_on_both_sides_of_a_change_of_the_clocks(vendor, label, moment):
    vendor.series["IBM"] = {}
    vendor.put("IBM", label, 100.0)
    [bar] = asked(vendor)
    assert bar.event_time == utc(*moment)


@pytest.mark.parametrize(
    ("label", "start", "hours"),
    [
        ("2026-03-06", (2026, 3, 6, 5), 24),
        ("2026-03-08", (2026, 3, 8, 5), 23),
        ("2026-03-09", (2026, 3, 9, 4), 24),
        ("2026-11-01", (2026, 11, 1, 4), 25),
    ],
)
def test_a_day_is_that_of_new_york_and_as_long_as_it_is_there(vendor, label, start, hours):
    vendor.series["IBM"] = {}
    vendor.put("IBM", label, 100.0)
    [bar] = asked(vendor, interval="1d")
    assert bar.event_time == utc(*start)
    assert bar.interval == hours * 3_600 * NANOS


def test_the_running_day_is_not_complete(vendor):
    vendor.series["IBM"] = {}
    for label in ("2026-01-02", "2026-01-05", "2026-01-06"):
        vendor.put("IBM", label, 100.0)

    async def days(*now):
        config = AlphaVantageConfig(symbols=["IBM"], api_key=KEY, url=vendor.url)
        feed = AlphaVantageFeed(config, clock=Set(*now), rng=random.Random(1))
        found = await feed.backfill("IBM", utc(2026, 1, 5, 5), utc(2026, 2, 1))
        return [datetime.fromtimestamp(bar.event_time / NANOS, UTC).day for bar in found]

    # In New York it is the evening of the 6th, after the close, and then just after midnight.
    assert asyncio.run(days(2026, 1, 7, 1, 0)) == [5]
    assert asyncio.run(days(2026, 1, 7, 5, 0, 30)) == [5]
    assert asyncio.run(days(2026, 1, 7, 5, 1, 30)) == [5, 6]


def test_rows_come_newest_first_and_bars_oldest_first(vendor):
    times = [vendor.emit("IBM", 100.0 + number) for number in range(5)]
    assert [bar.event_time for bar in asked(vendor)][-5:] == times


# --- what is asked -------------------------------------------------------------------------------------------------------


def test_a_long_hole_asks_for_the_whole_history_only_with_a_key_that_may(vendor):
    times = [vendor.emit("IBM", 100.0) for _ in range(150)]
    assert len(asked(vendor, since=times[0])) == 151
    with capture_logs() as logs:
        assert len(asked(vendor, since=times[0], full=False)) == 100
    assert [each["event"] for each in logs] == [
        "what was missed is longer than what the key may see; full = true takes a paid key"
    ]
    assert [each.query["outputsize"] for each in vendor.asked] == ["full", "compact"]


def test_prices_are_asked_for_as_they_were_traded(vendor):
    asked(vendor, extended_hours=False)
    vendor.series["IBM"] = {}
    vendor.put("IBM", "2026-01-05", 100.0)
    asked(vendor, interval="1d")
    minutes, days = (each.query for each in vendor.asked)
    assert minutes["function"] == "TIME_SERIES_INTRADAY"
    assert (minutes["interval"], minutes["adjusted"], minutes["extended_hours"]) == ("1min", "false", "false")
    assert days["function"] == "TIME_SERIES_DAILY", "the adjusted series changes what is past"


def test_the_defaults_are_those_of_a_free_key():
    config = AlphaVantageConfig(symbols=["IBM"], api_key=KEY)
    assert (config.requests, config.per, config.interval, config.full) == (25, 86_400 * NANOS, "1d", False)


def test_it_is_configured_from_a_file():
    document = """
        [live]
        name = "x"
        strategy = "ml4t.live.demo.strategy:MovingAverageCross"
        [feeds.main]
        use = "alphavantage"
        symbols = ["IBM"]
        every = "2h"
        interval = "5min"
        api_key = { env = "K" }
    """
    settings = load(tomllib.loads(document), catalogue=Catalogue.discover(), environ={"K": KEY})
    config = settings.feeds[0].options
    assert (config.symbols, config.every, config.interval) == (("IBM",), 7_200 * NANOS, "5min")
    assert config.api_key.reveal() == KEY


@pytest.mark.parametrize(("options", "words"), [({"interval": "1m"}, "'interval' must be in"), ({"url": "ftp://x"}, "'url'")])
def test_options_that_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        AlphaVantageConfig(**{"symbols": ["IBM"], "api_key": KEY, **options})
