"""The traps of ccxt, each by its number in the study that found them: none is left open."""

from __future__ import annotations

import asyncio
import logging

import pytest
from crypto_kit import Ears, feeding, limit, listening, okx, order, until

from ml4t.live.errors import FeedDisconnected, OutcomeUnknown
from ml4t.live.model import OrderSide, OrderState, Terms
from ml4t_live_crypto.config import CryptoFeedConfig
from ml4t_live_crypto.exchange import let_go, made, prepare
from ml4t_live_crypto.feed import CryptoFeed
from ml4t_live_crypto.habits import habits_of
from ml4t_live_crypto.ids import form_of
from ml4t_live_crypto.rig import WRONG, Unified, binance, broker_at, feed_at
from ml4t_live_crypto.sdk import errors
from ml4t_live_crypto.simulator.faults import Loss
from ml4t_live_okx.simulator.faults import Loss as OKXLoss

SPOT, SWAP = "ETH/USDT", "ETH/USDT:USDT"
MINUTE = 60_000


@pytest.mark.parametrize("reset", [False, True])
def test_c1_a_lost_stream_is_told_of_and_what_was_missed_can_be_had(venue, reset):
    async def run():
        feed, ears = feed_at(venue, SPOT), Ears()
        running = asyncio.create_task(feed.run(ears))
        await until(lambda: venue.subscriptions)
        first = venue.emit(SPOT, 100.0)
        await until(lambda: ears.events)
        venue.drop(reset=reset)
        with pytest.raises(FeedDisconnected):
            await asyncio.wait_for(running, 60)
        pages = {"okx": 100, "binance": 1000}[venue.name]
        missed = [venue.emit(SPOT, 101.0) for _ in range(2 * pages + pages // 2)]
        venue.page_history(pages)
        found = list(await feed.backfill(SPOT, first + 1, missed[-1] + 1))
        assert [trade.event_time for trade in found] == missed
        assert all(trade.backfilled for trade in found)

    asyncio.run(run())


def test_c1_a_stream_that_is_lost_while_nobody_waits_is_not_opened_again_without_a_word(venue):
    """ccxt tells a loss to those who wait, and opens a new websocket for who asks next."""

    async def run():
        exchange = made(CryptoFeedConfig(exchange=venue.name, symbols=(SPOT,), url=venue.url))
        await prepare(exchange)
        params = dict(habits_of(venue.name).watch_trades)
        try:
            heard = asyncio.create_task(exchange.watch_trades(SPOT, params=params))
            await until(lambda: venue.subscriptions)
            venue.emit(SPOT, 100.0)
            await asyncio.wait_for(heard, 60)
            venue.drop()
            await until(lambda: not exchange.clients)
            with pytest.raises(errors.NetworkError, match="lost while nobody waited"):
                await asyncio.wait_for(exchange.watch_trades(SPOT, params=params), 60)
        finally:
            await let_go(exchange)

    asyncio.run(run())


def test_c2_a_bar_is_told_once_when_a_later_one_begins(okx):
    async def run():
        feed, ears = feed_at(okx, SPOT, data_type="bars"), Ears()
        async with feeding(feed, ears):
            await until(lambda: okx.subscriptions)
            start = 3_000_000_000_000 // MINUTE * MINUTE  # it runs for long
            row = [str(start), "1", "3", "0.5", "2", "10", "20", "20"]
            okx.push("candle1m", "ETH-USDT", [*row, "0"])
            okx.push("candle1m", "ETH-USDT", [str(start), "1", "4", "0.5", "2.5", "12", "20", "20", "1"])
            okx.push("candle1m", "ETH-USDT", [str(start + MINUTE), *row[1:], "0"])
            await until(lambda: ears.events)
            okx.push("candle1m", "ETH-USDT", [str(start), *row[1:], "1"])
            okx.push("candle1m", "ETH-USDT", [str(start + 2 * MINUTE), *row[1:], "0"])
            await until(lambda: len(ears.events) == 2)
            bar, after = ears.events
            assert (bar.event_time, bar.interval, bar.complete) == (start * 10**6, 60 * 10**9, True)
            assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (1.0, 4.0, 0.5, 2.5, 12.0)
            assert after.event_time == bar.end_time

    asyncio.run(run())


def test_c2_a_bar_whose_time_is_over_is_told_as_the_exchange_says_that_it_ended(venue):
    async def run():
        venue.emits = venue.simulator.emits = "bars"
        feed, ears = feed_at(venue, SPOT, data_type="bars"), Ears()
        async with feeding(feed, ears):
            await until(lambda: venue.subscriptions)
            start = venue.emit(SPOT, 100.0, 7.0)
            await until(lambda: ears.events)
            (bar,) = ears.events
            assert (bar.event_time, bar.close, bar.volume, bar.complete) == (start, 100.0, 7.0, True)

    asyncio.run(run())


def test_c3_what_is_told_of_an_order_does_not_change_afterwards(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = limit()
            await broker.submit(placed)
            await until(lambda: ears.state(placed) is OrderState.WORKING)
            venue.execute(placed.order_id, 4.0, 90.0)
            await until(lambda: ears.state(placed) is OrderState.PARTIALLY_FILLED)
            venue.execute(placed.order_id, 6.0, 90.0)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            told = [(each.state, each.filled_quantity) for each in ears.updates]
            assert told[0] == (OrderState.WORKING, 0.0)
            assert (OrderState.PARTIALLY_FILLED, 4.0) in told
            assert [fill.quantity for fill in ears.booked.values()] == [4.0, 6.0]

    asyncio.run(run())


def test_c4_an_execution_told_twice_has_one_id(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = limit()
            await broker.submit(placed)
            name = venue.execute(placed.order_id, 4.0, 90.0)
            await until(lambda: ears.fills)
            venue.repeat(name)
            await until(lambda: len(ears.fills) == 2)
            assert list(ears.booked) == [name]

    asyncio.run(run())


@pytest.mark.parametrize("in_quote", [True, False])
@pytest.mark.parametrize("name", ["okx", "binance"])
def test_c5_a_fee_that_was_paid_is_positive_and_in_money_on_the_stream_and_in_a_snapshot(name, in_quote):
    async def run():
        with {"okx": okx, "binance": binance}[name](fee=0.001, fee_in_quote=in_quote) as simulator:
            venue = Unified(simulator)
            async with listening(venue) as (broker, ears):
                await broker.submit(order(quantity=2.0))
                await until(lambda: ears.fills)
                (fill,) = ears.booked.values()
                assert fill.commission == pytest.approx(0.2)
                assert next(iter((await broker.snapshot(0)).fills)) == fill

    asyncio.run(run())


@pytest.mark.parametrize("how", ["ANSWER", "SILENCE", "GATEWAY"])
def test_c6_an_order_without_an_answer_is_unknown_and_found_by_our_id(venue, how):
    async def run():
        async with listening(venue) as (broker, _):
            venue.lose_next_answer((OKXLoss if venue.name == "okx" else Loss)[how])
            placed = limit()
            with pytest.raises(OutcomeUnknown, match="did not answer to an order"):
                await broker.submit(placed)
            found = await broker.find(placed)
            assert (found.order_id, found.state) == (placed.order_id, OrderState.WORKING)
            assert found.terms == Terms(10.0, 90.0)
            assert venue.requests == 1

    asyncio.run(run())


def test_c7_the_client_order_id_is_ours_and_no_tag_is_added(okx):
    async def run():
        async with listening(okx) as (broker, _):
            await broker.submit(limit("mine"))
            (body,) = okx.bodies()
            assert (body["clOrdId"], body["tag"]) == ("mine".ljust(24, "0"), "")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("exchange", "theirs"),
    [
        ("okx", "m0123456789abcdef0123456"),
        ("kraken", "00000000-0012-3456-789a-bcdef0123456"),
        ("hyperliquid", "0x0000000000123456789abcdef0123456"),
    ],
)
def test_c7_our_id_is_written_as_the_exchange_wants_it_and_read_again(exchange, theirs):
    form, ours = form_of(exchange), "m0123456789abcdef0123456"
    assert form.theirs(ours) == theirs
    assert form.ours(theirs) == ours
    assert form_of("gate").ours(f"t-{ours}") == ours


def test_c8_a_bad_symbol_costs_no_other(venue):
    async def run():
        feed, ears = feed_at(venue, "NOSUCH/USDT", SPOT), Ears()
        async with feeding(feed, ears):
            await until(lambda: SPOT in venue.subscriptions)
            venue.emit(SPOT, 100.0)
            await until(lambda: ears.events)

    asyncio.run(run())


def test_c8_a_subscription_that_is_refused_costs_no_other(okx, monkeypatch):
    """The instrument is listed when the markets are loaded, and refused when it is subscribed to."""
    sockets = okx.simulator._okx.sockets
    knows = sockets._knows
    monkeypatch.setattr(sockets, "_knows", lambda instrument: instrument != "SOL-USDT" and knows(instrument))

    async def run():
        feed, ears = feed_at(okx, "SOL/USDT", SPOT), Ears()
        async with feeding(feed, ears) as running:
            await until(lambda: SPOT in okx.subscriptions)
            for number in range(3):
                happened = okx.emit(SPOT, 100.0 + number)
                await until(lambda happened=happened: ears.events and ears.events[-1].event_time == happened)
            assert not running.done()

    asyncio.run(run())


def test_c9_a_stream_that_answers_no_ping_is_found_dead(venue):
    async def run():
        feed = feed_at(venue, SPOT)
        running = asyncio.create_task(feed.run(Ears()))
        await until(lambda: venue.subscriptions)
        venue.ignore_pings(True)
        with pytest.raises(FeedDisconnected, match="ping-pong"):
            await asyncio.wait_for(running, 60)

    asyncio.run(run())


def test_c9_a_stream_that_answers_pings_and_is_deaf_is_found_out_by_a_request(binance):
    async def run():
        feed, ears = feed_at(binance, SPOT), Ears()
        running = asyncio.create_task(feed.run(ears))
        await until(lambda: binance.subscriptions)
        binance.emit(SPOT, 100.0)
        await until(lambda: ears.events)
        binance.mute_streams(True)
        binance.emit(SPOT, 101.0)
        with pytest.raises(FeedDisconnected, match="tells nothing more of ETH/USDT, which goes on trading"):
            await asyncio.wait_for(running, 60)

    asyncio.run(run())


@pytest.mark.parametrize("data_type", ["trades", "bars", "quotes"])
def test_c9_a_quiet_stream_is_asked_about_and_stays(venue, data_type):
    async def run():
        feed, ears = feed_at(venue, SPOT, data_type=data_type), Ears()
        async with feeding(feed, ears) as running:
            await until(lambda: venue.subscriptions)
            venue.price(SPOT, 100.0)
            await until(lambda: ears.answers >= 2 or running.done())
            assert not running.done(), running

    asyncio.run(run())


def test_c10_more_than_a_thousand_trades_at_once_are_all_heard(venue):
    async def run():
        feed, ears = feed_at(venue, SPOT), Ears()
        async with feeding(feed, ears):
            await until(lambda: venue.subscriptions)
            happened = [venue.emit(SPOT, 100.0) for _ in range(3_000)]  # the feed has no turn meanwhile
            await until(lambda: len(ears.events) == len(happened))
            assert [event.event_time for event in ears.events] == happened
            assert len(feed._exchange.trades[SPOT]) == 0  # and ccxt keeps none of them

    asyncio.run(run())


def test_c11_nothing_piles_up_in_ccxt_while_it_watches(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            feed, told = feed_at(venue, SPOT), Ears()
            async with feeding(feed, told):
                await until(lambda: venue.subscriptions)
                for number in range(200):
                    venue.emit(SPOT, 100.0)
                    if number % 20 == 0:
                        await broker.submit(order(f"a{number}", 1.0))
                await until(lambda: len(told.events) >= 200 and len(ears.booked) == 10)
                clients = [*feed._exchange.clients.values(), *broker._session.exchange.clients.values()]
                assert sum(len(client.futures) for client in clients) <= 4
                exchange = broker._session.exchange
                assert not list(exchange.orders)
                assert not list(exchange.myTrades)

    asyncio.run(run())


def test_c12_a_close_leaves_nothing_open(venue):
    async def run():
        async with listening(venue) as (broker, _), feeding(feed_at(venue, SPOT), Ears()):
            await until(lambda: venue.subscriptions)
            assert venue.connections >= 2
        await broker.close()
        await until(lambda: venue.connections == 0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait_for(asyncio.gather(*others, return_exceptions=True), 60)

    asyncio.run(run())


def test_c13_a_quantity_is_cut_and_a_price_put_on_the_grid(venue):
    async def run():
        async with listening(venue) as (broker, _):
            await broker.submit(limit(quantity=1.99999999, price=90.126))
            (placed,) = venue.orders()
            assert (placed.quantity, placed.limit_price) in {(1.999999, 90.13), (1.9999, 90.13)}

    asyncio.run(run())


def test_a_market_purchase_is_for_coins_and_contracts_are_counted_in_coins(okx):
    async def run():
        async with listening(okx) as (broker, ears):
            okx.price(SPOT, 100.0)
            okx.price(SWAP, 100.0)
            await broker.submit(order("spot", 2.0))
            await broker.submit(order("swap", 2.0, symbol=SWAP))
            await until(lambda: len(ears.booked) == 2)
            assert [fill.quantity for fill in ears.booked.values()] == [2.0, 2.0]
            assert {body["instId"]: body["sz"] for body in okx.bodies()} == {"ETH-USDT": "2", "ETH-USDT-SWAP": "20"}
            held = {each.symbol: each.quantity for each in (await broker.snapshot(0)).positions}
            assert held == {SPOT: 2.0, SWAP: 2.0}

    asyncio.run(run())


def test_margin_is_borrowed_money():
    async def run():
        with okx() as simulator:
            venue = Unified(simulator)
            async with listening(venue, products=("margin",)) as (broker, ears):
                await broker.submit(limit("lend", 2.0, 110.0, side=OrderSide.BUY))
                await until(lambda: ears.fills)
                (body,) = venue.bodies()
                assert (body["tdMode"], body["instType"]) == ("cross", "MARGIN")

    asyncio.run(run())


def test_no_key_is_in_a_repr_nor_in_what_ccxt_logs(venue, caplog):
    caplog.set_level(logging.DEBUG)

    async def run():
        async with listening(venue) as (broker, _):
            assert not any(key in repr(broker) + repr(broker._config) for key in venue.keys)
        with pytest.raises(Exception, match="refuses") as refused:
            await broker_at(venue, secret_key=WRONG).connect()
        assert WRONG not in str(refused.value)
        assert "signature" not in str(refused.value)

    asyncio.run(run())
    assert not any(key in caplog.text for key in (*venue.keys, WRONG))


def test_an_exchange_without_a_websocket_is_polled(binance, monkeypatch):
    def without(config):
        exchange = made(config)
        exchange.has = {**exchange.has, **dict.fromkeys(("watchTrades", "watchOHLCV", "watchBidsAsks", "watchTicker"), False)}
        return exchange

    monkeypatch.setattr("ml4t_live_crypto.feed.made", without)

    async def run():
        binance.emit(SPOT, 99.0)
        for data_type in ("trades", "quotes"):
            feed, ears = feed_at(binance, SPOT, data_type=data_type, poll_seconds=0.05), Ears()
            async with feeding(feed, ears):
                # The first answer says where new ones begin.
                await until(lambda feed=feed, ears=ears: feed._trades[SPOT].ids or ears.events)
                happened = [binance.emit(SPOT, 100.0 + number) for number in range(3)]
                if data_type == "trades":
                    await until(lambda ears=ears: [each.event_time for each in ears.events] == happened)  # noqa: B023
                else:
                    await until(lambda ears=ears: ears.events and ears.events[-1].mid == 102.0)
            assert not binance.connections

    asyncio.run(run())


def test_every_exchange_of_ccxts_can_be_a_feed():
    from ml4t_live_crypto.sdk import async_support

    for exchange in async_support.exchanges:
        CryptoFeed(CryptoFeedConfig(exchange=exchange, symbols=["BTC/USDT"]))
