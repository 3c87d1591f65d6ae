"""The failure modes of vendors, each by its number in the study that found them, and what exchanges refuse."""

from __future__ import annotations

import asyncio
import time

import pytest
from crypto_kit import Ears, feeding, limit, listening, order, until

from ml4t.live.errors import (
    UNAUTHORIZED,
    UNKNOWN_SYMBOL,
    BrokerConnectionError,
    BrokerRefused,
    FeedDisconnected,
    FeedRefused,
    LiveError,
    OutcomeUnknown,
)
from ml4t.live.model import OrderState, OrderType
from ml4t_live_crypto.exchange import made, prepare
from ml4t_live_crypto.rig import WRONG, broker_at, feed_at

SPOT = "ETH/USDT"
BINANCE = {
    "maintenance": (503, "<html>maintenance</html>", "cannot be reached or is overloaded"),
    "a rate limit": (429, {"code": -1003, "msg": "Too much request weight used."}, "lower requests_per_second"),
    "a ban": (418, {"code": -1003, "msg": "Way too much request weight used; IP banned."}, "lower requests_per_second"),
    "a gateway that fails": (502, "Bad Gateway", "cannot be reached or is overloaded"),
}


def test_1_a_deaf_stream_of_the_account_is_found_out_by_a_request(binance):
    async def run():
        broker, ears = broker_at(binance), Ears()
        await broker.connect()
        reader, looks = broker._session.reader, []
        read = reader.fills

        async def fills(since):
            looks.append(since)
            return await read(since)

        reader.fills = fills
        stream = asyncio.create_task(broker.run(ears))
        placed = limit()
        await broker.submit(placed)
        await until(lambda: ears.state(placed) is OrderState.WORKING)
        before = len(looks)
        await until(lambda: len(looks) >= before + 3)  # nothing has been heard for one whole silence at least
        binance.mute_streams(True)
        name = binance.execute(placed.order_id, 4.0, 90.0)
        with pytest.raises(BrokerConnectionError, match="tells nothing more of the account, which goes on trading"):
            await asyncio.wait_for(stream, 60)
        assert list(ears.booked) == [name]
        await broker.close()

    asyncio.run(run())


def test_3_bars_that_were_missed_are_complete_ones_only(venue):
    async def run():
        venue.simulator.emits = "bars"
        happened = [venue.emit(SPOT, 100.0 + number) for number in range(250)]
        venue.price(SPOT, 200.0)  # a bar that runs now
        feed = feed_at(venue, SPOT, data_type="bars")
        found = list(await feed.backfill(SPOT, happened[2], time.time_ns()))
        assert [each.event_time for each in found] == happened[2:]
        assert all(each.complete and each.backfilled for each in found)

    asyncio.run(run())


def test_4_what_traded_while_away_is_in_the_next_snapshot(venue):
    async def run():
        async with listening(venue) as (broker, _):
            placed = limit()
            await broker.submit(placed)
        venue.execute(placed.order_id, 4.0, 90.0)
        broker = broker_at(venue)
        snapshot = await broker.connect()
        assert [(fill.order_id, fill.quantity) for fill in snapshot.fills] == [(placed.order_id, 4.0)]
        assert [(each.order_id, each.filled_quantity) for each in snapshot.orders] == [(placed.order_id, 4.0)]
        await broker.close()

    asyncio.run(run())


@pytest.mark.parametrize("again", ["a new process", "a new line"])
def test_4_whose_executions_those_of_a_day_are_is_not_asked_one_by_one(venue, monkeypatch, again):
    asked = []

    def counting(config):
        exchange = made(config)
        fetch_order = exchange.fetch_order

        async def counted(*arguments):
            asked.append(arguments)
            return await fetch_order(*arguments)

        exchange.fetch_order = counted
        return exchange

    async def run():
        ours = [order(f"o{number:02}", 1.0) for number in range(30)]
        async with listening(venue) as (broker, ears):
            for each in ours:
                await broker.submit(each)
            await until(lambda: len(ears.booked) == len(ours))
        venue.page_history(7)
        monkeypatch.setattr("ml4t_live_crypto.broker.made", counting)
        after = broker if again == "a new line" else broker_at(venue, symbols=[SPOT])
        snapshot = await after.connect()
        await after.close()
        assert [fill.order_id for fill in snapshot.fills] == [each.order_id for each in ours]
        # Orders of one millisecond at the border of a page are not in the history that is read: those few are asked about.
        assert len(asked) < len(ours) / 4

    asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, {"code": -1007, "msg": "Timeout waiting for response from backend server. Send status unknown."}),
        (400, {"code": -1006, "msg": "An unexpected response was received from the message bus. Execution status unknown."}),
        (504, "gateway timeout"),
        (502, "bad gateway"),
    ],
)
def test_6_what_binance_is_not_sure_of_leaves_the_outcome_unknown_and_nothing_is_sent_again(binance, status, body):
    async def run():
        async with listening(binance) as (broker, _):
            binance.answer_next("order", body, status=status)
            with pytest.raises(OutcomeUnknown):
                await broker.submit(limit())
            assert binance.requests == 1

    asyncio.run(run())


