"""The simulator's streams, heard by Alpaca's own SDK as its documentation says to use it."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from contextlib import asynccontextmanager

import msgpack
import pytest
import websockets
from alpaca_kit import until

from ml4t_live_alpaca.rig import WRONG, still
from ml4t_live_alpaca.sdk import TradingClient, TradingStream

# ruff: isort: split
from alpaca.data.enums import DataFeed
from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.trading.enums import OrderSide, TimeInForce, TradeEvent
from alpaca.trading.requests import MarketOrderRequest

SECOND = 10**9
NOON = 1_767_600_000 * SECOND


class Heard(list):
    """What a stream's handlers got; their logs are kept, because some things the SDK only logs."""

    def __init__(self):
        self.logs = []

    async def take(self, message):
        """Keep a message."""
        self.append(message)


@asynccontextmanager
async def running(stream):
    """Run a stream of the SDK, and keep what it logs."""
    logs = []
    handler = logging.Handler()
    handler.emit = lambda record: logs.append(record.getMessage())
    loggers = [logging.getLogger(name) for name in ("alpaca.data.live.websocket", "alpaca.trading.stream")]
    for logger in loggers:
        logger.addHandler(handler)
    task = asyncio.create_task(stream._run_forever())
    try:
        yield logs
    finally:
        while not task.done():  # a cancel while it hangs up is swallowed (websockets.legacy), and it connects again
            task.cancel()
            await asyncio.wait([task], timeout=0.1)
        await stream.close()
        for logger in loggers:
            logger.removeHandler(handler)


def stocks(venue, secret=None, path="/v2/iex"):
    key, right = venue.keys
    address = venue.url.replace("http", "ws") + path
    return StockDataStream(key, secret or right, feed=DataFeed.IEX, url_override=address)


def updates(venue, secret=None, **more):
    key, right = venue.keys
    return TradingStream(
        key, secret or right, paper=True, url_override=venue.url.replace("http", "ws") + "/stream", raw_data=True, **more
    )


def buy(venue, **more):
    key, secret = venue.keys
    client = TradingClient(key, secret, url_override=venue.url)
    given = {"symbol": "AAPL", "qty": 10, "side": OrderSide.BUY, "time_in_force": TimeInForce.DAY, **more}
    return client.submit_order(MarketOrderRequest(**given))


def test_bars_updated_bars_trades_quotes_and_halts_arrive_as_the_sdk_knows_them(venue):
    async def run():
        heard, stream = Heard(), stocks(venue)
        for subscribe in ("bars", "updated_bars", "trades", "quotes", "trading_statuses"):
            getattr(stream, f"subscribe_{subscribe}")(heard.take, "AAPL")
        async with running(stream):
            await until(lambda: venue.subscriptions == {"AAPL"})
            bar = {"S": "AAPL", "o": 1.0, "h": 3.0, "l": 0.5, "c": 2.0, "v": 7.0, "t": NOON, "n": 3, "vw": 1.5}
            quote = {"bx": "V", "bp": 1.0, "bs": 100.0, "ax": "V", "ap": 1.1, "as": 200.0, "c": ["R"], "z": "C"}
            halt = {"sc": "H", "sm": "Trading Halt", "rc": "T1", "rm": "Halt News Pending", "z": "C"}
            venue.push(
                {"T": "b", **bar},
                {"T": "u", **bar, "c": 2.5},
                {"T": "q", "S": "AAPL", "t": NOON + 1_000, **quote},
                {"T": "s", "S": "AAPL", "t": NOON, **halt},
                {"T": "b", **bar, "S": "MSFT"},
            )
            venue.price("AAPL", 101.5)
            await until(lambda: len(heard) == 5)
        kinds = {type(each).__name__: each for each in heard}
        assert set(kinds) == {"Bar", "Quote", "TradingStatus", "Trade"}
        assert [each.close for each in heard if type(each).__name__ == "Bar"] == [2.0, 2.5]
        assert kinds["Bar"].timestamp.timestamp() * SECOND == NOON
        assert (kinds["Quote"].bid_price, kinds["Quote"].ask_size) == (1.0, 200.0)
        assert kinds["TradingStatus"].status_code == "H"
        assert kinds["Trade"].price == 101.5

    asyncio.run(run())


