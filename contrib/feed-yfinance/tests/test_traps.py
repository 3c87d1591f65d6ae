"""What Yahoo does that a feed must not fall for, each by its name."""

from __future__ import annotations

import asyncio
import random
import tomllib
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from feed_yfinance.charts import bars
from feed_yfinance.config import YahooConfig
from feed_yfinance.feed import YahooFeed
from feed_yfinance.rig import feed_at
from ml4t.live.clock import SystemClock
from ml4t.live.config import load
from ml4t.live.errors import UNKNOWN_SYMBOL, ConfigError, FeedDisconnected, FeedRefused, LiveError
from ml4t.live.feeds.polling import RateLimited
from ml4t.live.plugins import Catalogue
from ml4t.live.testing.http_server import Response
from ml4t.live.times import NANOS, to_nanoseconds

MINUTE = 60 * NANOS


def utc(*when):
    return to_nanoseconds(datetime(*when, tzinfo=UTC))


def seconds(*when):
    return utc(*when) // NANOS


class Set(SystemClock):
    """The machine's clock, set to another time."""

    def __init__(self, *when):
        self._ahead = utc(*when) - super().now()

    def now(self):
        return super().now() + self._ahead


def feed_on(vendor, clock, **options):
    config = YahooConfig(**{"symbols": ["SPY"], "url": vendor.url, **options})
    return YahooFeed(config, clock=clock, rng=random.Random(1))


def fetched(vendor, *now, since=None, symbol="SPY", **options):
    async def main():
        feed = feed_on(vendor, Set(*now) if now else SystemClock(), **options)
        try:
            return await feed.fetch(symbol, since)
        finally:
            await feed.close()

    return asyncio.run(main())


def whole(vendor, *now, **options):
    """Return the minutes that the feed takes for complete."""

    async def main():
        return await feed_on(vendor, Set(*now), **options).backfill("SPY", 0, utc(2100, 1, 1))

    return [datetime.fromtimestamp(bar.event_time / NANOS, UTC).strftime("%d %H:%M") for bar in asyncio.run(main())]


def told(vendor, *rows, zone="America/New_York", market_time=None):
    vendor.rows["SPY"] = []
    for when, price in rows:
        vendor.put("SPY", seconds(*when), price)
    vendor.zone = zone
    vendor.market_time = None if market_time is None else seconds(*market_time)


# --- bars that are not ready -----------------------------------------------------------------------------------------------


def test_the_row_of_the_running_minute_is_no_bar(vendor):
    told(vendor, ((2026, 1, 5, 15, 0), 1.0), ((2026, 1, 5, 15, 1), 2.0), ((2026, 1, 5, 15, 2, 37), 3.0))
    assert whole(vendor, 2026, 1, 5, 15, 2, 40) == ["05 15:00", "05 15:01"]
    assert whole(vendor, 2026, 1, 5, 16, 0, 0) == ["05 15:00", "05 15:01"], "however long it stays there"


def test_the_row_of_the_closing_auction_is_no_bar(vendor):
    close = (2026, 1, 5, 21, 0)
    told(vendor, ((2026, 1, 5, 20, 59), 1.0), (close, 1.0), market_time=(2026, 1, 5, 21, 0, 1))
    assert whole(vendor, 2026, 1, 5, 22, 0) == ["05 20:59"]


def test_a_bar_of_a_delayed_exchange_is_not_complete_because_our_clock_says_so(vendor):
    """At 15:20 Yahoo has the trades up to 15:05:30."""
    told(vendor, ((2026, 1, 5, 15, 4), 1.0), ((2026, 1, 5, 15, 5), 2.0), market_time=(2026, 1, 5, 15, 5, 30))
    assert whole(vendor, 2026, 1, 5, 15, 20) == ["05 15:04"]


def test_a_bar_is_not_complete_before_its_delay_is_over(vendor):
    told(vendor, ((2026, 1, 5, 15, 0), 1.0), market_time=(2026, 1, 5, 15, 1, 5))
    assert whole(vendor, 2026, 1, 5, 15, 1, 9) == []
    assert whole(vendor, 2026, 1, 5, 15, 1, 11) == ["05 15:00"]


def test_a_minute_without_trades_is_no_bar(vendor):
    told(vendor, ((2026, 1, 5, 15, 0), 1.0), ((2026, 1, 5, 15, 1), None), ((2026, 1, 5, 15, 2), 2.0))
    assert whole(vendor, 2026, 1, 5, 16, 0) == ["05 15:00", "05 15:02"]


def test_hours_begin_at_half_past_nine(vendor):
    told(vendor, ((2026, 1, 5, 14, 30), 1.0), ((2026, 1, 5, 15, 30), 2.0), ((2026, 1, 5, 16, 12), 3.0))
    assert whole(vendor, 2026, 1, 5, 16, 40, interval="60m") == ["05 14:30"]


# --- days ------------------------------------------------------------------------------------------------------------------


def test_the_running_day_is_not_complete_whatever_its_row_is_stamped_with(vendor):
    told(vendor, ((2026, 1, 5, 14, 30), 1.0), ((2026, 1, 6, 19, 12, 44), 2.0))
    # In New York it is the evening of the 6th, and then just after midnight.
    assert whole(vendor, 2026, 1, 7, 4, 59, interval="1d") == ["05 05:00"]
    assert whole(vendor, 2026, 1, 7, 5, 1, interval="1d") == ["05 05:00", "06 05:00"]


