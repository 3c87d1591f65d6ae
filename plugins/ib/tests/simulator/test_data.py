"""Market data through the real SDK."""

from __future__ import annotations

import datetime as dt
import itertools
import time

import pytest
from ib_async import Crypto, Forex, Future, Index, Option, Stock

from ml4t.live.times import NANOS


def bar_of(tape) -> tuple:
    return tape.open_, tape.high, tape.low, tape.close, tape.volume, tape.count


async def listening(tws, eventually, *symbols: str) -> None:
    await eventually(lambda: tws.subscriptions == frozenset(symbols))


async def test_five_second_bars(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        bars = ib.reqRealTimeBars(await ib.stock(), 5, "TRADES", False)
        await listening(tws, eventually, "AAPL")
        times = [tws.emit("AAPL", price, 100.0) for price in (230.5, 231.5)]
        await eventually(lambda: len(bars) == 2)
        assert [round(bar.time.timestamp() * NANOS) for bar in bars] == times
        assert times[1] - times[0] == 5 * NANOS
        assert times[1] < time.time_ns()
        assert [bar_of(bar) for bar in bars] == [(price, price, price, price, 100, 1) for price in (230.5, 231.5)]
        ib.cancelRealTimeBars(bars)
        await listening(tws, eventually)


async def test_two_symbols_tell_the_time_in_one_order(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        times = []
        for symbol in ("AAPL", "MSFT"):
            bars = ib.reqRealTimeBars(await ib.stock(symbol), 5, "TRADES", False)
            bars.updateEvent += lambda bars, _: times.append(bars[-1].time)
        await listening(tws, eventually, "AAPL", "MSFT")
        for symbol in ("AAPL", "MSFT", "AAPL", "AAPL", "MSFT"):
            tws.emit(symbol, 100.0)
        await eventually(lambda: len(times) == 5)
        assert times == sorted(times)


async def test_bars_of_a_market_that_moves_by_itself(make_tws, connected, eventually) -> None:
    tws = make_tws(interval=10_000_000, seed=3)
    async with connected(tws) as ib:
        bars = ib.reqRealTimeBars(await ib.stock(), 5, "TRADES", False)
        # How many trades fall into a bar is up to the machine: what counts is that one of several comes.
        await eventually(lambda: len(bars) >= 2 and any(bar.count > 1 and bar.low < bar.high for bar in bars), 20)
        first, second = bars[:2]
        assert first.time.timestamp() % 5 == 0
        assert second.time - first.time == dt.timedelta(seconds=5)
        for bar in bars:
            assert bar.low <= bar.open_ <= bar.high
            assert bar.low <= bar.wap <= bar.high


async def test_quotes(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        ticker = ib.reqMktData(await ib.stock())
        await eventually(lambda: ticker.last == 230.0)
        assert (ticker.marketDataType, ticker.minTick) == (1, 0.01)
        tws.price("AAPL", 231.0)
        await eventually(lambda: (ticker.bid, ticker.ask, ticker.last) == (231.0, 231.0, 231.0))
        ib.cancelMktData(ticker.contract)
        await listening(tws, eventually)


async def test_a_snapshot_ends(tws, connected) -> None:
    async with connected(tws) as ib:
        (ticker,) = await ib.reqTickersAsync(await ib.stock())
        assert ticker.last == 230.0
        assert tws.subscriptions == frozenset()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("Last", lambda tick: (tick.price, tick.size, tick.exchange)),
        ("AllLast", lambda tick: (tick.price, tick.size, tick.exchange)),
        ("BidAsk", lambda tick: (tick.bidPrice, tick.askPrice)),
        ("MidPoint", lambda tick: tick.midPoint),
    ],
)
async def test_tick_by_tick(tws, connected, eventually, kind, value) -> None:
    async with connected(tws) as ib:
        ticker = ib.reqTickByTickData(await ib.stock(), kind)
        seen = []
        ticker.updateEvent += lambda ticker: seen.extend(ticker.tickByTicks)
        await listening(tws, eventually, "AAPL")
        tws.emit("AAPL", 231.0, 50.0)
        await eventually(lambda: seen)
        expected = {"BidAsk": (231.0, 231.0), "MidPoint": 231.0}.get(kind, (231.0, 50.0, "NASDAQ"))
        assert value(seen[0]) == expected


async def history(ib, contract, **options):
    chosen = {"endDateTime": "", "durationStr": "3600 S", "barSizeSetting": "5 secs", "whatToShow": "TRADES", "useRTH": False}
    return await ib.reqHistoricalDataAsync(contract, **{**chosen, "formatDate": 2, **options})


async def test_the_past_is_the_same_for_everybody_and_goes_on_in_what_happened(tws, connected) -> None:
    async with connected(tws) as ib:
        stock = await ib.stock()
        told = [tws.emit("AAPL", price) for price in (230.5, 231.5, 230.0)]
        bars = await history(ib, stock)
        again = await history(ib, stock)
        common = {bar.date for bar in bars} & {bar.date for bar in again}
        assert len(common) > len(bars) - 5
        assert [bar for bar in again if bar.date in common] == [bar for bar in bars if bar.date in common]
        times = [round(bar.date.timestamp() * NANOS) for bar in bars]
        assert times == sorted(set(times))
        assert times[-3:] == told
        assert [bar.close for bar in bars[-3:]] == [230.5, 231.5, 230.0]
        assert abs(bars[-4].close / 230.0 - 1) < 0.01  # it leads to the first price
        assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
        assert all(later.open == earlier.close for earlier, later in itertools.pairwise(bars[:-3]))


async def test_bars_of_other_lengths(tws, connected) -> None:
    async with connected(tws) as ib:
        stock = await ib.stock()
        tws.burst("AAPL", 30)
        minutes = await history(ib, stock, barSizeSetting="1 min")
        assert {bar.date.second for bar in minutes} == {0}
        assert len({bar.date for bar in minutes}) == len(minutes) > 45
        days = await history(ib, stock, barSizeSetting="1 day", durationStr="30 D", endDateTime="20261110 00:00:00 US/Eastern")
        assert [bar.date.day for bar in days][-3:] == [7, 8, 9]
        assert len(days) == 30
        texts = await history(ib, stock, barSizeSetting="1 hour", durationStr="1 D", formatDate=1)
        assert str(texts[0].date.tzinfo) == "US/Eastern"


async def test_history_that_is_kept_up_to_date(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        tws.emit("AAPL", 230.5)
        bars = await history(ib, await ib.stock(), keepUpToDate=True, barSizeSetting="1 min")
        closed = bars[-2]
        for price in (231.5, 229.0, 230.0):
            tws.emit("AAPL", price)
        await eventually(lambda: bars[-1].close == 230.0)
        assert bars[-1].date.second == 0
        assert bars.reqId
        assert closed in bars
        assert tws.subscriptions == {"AAPL"}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"barSizeSetting": "7 secs"}, 321),
        ({"durationStr": "1 fortnight"}, 321),
        ({"durationStr": "1 Y"}, 321),
        ({"endDateTime": "tomorrow"}, 10314),
        ({"whatToShow": "GOSSIP"}, 321),
        ({"endDateTime": "20261110 00:00:00", "keepUpToDate": True}, 321),
    ],
)
async def test_historical_requests_that_make_no_sense(tws, connected, options, code) -> None:
    async with connected(tws) as ib:
        ib.client.reqHistoricalData(
            99, await ib.stock(), options.get("endDateTime", ""), options.get("durationStr", "60 S"),
            options.get("barSizeSetting", "5 secs"), options.get("whatToShow", "TRADES"), False, 1,
            options.get("keepUpToDate", False), [],
        )  # fmt: skip
        await ib.reqCurrentTimeAsync()
        assert [(request, each) for request, each, _ in ib.errors if request == 99] == [(99, code)]