def test_crypto_has_an_endpoint_of_its_own(venue):
    async def run():
        key, secret = venue.keys
        stream = CryptoDataStream(key, secret, url_override=venue.url.replace("http", "ws") + "/v1beta3/crypto/us")
        heard = Heard()
        stream.subscribe_trades(heard.take, "BTC/USD")
        other, deaf = stocks(venue), Heard()
        other.subscribe_trades(deaf.take, "AAPL")
        async with running(stream), running(other):
            await until(lambda: venue.subscriptions == {"BTC/USD", "AAPL"})
            venue.price("BTC/USD", 9_000.5)
            await until(lambda: heard)
            assert (heard[0].symbol, heard[0].price) == ("BTC/USD", 9_000.5)
            assert not deaf

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["paper", "live"])
def test_an_order_s_life_is_told_in_order(kind):
    """Paper accounts send binary frames and live ones text; the SDK reads both."""

    async def run(venue):
        heard, stream = Heard(), updates(venue)
        stream.subscribe_trade_updates(heard.take)
        async with running(stream):
            await until(lambda: venue.connections == 1)
            await asyncio.to_thread(buy, venue, client_order_id="mine")
            await until(lambda: len(heard) == 4)
        told = [each["data"] for each in heard]
        assert [each["event"] for each in told] == ["pending_new", "new", "partial_fill", "fill"]
        assert [each.get("qty") for each in told] == [None, None, "6", "4"]
        assert [each["order"]["filled_qty"] for each in told] == ["0", "0", "6", "10"]
        assert {each["order"]["client_order_id"] for each in told} == {"mine"}
        assert len({each["event_id"] for each in told}) == 4
        assert all(TradeEvent(each["event"]) for each in told)

    with still(kind=kind, largest_fill=6.0) as venue:
        asyncio.run(run(venue))


def test_a_wrong_key_is_turned_away_by_both_streams(venue):
    async def run():
        market, orders = stocks(venue, WRONG), updates(venue, WRONG)
        market.subscribe_bars(Heard().take, "AAPL")
        orders.subscribe_trade_updates(Heard().take)
        async with running(market) as logs, running(orders):
            await until(lambda: any("auth failed" in line for line in logs))
            await until(lambda: any("failed to authenticate" in line for line in logs))
        assert venue.connections == 0

    asyncio.run(run())


def test_a_second_connection_gets_406_until_the_first_has_gone(venue):
    async def run():
        first, second = stocks(venue), stocks(venue)
        first.subscribe_bars(Heard().take, "AAPL")
        second.subscribe_bars(Heard().take, "MSFT")
        async with running(first):
            await until(lambda: venue.subscriptions == {"AAPL"})
            stack = running(second)
            logs = await stack.__aenter__()
            await until(lambda: any("connection limit exceeded" in line for line in logs))
            assert venue.subscriptions == {"AAPL"}
        await until(lambda: venue.subscriptions == {"MSFT"}, 20)
        await stack.__aexit__(None, None, None)

    asyncio.run(run())


@pytest.mark.parametrize("code", [405, 409, 500])
def test_a_subscription_can_be_refused_by_number(venue, code):
    async def run():
        venue.refuse_subscriptions(code)
        stream = stocks(venue)
        stream.subscribe_bars(Heard().take, "AAPL")
        async with running(stream) as logs:
            await until(lambda: any(f"({code})" in line for line in logs))

    asyncio.run(run())


def test_a_plan_has_so_many_symbols_and_only_some_data():
    with still(sip=False) as venue:
        venue.limit_symbols(1)

        async def run():
            many, sip = stocks(venue), stocks(venue, path="/v2/sip")
            many.subscribe_bars(Heard().take, "AAPL", "MSFT")
            sip.subscribe_bars(Heard().take, "AAPL")
            async with running(many) as logs, running(sip):
                await until(lambda: any("symbol limit exceeded" in line for line in logs))
                await until(lambda: any("insufficient subscription" in line for line in logs))

        asyncio.run(run())


