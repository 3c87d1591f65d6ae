"""The traps of crypto exchanges and of OKX, each by its number in the study that found them: natively none is left open."""

from __future__ import annotations

import asyncio

import pytest
from okx_kit import Ears, feeding, limit, listening, order, until

from ml4t.live.errors import BrokerConnectionError, FeedDisconnected, OutcomeUnknown
from ml4t.live.model import OrderState
from ml4t_live_okx.rig import broker_at, feed_at, still
from ml4t_live_okx.simulator.faults import Loss
from ml4t_live_okx.simulator.sockets import Sockets

SWAP, SPOT, BTC = "ETH-USDT-SWAP", "ETH-USDT", "BTC-USDT"
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
        missed = [venue.emit(SPOT, 101.0 + number) for number in range(250)]
        found = list(await feed.backfill(SPOT, first + 1, missed[-1] + 1))
        assert [trade.event_time for trade in found] == missed
        assert all(trade.backfilled for trade in found)

    asyncio.run(run())


def test_c2_a_bar_is_told_once_when_it_is_complete(venue):
    async def run():
        feed, ears = feed_at(venue, SPOT, data_type="bars"), Ears()
        async with feeding(feed, ears):
            await until(lambda: venue.subscriptions)
            row = [str(29 * MINUTE), "1", "3", "0.5", "2", "10", "20", "20"]
            venue.push("candle1m", SPOT, [*row, "0"])
            venue.push("candle1m", SPOT, [*row, "1"])
            venue.push("candle1m", SPOT, [*row, "1"])
            venue.push("candle1m", SPOT, [str(30 * MINUTE), *row[1:], "1"])
            await until(lambda: len(ears.events) == 2)
            (bar, after) = ears.events
            assert (bar.event_time, bar.interval, bar.complete) == (29 * MINUTE * 10**6, 60 * 10**9, True)
            assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (1.0, 3.0, 0.5, 2.0, 10.0)
            assert after.event_time == bar.end_time

    asyncio.run(run())


def test_c3_every_state_of_an_order_is_told_and_none_changes_afterwards(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = limit()
            await broker.submit(placed)
            venue.execute(placed.order_id, 4.0, 90.0)
            venue.execute(placed.order_id, 6.0, 90.0)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            told = [(update.state, update.filled_quantity) for update in ears.updates]
            assert told == [(OrderState.WORKING, 0.0), (OrderState.PARTIALLY_FILLED, 4.0), (OrderState.FILLED, 10.0)]

    asyncio.run(run())


def test_c4_an_execution_told_twice_has_one_id(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = limit()
            await broker.submit(placed)
            execution = venue.execute(placed.order_id, 4.0, 90.0)
            venue.repeat(execution)
            await until(lambda: len(ears.fills) == 2)
            assert list(ears.booked) == [execution]
            assert list(ears.booked) == [fill.execution_id for fill in (await broker.snapshot(0)).fills]

    asyncio.run(run())


@pytest.mark.parametrize("in_quote", [True, False])
def test_c5_a_fee_that_was_paid_is_positive_and_in_money_on_the_stream_and_in_a_snapshot(in_quote):
    async def run():
        with still(fee=0.001, fee_in_quote=in_quote) as venue:
            async with listening(venue) as (broker, ears):
                await broker.submit(order(symbol=SPOT))
                await until(lambda: ears.fills)
                (again,) = (await broker.snapshot(0)).fills
                assert ears.fills[0].commission == again.commission == pytest.approx(1.0)

    asyncio.run(run())


@pytest.mark.parametrize("how", [Loss.ANSWER, Loss.SILENCE, Loss.GATEWAY])
def test_c6_an_order_without_an_answer_is_unknown_and_found_by_our_id(venue, how):
    async def run():
        async with listening(venue) as (broker, _):
            venue.lose_next_answer(how)
            placed = limit()
            with pytest.raises(OutcomeUnknown):
                await broker.submit(placed)
            assert venue.requests == 1
            found = await broker.find(placed)
            assert (found.order_id, found.state) == (placed.order_id, OrderState.WORKING)

    asyncio.run(run())


def test_c7_the_client_order_id_is_ours_and_no_tag_is_added(venue):
    async def run():
        async with listening(venue) as (broker, _):
            placed = limit()
            await broker.submit(placed)
            assert [(each["clOrdId"], each["tag"]) for each in venue.bodies()] == [(placed.order_id, "")]

    asyncio.run(run())


def test_c8_a_bad_symbol_costs_no_other(venue):
    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, "NOSUCH-USDT", "lower-case", SPOT, "BTC-USDT-200327"), ears):
            await until(lambda: venue.subscriptions == {SPOT})
            venue.emit(SPOT, 100.0)
            await until(lambda: ears.events)

    asyncio.run(run())