@pytest.mark.parametrize(
    ("opening", "zone", "start", "hours"),
    [
        ((2026, 3, 6, 14, 30), "America/New_York", (2026, 3, 6, 5), 24),
        ((2026, 3, 9, 13, 30), "America/New_York", (2026, 3, 9, 4), 24),
        ((2026, 11, 1, 14, 30), "America/New_York", (2026, 11, 1, 4), 25),
        ((2026, 3, 29, 7, 0), "Europe/Berlin", (2026, 3, 28, 23), 23),
        ((2026, 1, 5, 0, 0), "Asia/Tokyo", (2026, 1, 4, 15), 24),
    ],
)
def test_a_day_is_that_of_its_exchange_on_both_sides_of_a_change_of_the_clocks(vendor, opening, zone, start, hours):
    told(vendor, (opening, 1.0), zone=zone)
    [bar] = fetched(vendor, *opening[:3], 23, interval="1d")
    assert bar.event_time == utc(*start)
    assert bar.interval == hours * 3_600 * NANOS


def test_a_day_that_begins_before_its_opening_is_not_left_out(vendor):
    told(vendor, ((2026, 1, 5, 14, 30), 1.0), ((2026, 1, 6, 14, 30), 2.0))
    found = fetched(vendor, 2026, 1, 8, 12, since=utc(2026, 1, 5, 5), interval="1d")
    assert [bar.event_time for bar in found] == [utc(2026, 1, 5, 5), utc(2026, 1, 6, 5)]


# --- being unwelcome -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 429, 999])
def test_yahoo_wants_to_be_left_alone(vendor, status):
    vendor.says = [Response(b"Too Many Requests\r\n", status, {"Retry-After": "90"})]
    with pytest.raises(RateLimited, match=f"answers {status}") as caught:
        fetched(vendor)
    assert caught.value.retry_after == 90.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"every": 10 * NANOS}, "every is below 15 s"),
        ({"pause_seconds": 30.0}, "pause_seconds is below 60"),
        ({"interval": "1min"}, "'interval' must be in"),
        ({"interval": "60m", "extended_hours": True}, "do not go together"),
        ({"user_agent": "x\r\ny"}, "'user_agent'"),
    ],
)
def test_options_that_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        YahooConfig(**{"symbols": ["SPY"], **options})


def test_it_says_who_it_is(vendor):
    fetched(vendor)
    assert vendor.asked[0].headers["user-agent"] == "ml4t-live-feed-yfinance"


# --- symbols and garbage ---------------------------------------------------------------------------------------------------


def test_an_unknown_symbol_is_refused_and_one_that_was_known_is_not_left_out(vendor):
    with pytest.raises(FeedRefused) as caught:
        fetched(vendor, symbol="NOSUCH")
    assert caught.value.code == UNKNOWN_SYMBOL

    async def main():
        feed = feed_at(vendor.url, "SPY")
        await feed.fetch("SPY", None)
        vendor.says = [Response(b"{}", 404)]
        try:
            with pytest.raises(LiveError) as caught:
                await feed.fetch("SPY", None)
            assert not isinstance(caught.value, (FeedRefused, FeedDisconnected))
        finally:
            await feed.close()

    asyncio.run(main())


def test_a_symbol_may_have_any_signs(vendor):
    for symbol in ("^GSPC", "BRK/B?x=1", "EURUSD=X"):
        vendor.rows[symbol] = list(vendor.rows["SPY"])
        assert fetched(vendor, symbol=symbol)[0].symbol == symbol


@pytest.mark.parametrize(
    "said",
    [
        Response(b"<html>consent</html>"),
        Response(b"[]"),
        Response(b'{"chart": {"result": null, "error": {"code": "Internal"}}}'),
        Response(b'{"chart": {"result": [{"timestamp": [1], "meta": {}, "indicators": {"quote": [{}]}}]}}'),
        Response(b"", 500),
        Response(b"", 302, {"Location": "https://consent.example"}),
    ],
)
def test_an_answer_that_is_none_is_one_symbols_trouble(vendor, said):
    vendor.says = [said]
    with pytest.raises(LiveError) as caught:
        fetched(vendor)
    assert not isinstance(caught.value, (FeedRefused, RateLimited, FeedDisconnected))


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan")])
def test_a_number_that_is_no_price(price):
    quote = {name: [1.0] for name in ("open", "high", "close", "volume")} | {"low": [price]}
    meta = {"regularMarketTime": 120, "exchangeTimezoneName": "UTC"}
    chart = {"chart": {"result": [{"meta": meta, "timestamp": [60], "indicators": {"quote": [quote]}}]}}
    with pytest.raises(ValueError, match="no prices"):
        bars(chart, "SPY", "1m")


def test_a_chart_without_rows_has_no_bars(vendor):
    vendor.rows["SPY"] = []
    assert fetched(vendor) == []


# --- how far back ----------------------------------------------------------------------------------------------------------


def test_what_is_further_back_than_yahoo_tells_is_not_asked_for_and_is_told(vendor):
    with capture_logs() as logs:
        fetched(vendor, 2026, 6, 30, since=utc(2026, 6, 1))
    assert int(vendor.asked[0].query["period1"]) == pytest.approx(seconds(2026, 6, 23), abs=5)
    assert [each["event"] for each in logs] == ["what was missed is further back than Yahoo tells"]


# --- real money ------------------------------------------------------------------------------------------------------------


def test_a_live_run_is_refused():
    document = """
        [live]
        mode = "{mode}"
        strategy = "mine:Strategy"
        [broker]
        use = "shadow"
        [feeds.main]
        use = "yfinance"
        symbols = ["SPY"]
        every = "30s"
    """
    with pytest.raises(ConfigError, match="is for shadow and paper runs"):
        load(tomllib.loads(document.format(mode="live")), catalogue=Catalogue.discover())
    settings = load(tomllib.loads(document.format(mode="paper")), catalogue=Catalogue.discover())
    assert settings.feeds[0].options.every == 30 * NANOS
