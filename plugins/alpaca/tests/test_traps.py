"""The traps of Alpaca's protocol and of its SDK, each by its number in the study that found them."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from alpaca_kit import Ears, feeding, limit, listening, order, until

from ml4t.live.errors import BrokerConnectionError, BrokerRefused, FeedDisconnected, FeedRefused, OutcomeUnknown
from ml4t.live.model import OrderState
from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance.beside import Beside
from ml4t_live_alpaca.rest import THREADS
from ml4t_live_alpaca.rig import WRONG, broker_at, feed_at
from ml4t_live_alpaca.simulator.faults import Loss

MINUTE = 60 * 10**9


def bar(symbol, when, price):
    return {"T": "b", "S": symbol, "o": price, "h": price, "l": price, "c": price, "v": 1.0, "t": when, "n": 1, "vw": price}


def test_a1_rest_is_off_the_loop_and_bounded_in_time(venue):
    async def run():
        async with listening(venue) as (broker, _):
            venue.delay(30.0)
            async with Beside() as beside:
                with pytest.raises(BrokerConnectionError, match="time-out"):
                    await broker.snapshot(0)
            assert beside.longest < 1.0, "the loop stood still while a request waited"

    asyncio.run(run())


def test_a1_threads_come_free_when_nobody_waits_for_them_any_more(venue):
    async def run():
        async with listening(venue) as (broker, _):
            venue.delay(30.0)
            asked = await asyncio.gather(*(broker.snapshot(0) for _ in range(2 * THREADS)), return_exceptions=True)
            assert {type(each) for each in asked} == {BrokerConnectionError}
            venue.delay(0.0)
            for _ in range(20):  # the last of them began a little before it was given up
                with contextlib.suppress(BrokerConnectionError):
                    return await broker.snapshot(0)
            raise AssertionError("every thread still waits for an answer")

    asyncio.run(run())


@pytest.mark.parametrize("status", [504, 500, 503])
def test_a2_an_order_is_sent_once_when_the_gateway_gives_up(venue, status, monkeypatch):
    monkeypatch.setattr("alpaca.common.rest.DEFAULT_RETRY_WAIT_SECONDS", 0)  # before it sends a request again

    async def run():
        async with listening(venue) as (broker, _):
            venue.answer_next(status, {"message": "try later"}, method="POST")
            with pytest.raises(OutcomeUnknown):
                await broker.submit(order())
            assert venue.requests == 1

    asyncio.run(run())


def test_a2_a_duplicate_is_the_order_that_is_there(venue):
    async def run():
        async with listening(venue) as (broker, _):
            venue.lose_next_answer(Loss.GATEWAY)
            with pytest.raises(OutcomeUnknown):
                await broker.submit(limit())
            there = venue.orders()[0].venue_order_id
            assert await broker.submit(limit()) == there
            assert len(venue.orders()) == 1

    asyncio.run(run())


def test_a3_a_wrong_key_is_refused_at_once(venue):
    async def run():
        async with Beside() as beside:
            with pytest.raises(BrokerRefused, match=r"check api_key and secret_key.*paper account"):
                await broker_at(venue, secret_key=WRONG).connect()
            with pytest.raises(FeedRefused, match="check api_key and secret_key"):
                await feed_at(venue, "AAPL", secret_key=WRONG).run(Ears())
        assert beside.lasted < 5.0

    asyncio.run(run())


def test_a3_a_key_that_only_the_stream_refuses_is_refused_at_once(venue):
    async def run():
        venue.answer_next(200, {"account_number": "PA1", "status": "ACTIVE"}, path="/v2/account")
        with pytest.raises(BrokerRefused):
            await broker_at(venue, secret_key=WRONG).connect()
        venue.answer_next(200, {"status": "active"}, path="/v2/assets")
        with pytest.raises(FeedRefused, match=r"auth failed \(402\): check api_key"):
            await feed_at(venue, "AAPL", secret_key=WRONG).run(Ears())

    asyncio.run(run())


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (405, FeedRefused, "fewer symbols"),
        (406, FeedDisconnected, "another connection with this key is open"),
        (407, FeedDisconnected, "read too slowly"),
        (409, FeedRefused, "feed = 'iex'"),
        (410, FeedRefused, "no such data"),
        (500, FeedDisconnected, "went wrong at Alpaca"),
    ],
)
def test_a4_an_error_after_the_login_ends_the_feed(venue, code, error, words):
    async def run():
        venue.refuse_subscriptions(code)
        with pytest.raises(error, match=words):
            await feed_at(venue, "AAPL").run(Ears())

    asyncio.run(run())


def test_a5_a_message_that_cannot_be_read_costs_none_of_its_frame(venue):
    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, "AAPL"), ears) as running:
            await until(lambda: venue.subscriptions)
            broken = bar("AAPL", 2 * MINUTE, 1.0)
            del broken["c"]
            venue.push(bar("AAPL", MINUTE, 1.0), broken, bar("AAPL", 3 * MINUTE, 3.0))
            await until(lambda: len(ears.events) == 2)
            assert [event.event_time for event in ears.events] == [MINUTE, 3 * MINUTE]
            assert not running.done()

    asyncio.run(run())


def test_a6_symbols_are_added_on_the_streams_own_loop(venue):
    async def run():
        first, second = Ears(), Ears()
        async with feeding(feed_at(venue, "AAPL", silence_seconds=60.0), first):
            await until(lambda: venue.subscriptions == {"AAPL"})
            async with feeding(feed_at(venue, "MSFT", "AAPL"), second):
                await until(lambda: venue.subscriptions == {"AAPL", "MSFT"})
                for symbol in ("AAPL", "MSFT"):
                    venue.emit(symbol, 100.0)
                await until(lambda: len(first.events) == 1 and len(second.events) == 2)
            await until(lambda: venue.subscriptions == {"AAPL"})
            venue.emit("AAPL", 101.0)
            await until(lambda: len(first.events) == 2)
            assert venue.connections == 1

    asyncio.run(run())


@pytest.mark.parametrize("reset", [False, True])
def test_a7_a_lost_stream_is_told_of_and_not_mended_in_silence(venue, reset):
    async def run():
        broker, ears = broker_at(venue), Ears()
        await broker.connect()
        streams = [asyncio.create_task(each) for each in (broker.run(ears), feed_at(venue, "AAPL").run(ears))]
        await until(lambda: venue.connections == 2)
        venue.drop(reset=reset)
        with pytest.raises(BrokerConnectionError):
            await asyncio.wait_for(streams[0], 60)
        with pytest.raises(FeedDisconnected):
            await asyncio.wait_for(streams[1], 60)
        assert venue.connections == 0
        await broker.close()

    asyncio.run(run())


def test_a8_a_mute_stream_that_answers_pings_is_found_dead(venue):
    async def run():
        broker, ears = broker_at(venue), Ears()
        await broker.connect()
        streams = [asyncio.create_task(each) for each in (broker.run(ears), feed_at(venue, "AAPL").run(ears))]
        await until(lambda: venue.connections == 2)
        venue.mute(True)
        with pytest.raises(BrokerConnectionError, match="have said nothing for 1 s, although asked"):
            await asyncio.wait_for(streams[0], 60)
        with pytest.raises(FeedDisconnected, match="have said nothing for 1 s, although asked"):
            await asyncio.wait_for(streams[1], 60)
        venue.mute(False)
        await broker.close()

    asyncio.run(run())


def test_a8_a_quiet_stream_is_asked_and_stays(venue):
    async def run():
        broker, ears = broker_at(venue, silence_seconds=1.0), Ears()
        await broker.connect()
        feed = feed_at(venue, "AAPL", silence_seconds=1.0)
        streams = [asyncio.create_task(each) for each in (broker.run(ears), feed.run(ears))]
        await until(lambda: ears.answers >= 5 or any(stream.done() for stream in streams))
        assert not any(stream.done() for stream in streams), streams
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
        await broker.close()

    asyncio.run(run())


def test_a9_closing_takes_no_five_seconds(venue):
    """Not even when nobody answers the goodbye."""

    async def run():
        with ChaosProxy(venue.address) as proxy:
            host, port = proxy.address
            url = f"http://{host}:{port}"
            broker = broker_at(venue, url=url)
            await broker.connect()
            async with feeding(feed_at(venue, "AAPL", url=url), Ears()):
                await until(lambda: venue.subscriptions)
                proxy.freeze()
                async with Beside() as beside:
                    await broker.close()
            assert beside.lasted < 5.0

    asyncio.run(run())


def test_a10_a_fill_may_come_before_the_answer(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            venue.execute_before_acknowledging()
            placed = order()
            sending = asyncio.create_task(broker.submit(placed))
            await until(lambda: ears.fills)
            assert ears.fills[0].order_id == placed.order_id
            assert await sending == ears.fills[0].venue_order_id
            assert ears.state(placed) is OrderState.FILLED

    asyncio.run(run())


def test_a11_a_cancel_that_comes_too_early_is_asked_again(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = limit()
            await broker.submit(placed)
            for _ in range(2):
                venue.answer_next(422, {"code": 42210000, "message": "order pending"}, method="DELETE")
            await broker.cancel(placed)
            await until(lambda: ears.state(placed) is OrderState.CANCELLED)

    asyncio.run(run())
