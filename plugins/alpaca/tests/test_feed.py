"""What the feed makes of Alpaca's messages, besides what the conformance kit and the traps look at."""

from __future__ import annotations

import asyncio
import time

from alpaca_kit import Ears, feeding, until

from ml4t.live.model import Bar, Quote, Trade
from ml4t_live_alpaca.rig import feed_at

SECOND = 10**9
NOON = 1_767_600_000 * SECOND
BAR = {"S": "AAPL", "o": 1.0, "h": 3.0, "l": 0.5, "c": 2.0, "v": 7.0, "t": NOON, "n": 3, "vw": 1.5}


def heard(venue, count, *records, symbols=("AAPL",), connections=1, **options):
    """Run a feed while the venue sends records, and return the events and the feed."""

    async def run():
        ears, feed = Ears(), feed_at(venue, *symbols, **options)
        async with feeding(feed, ears):
            await until(lambda: venue.subscriptions == set(symbols) and venue.connections == connections)
            venue.push(*records)
            await until(lambda: len(ears.events) >= count)
        return ears.events, feed

    return asyncio.run(run())


def test_a_bar_is_labelled_by_its_start_and_complete(venue):
    (bar,), _ = heard(venue, 1, {"T": "b", **BAR})
    assert isinstance(bar, Bar)
    assert (bar.symbol, bar.event_time, bar.interval, bar.complete, bar.backfilled) == ("AAPL", NOON, 60 * SECOND, True, False)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (1.0, 3.0, 0.5, 2.0, 7.0)


def test_a_bar_that_late_trades_have_changed_comes_again(venue):
    (first, second), _ = heard(venue, 2, {"T": "b", **BAR}, {"T": "u", **BAR, "c": 2.5}, data_type="updated_bars")
    assert (first.event_time, first.close, second.event_time, second.close) == (NOON, 2.0, NOON, 2.5)


def test_updated_bars_are_not_listened_to_unless_they_are_wanted(venue):
    events, _ = heard(venue, 2, {"T": "u", **BAR}, {"T": "b", **BAR}, {"T": "b", **BAR, "t": NOON + 60 * SECOND})
    assert [event.close for event in events] == [2.0, 2.0]


def test_quotes_and_trades(venue):
    said = {
        "T": "q",
        "S": "AAPL",
        "t": NOON,
        "bx": "V",
        "bp": 1.0,
        "bs": 100,
        "ax": "V",
        "ap": 1.1,
        "as": 200,
        "c": [],
        "z": "C",
    }
    (quote,), _ = heard(venue, 1, said, data_type="quotes")
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size) == (1.0, 1.1, 100.0, 200.0)
    said = {"T": "t", "S": "AAPL", "t": NOON, "i": 77, "x": "V", "p": 1.5, "s": 3, "c": [], "z": "C"}
    (trade,), _ = heard(venue, 1, said, data_type="trades")
    assert isinstance(trade, Trade)
    assert (trade.price, trade.size, trade.trade_id) == (1.5, 3.0, "77")


def test_stocks_and_crypto_are_one_feed_over_two_streams(venue):
    records = [{"T": "b", **BAR}, {"T": "b", **BAR, "S": "BTC/USD"}]
    events, _ = heard(venue, 2, *records, symbols=("AAPL", "BTC/USD"), connections=2)
    assert {event.symbol for event in events} == {"AAPL", "BTC/USD"}


def test_halts_are_known_until_trading_goes_on(venue):
    halt = {"T": "s", "S": "AAPL", "t": NOON, "sc": "H", "sm": "Trading Halt", "rc": "T1", "rm": "News Pending", "z": "C"}
    _, feed = heard(venue, 1, halt, {"T": "b", **BAR})
    assert feed.halted == {"AAPL"}
    _, feed = heard(venue, 1, halt, {**halt, "sc": "T", "sm": "Trading Resumption"}, {"T": "b", **BAR})
    assert not feed.halted


def test_the_bar_that_still_runs_is_not_in_the_history(venue):
    async def run():
        now = time.time_ns()
        venue.record({"T": "b", **BAR, "t": now - 90 * SECOND}, {"T": "b", **BAR, "t": now - 30 * SECOND})
        fetched = list(await feed_at(venue, "AAPL").backfill("AAPL", 0, now + SECOND))
        assert [event.event_time for event in fetched] == [now - 90 * SECOND]

    asyncio.run(run())