def test_6_an_order_that_never_arrived_is_not_found(venue):
    async def run():
        async with listening(venue) as (broker, _):
            venue.lose_next_request()
            placed = limit()
            with pytest.raises(OutcomeUnknown):
                await broker.submit(placed)
            assert await broker.find(placed) is None

    asyncio.run(run())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"code": -2010, "msg": "Account has insufficient balance for requested action."}, "insufficient balance"),
        ({"code": -1013, "msg": "Filter failure: NOTIONAL"}, "NOTIONAL"),
        ({"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}, "set it \\(NTP\\)"),
        ({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, "lower requests"),  # after a success
        ({"code": -1003, "msg": "Too many new orders."}, "lower requests_per_second"),
    ],
)
def test_8_what_binance_refuses_is_refused_with_its_words(binance, body, words):
    async def run():
        async with listening(binance) as (broker, _):
            binance.answer_next("order", body, status=429 if body["code"] == -1003 else 400)
            with pytest.raises(BrokerRefused, match=words):
                await broker.submit(limit())

    asyncio.run(run())


def test_8_a_cancel_of_an_order_that_has_ended_is_refused(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = order(quantity=1.0)
            await broker.submit(placed)
            await until(lambda: ears.fills)
            with pytest.raises(BrokerRefused) as refused:
                await broker.cancel(placed)
            assert refused.value.code == "OrderNotFound"

    asyncio.run(run())


def test_10_nothing_is_sent_before_the_connection_is_there(venue):
    async def run():
        with pytest.raises(BrokerConnectionError, match="is not connected"):
            await broker_at(venue).submit(limit())
        assert not venue.requests

    asyncio.run(run())


@pytest.mark.parametrize("name", BINANCE)
def test_12_what_passes_is_a_loss_that_says_what_to_do(binance, name):
    status, body, words = BINANCE[name]

    async def run():
        binance.answer_next("", body, status=status, stays=True)
        with pytest.raises(BrokerConnectionError, match=words):
            await asyncio.wait_for(broker_at(binance).connect(), 60)
        with pytest.raises(FeedDisconnected, match=words):
            await asyncio.wait_for(feed_at(binance, SPOT).run(Ears()), 60)

    asyncio.run(run())


def test_15_the_notice_of_an_upgrade_loses_nothing(okx):
    async def run():
        feed, ears = feed_at(okx, SPOT), Ears()
        running = asyncio.create_task(feed.run(ears))
        await until(lambda: okx.subscriptions)
        okx.announce_upgrade()
        with pytest.raises(FeedDisconnected):
            await asyncio.wait_for(running, 60)
        missed = [okx.emit(SPOT, 100.0 + number) for number in range(3)]
        assert [each.event_time for each in await feed.backfill(SPOT, missed[0], missed[-1] + 1)] == missed

    asyncio.run(run())


def test_17_what_does_not_trade_any_more_is_named_and_refused(binance):
    async def run():
        with pytest.raises(FeedRefused, match="LUNA/USDT does not trade: binance lists it as not active") as refused:
            await feed_at(binance, "LUNA/USDT").run(Ears())
        assert refused.value.code == UNKNOWN_SYMBOL
        async with listening(binance) as (broker, _):
            with pytest.raises(BrokerRefused, match="does not trade"):
                await broker.submit(limit(symbol="LUNA/USDT"))
            with pytest.raises(BrokerRefused, match="does not know NOSUCH/USDT"):
                await broker.submit(limit(symbol="NOSUCH/USDT"))

    asyncio.run(run())


def test_17_an_unknown_symbol_is_refused_when_there_is_no_other(venue):
    async def run():
        with pytest.raises(FeedRefused, match="knows none of NOSUCH/USDT; write spot as BTC/USDT") as refused:
            await feed_at(venue, "NOSUCH/USDT").run(Ears())
        assert refused.value.code == UNKNOWN_SYMBOL

    asyncio.run(run())


@pytest.mark.parametrize("wrong", ["api_key", "secret_key"])
def test_21_a_wrong_key_is_refused_by_the_first_request(venue, wrong):
    async def run():
        with pytest.raises(BrokerRefused) as refused:
            await asyncio.wait_for(broker_at(venue, **{wrong: WRONG}).connect(), 60)
        assert refused.value.code == UNAUTHORIZED

    asyncio.run(run())


def test_21_a_missing_key_is_named(venue, monkeypatch):
    monkeypatch.delenv("BINANCE_SECRET_KEY", raising=False)

    async def run():
        with pytest.raises(BrokerRefused, match="wants secret_key") as refused:
            await broker_at(venue, secret_key=None).connect()
        assert refused.value.code == UNAUTHORIZED

    asyncio.run(run())


def test_22_a_part_of_the_account_that_cannot_be_had_is_no_snapshot(binance):
    async def run():
        async with listening(binance) as (broker, _):
            for path in ("account", "openOrders", "myTrades"):
                await broker.find(limit())  # so that there is a symbol to ask about
                binance.answer_next(path, {"code": -1000, "msg": "An unknown error occurred."}, stays=True)
                with pytest.raises(BrokerConnectionError):
                    await broker.snapshot(0)
                binance.answer_again()
            await broker.snapshot(0)

    asyncio.run(run())


@pytest.mark.parametrize(("seconds", "side"), [(40, "behind"), (-40, "ahead of")])
def test_24_a_clock_that_is_forty_seconds_wrong_is_told_of_and_nothing_runs(venue, seconds, side):
    async def run():
        venue.skew_clock(seconds)
        with pytest.raises(BrokerConnectionError, match=rf"s {side} {venue.name}'s; set it \(NTP\)"):
            await asyncio.wait_for(broker_at(venue).connect(), 60)
        with pytest.raises(FeedDisconnected, match=r"set it \(NTP\)"):
            await asyncio.wait_for(feed_at(venue, SPOT).run(Ears()), 60)

    asyncio.run(run())


def test_a_stop_waits_for_its_price_where_it_is_an_order_like_others(binance):
    async def run():
        async with listening(binance) as (broker, ears):
            assert OrderType.STOP in broker.capabilities.order_types
            stop = order("stop", 1.0, OrderType.STOP, stop_price=105.0)
            await broker.submit(stop)
            (there,) = (await broker.snapshot(0)).orders
            assert (there.order_type, there.stop_price, there.order_id) == (OrderType.STOP, 105.0, stop.order_id)
            binance.price(SPOT, 106.0)
            await until(lambda: ears.fills)

    asyncio.run(run())


def test_funding_rates_and_quotes(okx):
    async def run():
        feed, ears = feed_at(okx, "ETH/USDT:USDT", data_type="quotes", funding=True), Ears()
        async with feeding(feed, ears):

            def both_are_told():
                okx.price("ETH/USDT:USDT", 100.0)  # again and again: the two subscriptions do not begin at once
                okx.push_funding("ETH-USDT-SWAP")
                return {type(each).__name__ for each in ears.events} == {"Quote", "Funding"}

            await until(both_are_told)
            quote = next(each for each in ears.events if type(each).__name__ == "Quote")
            assert (quote.bid, quote.ask, quote.bid_size) == (99.99, 100.01, 1.0)
            with pytest.raises(LiveError, match="no history of quotes"):
                await feed.backfill("ETH/USDT:USDT", 0, 1)

    asyncio.run(run())


def test_3_what_happened_after_a_hole_was_filled_and_before_the_subscription_told_anything_is_fetched(binance):
    async def run():
        feed, ears = feed_at(binance, SPOT, silence_seconds=30.0), Ears()
        async with feeding(feed, ears):
            await until(lambda: binance.subscriptions)
            before = binance.emit("SOL/USDT", 100.0)
            await feed.backfill(SPOT, before, before + 1)
            binance.mute_streams(True)
            missed = [binance.emit(SPOT, 100.0 + number) for number in range(3)]
            binance.mute_streams(False)
            happened = [*missed, binance.emit(SPOT, 104.0)]
            await until(lambda: len(ears.events) >= 4)
            assert [each.event_time for each in ears.events] == happened
            assert [each.backfilled for each in ears.events] == [True, True, True, False]

    asyncio.run(run())


def test_3_a_hole_that_is_filled_while_the_feed_still_connects_is_joined_without_another(binance, monkeypatch):
    """The engine does not wait for a feed that takes long to come back, and fills the hole up to then."""
    connecting, may_connect = asyncio.Event(), asyncio.Event()

    async def held(exchange):
        if not connecting.is_set():
            connecting.set()
            await may_connect.wait()
        await prepare(exchange)

    monkeypatch.setattr("ml4t_live_crypto.feed.prepare", held)

    async def run():
        feed, ears = feed_at(binance, SPOT, silence_seconds=30.0), Ears()
        async with feeding(feed, ears):
            await connecting.wait()
            first = binance.emit(SPOT, 100.0)
            assert [each.event_time for each in await feed.backfill(SPOT, first, first + 1)] == [first]
            missed = [binance.emit(SPOT, 101.0 + number) for number in range(3)]
            may_connect.set()
            await until(lambda: binance.subscriptions)
            happened = [*missed, binance.emit(SPOT, 105.0)]
            await until(lambda: len(ears.events) >= 4)
            assert [each.event_time for each in ears.events] == happened

    asyncio.run(run())