def test_c8_a_subscription_that_is_refused_costs_no_other(venue, monkeypatch):
    """The symbol is listed, and its channel refused all the same: 60018 names it, and the others are heard."""
    knows = Sockets._subscribe

    def refuse_one(self, client, arg):
        if arg.get("instId") == BTC:
            self._fail(client, "60018", f"Wrong URL or channel:trades,instId:{BTC} doesn't exist.")
        else:
            knows(self, client, arg)

    monkeypatch.setattr(Sockets, "_subscribe", refuse_one)

    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, BTC, SPOT), ears):
            await until(lambda: venue.subscriptions == {SPOT})
            venue.emit(SPOT, 100.0)
            await until(lambda: ears.events)

    asyncio.run(run())


def test_c9_a_stream_that_answers_no_ping_is_found_dead(venue):
    async def run():
        feed = feed_at(venue, SPOT, silence_seconds=0.4)
        running = asyncio.create_task(feed.run(Ears()))
        await until(lambda: venue.subscriptions)
        venue.ignore_pings(True)
        venue.mute(True)
        with pytest.raises(FeedDisconnected, match=r"has said nothing for 0.4 s, although asked"):
            await asyncio.wait_for(running, 60)
        venue.mute(False)

    asyncio.run(run())


def test_c9_a_stream_that_answers_pings_and_is_mute_is_found_dead(venue):
    async def run():
        broker = broker_at(venue)
        await broker.connect()
        feed = asyncio.create_task(feed_at(venue, SPOT).run(Ears()))
        stream = asyncio.create_task(broker.run(Ears()))
        await until(lambda: venue.connections == 3 and venue.subscriptions)
        venue.mute(True)
        with pytest.raises(FeedDisconnected, match="although asked"):
            await asyncio.wait_for(feed, 60)
        with pytest.raises(BrokerConnectionError, match="although asked"):
            await asyncio.wait_for(stream, 60)
        venue.mute(False)
        await broker.close()

    asyncio.run(run())


def test_c9_a_quiet_stream_is_asked_and_stays(venue):
    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, SPOT, silence_seconds=1.0), ears) as running:
            await until(lambda: ears.answers >= 3 or running.done())
            assert not running.done(), running

    asyncio.run(run())


def test_c10_more_than_a_thousand_trades_at_once_are_all_heard(venue):
    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, SPOT, silence_seconds=10.0), ears):
            await until(lambda: venue.subscriptions)
            happened = [venue.emit(SPOT, 100.0)]
            await until(lambda: ears.events)
            happened += [venue.emit(SPOT, 100.0 + number % 7) for number in range(3_000)]  # the loop does not turn meanwhile
            await until(lambda: len(ears.events) == len(happened), 30)
            assert [trade.event_time for trade in ears.events] == happened

    asyncio.run(run())


def test_c11_connections_leave_no_task_behind(venue):
    async def run():
        before = len(asyncio.all_tasks())
        for _ in range(5):
            async with listening(venue), feeding(feed_at(venue, SPOT), Ears()):
                await until(lambda: venue.subscriptions)
        assert len(asyncio.all_tasks()) == before

    asyncio.run(run())


def test_c12_a_close_leaves_nothing_open(venue):
    async def run():
        async with listening(venue):
            assert venue.connections == 2
        await until(lambda: venue.connections == 0)

    asyncio.run(run())


def test_c13_a_quantity_is_cut_and_never_rounded_up(venue):
    async def run():
        async with listening(venue) as (broker, _):
            await broker.submit(limit("a", 1.2399, 90.004, symbol=SWAP))
            await broker.submit(limit("b", 0.1234567, 90.006, symbol=SPOT))
            assert [(each["sz"], each["px"]) for each in venue.bodies()] == [("12.39", "90"), ("0.123456", "90.01")]

    asyncio.run(run())