def test_a_mute_venue_answers_pings_and_nothing_else(venue):
    async def run():
        heard, stream = Heard(), updates(venue, websocket_params={"ping_interval": 0.05, "ping_timeout": 0.2})
        stream.subscribe_trade_updates(heard.take)
        async with running(stream) as logs:
            await until(lambda: venue.connections == 1)
            venue.mute(True)
            pongs = await stream._ws.ping()
            await asyncio.wait_for(pongs, 60)
            order = asyncio.create_task(asyncio.to_thread(buy, venue))
            await until(venue.orders)
            assert not order.done()
            venue.mute(False)
            with pytest.raises(Exception, match=r"RemoteDisconnected|Connection aborted"):
                await order
            venue.price("AAPL", 101.0)
            await asyncio.to_thread(buy, venue)
            await until(lambda: len(heard) == 3)
            assert not any("error" in line for line in logs)
        assert len(venue.orders()) == 2
        assert {each["data"]["order"]["id"] for each in heard} == {venue.orders()[1].venue_order_id}

    asyncio.run(run())


@pytest.mark.parametrize("reset", [False, True])
def test_a_dropped_client_comes_back_to_the_same_books(venue, reset):
    async def run():
        heard, stream, may_return = Heard(), updates(venue), asyncio.Event()
        stream.subscribe_trade_updates(heard.take)
        stream._wait_before_reconnect = lambda _: may_return.wait()
        async with running(stream):
            await until(lambda: venue.connections == 1)
            venue.drop(reset=reset)
            await until(lambda: venue.connections == 0)
            buy_away = await asyncio.to_thread(buy, venue)
            may_return.set()
            await until(lambda: venue.connections == 1)
            await asyncio.to_thread(buy, venue)
            await until(lambda: len(heard) == 3)
        assert str(buy_away.id) not in {each["data"]["order"]["id"] for each in heard}
        assert venue.positions() == {"AAPL": 20}

    asyncio.run(run())


def test_updates_can_be_doubled_and_swapped(venue):
    async def run():
        heard, stream = Heard(), updates(venue)
        stream.subscribe_trade_updates(heard.take)
        async with running(stream):
            await until(lambda: venue.connections == 1)
            venue.disturb(duplicates=1.0)
            await asyncio.to_thread(buy, venue)
            await until(lambda: len(heard) == 6)
            assert [each["data"]["event"] for each in heard] == ["pending_new"] * 2 + ["new"] * 2 + ["fill"] * 2
            heard.clear()
            venue.disturb(swaps=1.0)
            await asyncio.to_thread(buy, venue)
            venue.disturb()
            await until(lambda: len(heard) == 3)
            assert [each["data"]["event"] for each in heard] == ["new", "pending_new", "fill"]

    asyncio.run(run())


def test_a_fill_can_come_before_the_answer(venue, monkeypatch):
    monkeypatch.setattr("ml4t_live_alpaca.simulator.server.HEAD_START_SECONDS", 2.0)  # for a machine that is busy

    async def run():
        heard, stream = Heard(), updates(venue)
        stream.subscribe_trade_updates(heard.take)
        async with running(stream):
            await until(lambda: venue.connections == 1)
            venue.execute_before_acknowledging()
            order = asyncio.create_task(asyncio.to_thread(buy, venue))
            await until(lambda: heard)
            assert not order.done()
            assert (await order).status.value == "filled"

    asyncio.run(run())


def test_every_message_of_a_segment_is_read(venue):
    """Two subscriptions in one packet are two subscriptions."""

    async def run():
        key, secret = venue.keys
        async with websockets.connect(venue.url.replace("http", "ws") + "/v2/iex") as client:
            await client.recv()
            client.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
            packets = [
                {"action": "auth", "key": key, "secret": secret},
                {"action": "subscribe", "bars": ["AAPL"]},
                {"action": "subscribe", "bars": ["MSFT"]},
            ]
            frames = [frame_of(msgpack.packb(each)) for each in packets]
            client.transport.write(b"".join(frames))
            await until(lambda: venue.subscriptions == {"AAPL", "MSFT"})

    asyncio.run(run())


def frame_of(data):
    """Return a client's binary frame, masked with zeros."""
    assert len(data) < 65_536
    length = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
    return b"\x82" + length + bytes(4) + data


def test_nobody_is_answered_who_does_not_say_who_he_is(venue):
    async def run():
        async with websockets.connect(venue.url.replace("http", "ws") + "/stream") as client:
            await client.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
            assert json.loads(await client.recv())["data"]["status"] == "unauthorized"
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()
        assert venue.connections == 0

    asyncio.run(run())