async def test_pacing(make_tws, connected) -> None:
    tws = make_tws(pacing=True)
    async with connected(tws) as ib:
        stock = await ib.stock()
        assert await history(ib, stock)
        assert not await history(ib, stock)
        assert [text for _, code, text in ib.errors if code == 162 and "pacing violation" in text]
        for seconds in range(1000, 1005):
            assert await history(ib, stock, durationStr=f"{seconds} S")
        assert not await history(ib, stock, durationStr="1005 S")
        assert await history(ib, await ib.stock("MSFT"))
        assert await history(ib, stock, barSizeSetting="1 min")


async def test_more_than_fifty_messages_a_second(make_tws, connected, eventually) -> None:
    tws = make_tws(pacing=True)
    async with connected(tws) as ib:
        for _ in range(60):
            ib.client.reqIds(1)
        await eventually(lambda: 100 in ib.codes)


async def test_three_ticks_by_tick_at_a_time(make_tws, connected, eventually) -> None:
    tws = make_tws(pacing=True)
    async with connected(tws) as ib:
        for symbol in ("AAPL", "MSFT", "AMZN", "NVDA"):
            ib.reqTickByTickData(await ib.stock(symbol), "Last")
        await eventually(lambda: 10190 in ib.codes)
        assert len(tws.subscriptions) == 3


async def test_without_a_subscription(make_tws, connected, eventually) -> None:
    tws = make_tws(unsubscribed=["AAPL"])
    async with connected(tws) as ib:
        stock = await ib.stock()
        ticker = ib.reqMktData(stock)
        await eventually(lambda: 354 in ib.codes)
        ib.reqRealTimeBars(stock, 5, "TRADES", False)
        await eventually(lambda: 420 in ib.codes)
        ib.reqTickByTickData(stock, "Last")
        await eventually(lambda: 10189 in ib.codes)
        assert not await history(ib, stock)
        assert 162 in ib.codes
        ib.reqMarketDataType(3)
        ticker = ib.reqMktData(stock, "", False, False)
        await eventually(lambda: ticker.last == 230.0)
        assert ticker.marketDataType == 3
        assert 10167 in ib.codes


