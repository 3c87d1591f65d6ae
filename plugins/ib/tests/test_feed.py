"""What the feed makes of every kind of data and of instrument."""

from __future__ import annotations

import pytest
from ib_line import Ear, listening, until

from ml4t.live.errors import FeedRefused
from ml4t.live.model import Bar, Quote, Trade
from ml4t.live.times import NANOS
from ml4t_live_ib.rig import Rig


async def test_updating_bars_grow_and_are_complete_when_the_next_one_begins(tws):
    async with listening(tws, "AAPL", data="updating_bars", bar_size="10 secs") as ear:
        first = tws.emit("AAPL", 100.0)
        while first % (10 * NANOS):
            first = tws.emit("AAPL", 100.0)
        await until(lambda: ear.events and ear.events[-1].event_time == first)
        ear.events.clear()
        for price in (101.0, 99.0, 102.0):
            tws.emit("AAPL", price)
        await until(lambda: len(ear.events) == 4)
        told = [((event.event_time - first) // NANOS, event.high, event.low, event.complete) for event in ear.events]
        assert told == [(0, 101.0, 100.0, False), (0, 101.0, 100.0, True), (10, 99.0, 99.0, False), (10, 102.0, 99.0, False)]
        assert {event.interval for event in ear.events} == {10 * NANOS}


async def test_quotes_are_told_when_both_sides_are_known(tws):
    async with listening(tws, "AAPL", data="quotes") as ear:
        tws.emit("AAPL", 101.0, 7.0)
        await until(lambda: ear.events and ear.events[-1].bid == 101.0 == ear.events[-1].ask)
        assert all(isinstance(event, Quote) and event.bid_size and event.ask_size for event in ear.events)


async def test_delayed_quotes_come_where_live_ones_are_not_subscribed_to(make_tws):
    tws = make_tws(unsubscribed=["AAPL"])
    async with listening(tws, "AAPL", data="quotes", market_data_type="delayed") as ear:
        tws.emit("AAPL", 101.0)
        await until(lambda: ear.events and ear.events[-1].bid == 101.0)
        assert not ear.feed.refused


@pytest.mark.parametrize("kind", ["bars", "updating_bars", "trades", "quotes"])
async def test_without_a_subscription_no_kind_of_data_is_silent(make_tws, kind):
    tws = make_tws(unsubscribed=["AAPL"])
    error = await Ear(Rig(tws).feed(["AAPL"], data=kind)).until_lost()
    assert isinstance(error, FeedRefused)
    assert error.code == "not_subscribed"
    assert "AAPL: IB " in str(error)


async def test_more_symbols_than_lines_are_left_out_and_said_so(make_tws):
    tws = make_tws(pacing=True, prices=dict.fromkeys(("AAA", "BBB", "CCC", "DDD"), 50.0))
    async with listening(tws, "AAA", "BBB", "CCC", "DDD", data="trades") as ear:
        await until(lambda: ear.feed.refused)
        assert set(ear.feed.refused) == {"DDD"}
        assert "listen to fewer symbols at once" in ear.feed.refused["DDD"]
        moment = tws.emit("AAA", 51.0)
        await until(lambda: ear.events == [Trade("AAA", moment, 51.0, 1.0, None, "ib")])


@pytest.mark.parametrize("symbol", ["EUR.USD", "BTC.USD PAXOS", "VIX IND CBOE", "SPY"])
async def test_every_kind_of_instrument_has_bars(tws, symbol):
    async with listening(tws, symbol) as ear:
        moment = tws.emit(symbol, 20.0)
        await until(lambda: ear.events)
        (bar,) = ear.events
        assert isinstance(bar, Bar)
        assert (bar.symbol, bar.event_time, bar.close) == (symbol, moment, 20.0)
        assert bar.volume >= 0


async def test_a_future_and_an_option_have_bars(tws):
    symbols = {each.name for each in tws._tws.universe if each.kind in {"FUT", "OPT"}}
    future = min(name for name in symbols if name.startswith("ES "))
    option = min(name for name in symbols if name.startswith("AAPL "))
    async with listening(tws, future, option) as ear:
        for symbol in (future, option):
            tws.emit(symbol, 20.0)
        await until(lambda: {event.symbol for event in ear.events} == {future, option})