async def test_forex_has_no_trades(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        (pair,) = await ib.qualifyContractsAsync(Forex("EURUSD"))
        assert not await history(ib, pair)
        assert 162 in ib.codes
        bars = await history(ib, pair, whatToShow="MIDPOINT")
        assert {(bar.volume, bar.barCount) for bar in bars} == {(-1.0, -1)}
        ticker = ib.reqMktData(pair)
        await eventually(lambda: ticker.bid == 1.08)
        assert ticker.last != ticker.last  # not a number


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (Stock("AAPL", "SMART", "USD"), 1),
        (Stock(conId=272093), 1),
        (Stock("SPY", "SMART", "USD", primaryExchange="ARCA"), 1),
        (Stock("NOPE", "SMART", "USD"), 0),
        (Stock("AAPL", "SMART", "EUR"), 0),
        (Future("ES", exchange="CME"), 8),
        (Forex("EURUSD"), 1),
        (Crypto("ETH", "PAXOS", "USD"), 1),
        (Index("SPX", "CBOE", "USD"), 1),
        (Option("AAPL", "", 230.0, "C", "SMART"), 4),
    ],
)
async def test_contracts(tws, connected, asked, found) -> None:
    async with connected(tws) as ib:
        details = await ib.reqContractDetailsAsync(asked)
        assert len(details) == found
        assert (200 in ib.codes) is (found == 0)
        for each in details:
            assert each.minTick > 0
            assert each.sizeIncrement > 0
            assert each.tradingHours


async def test_an_ambiguous_contract_is_refused(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        ib.reqRealTimeBars(Future("ES", exchange="CME"), 5, "TRADES", False)
        await eventually(lambda: any(code == 200 and "ambiguous" in text for _, code, text in ib.errors))


async def test_the_rest_of_the_reference_data(tws, connected) -> None:
    async with connected(tws) as ib:
        (details,) = await ib.reqContractDetailsAsync(Stock("AAPL", "SMART", "USD"))
        rule = await ib.reqMarketRuleAsync(int(details.marketRuleIds))
        assert [(each.lowEdge, each.increment) for each in rule] == [(0.0, 0.01)]
        assert "APPLE INC" in {each.contract.description for each in await ib.reqMatchingSymbolsAsync("appl")}
        (chain,) = await ib.reqSecDefOptParamsAsync("AAPL", "", "STK", details.contract.conId)
        assert len(chain.expirations) == 4
        assert 230.0 in chain.strikes
        assert await ib.reqHeadTimeStampAsync(details.contract, "TRADES", False, 2) == dt.datetime(
            2016, 1, 4, 14, 30, tzinfo=dt.UTC
        )
        assert abs(await ib.reqCurrentTimeAsync() - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=30)


async def test_what_is_not_simulated_is_refused_and_not_silent(tws, connected) -> None:
    async with connected(tws) as ib:
        ib.client.reqScannerParameters()
        assert await ib.reqHistogramDataAsync(await ib.stock(), False, "1 day") in (None, [])
        refused = [(request, text) for request, code, text in ib.errors if code == 505]
        assert [text for _, text in refused if "message 24 is not simulated" in text]
        assert [request for request, text in refused if "message 88 is not simulated" in text and request > 0]


async def test_a_file_is_played(make_tws, connected, eventually, tmp_path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("time,symbol,price\n1,AAPL,231\n1,MSFT,401\n2,AAPL,232\n")
    tws = make_tws(interval=1_000_000, data=str(path))
    async with connected(tws) as ib:
        tickers = [ib.reqMktData(await ib.stock(symbol)) for symbol in ("AAPL", "MSFT")]
        await eventually(lambda: [ticker.last for ticker in tickers] == [232.0, 401.0])


@pytest.mark.parametrize("what", ["TRADES", "BID_ASK", "MIDPOINT"])
async def test_ticks_of_the_past(tws, connected, eventually, what) -> None:
    async with connected(tws) as ib:
        stock = await ib.stock()
        times = [tws.emit("AAPL", 230.0 + number, 5.0) / NANOS for number in range(4)]
        start = dt.datetime.fromtimestamp(times[1], dt.UTC)
        ticks = await ib.reqHistoricalTicksAsync(stock, start, "", 2, what, False)
        assert [tick.time.timestamp() for tick in ticks] == times[1:3]
        price = {"TRADES": "price", "BID_ASK": "priceAsk", "MIDPOINT": "price"}[what]
        assert [getattr(tick, price) for tick in ticks] == [231.0, 232.0]
        end = dt.datetime.fromtimestamp(times[3], dt.UTC)
        before = await ib.reqHistoricalTicksAsync(stock, "", end, 1, what, False)
        assert [tick.time.timestamp() for tick in before] == times[2:3]
        ib.client.reqHistoricalTicks(99, stock, "20260101-00:00:00", "20260102-00:00:00", 1, what, False, False, [])
        await eventually(lambda: 321 in ib.codes)
