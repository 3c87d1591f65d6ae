"""The failure modes of the study's table that can be at OKX, 1 to 14: detected, and recovered from."""

from __future__ import annotations

import asyncio
import time

import pytest
from okx_kit import Ears, feeding, limit, listening, order, until

from ml4t.live.errors import (
    BrokerConnectionError,
    BrokerRefused,
    FeedDisconnected,
    OutcomeUnknown,
)
from ml4t.live.model import OrderState, OrderType
from ml4t_live_okx.rig import broker_at, feed_at, still
from ml4t_live_okx.simulator.faults import Loss

SWAP, SPOT = "ETH-USDT-SWAP", "ETH-USDT"


async def lost(running, error, words):
    with pytest.raises(error, match=words):
        await asyncio.wait_for(running, 60)


def test_1_a_mute_connection_is_asked_and_given_up(venue):
    async def run():
        running = asyncio.create_task(feed_at(venue, SPOT, silence_seconds=0.4).run(Ears()))
        await until(lambda: venue.subscriptions)
        venue.mute(True)
        await lost(running, FeedDisconnected, "OKX's public websocket has said nothing for 0.4 s, although asked")
        venue.mute(False)

    asyncio.run(run())


def test_2_every_subscription_is_made_again_by_the_next_run(venue):
    async def run():
        feed = feed_at(venue, SPOT, SWAP, funding=True)
        for _ in range(2):
            running = asyncio.create_task(feed.run(Ears()))
            await until(lambda: venue.subscriptions == {SPOT, SWAP})
            venue.drop()
            await lost(running, FeedDisconnected, "is lost: closed")
            await until(lambda: not venue.subscriptions)

    asyncio.run(run())


@pytest.mark.parametrize("page", [1, 3, 100])
def test_3_a_hole_is_filled_exactly_though_trades_share_a_millisecond(venue, page):
    async def run():
        happened = [venue.emit(SPOT, 100.0 + number) for number in range(30)]
        assert len({when // 10**6 for when in happened}) < len(happened)
        venue.page_history(page)
        feed = feed_at(venue, SPOT)
        assert [each.event_time for each in await feed.backfill(SPOT, happened[7], happened[23])] == happened[7:23]
        assert [each.event_time for each in await feed.backfill(SPOT, happened[7] + 1, happened[23] + 1)] == happened[8:24]

    asyncio.run(run())


def test_3_bars_that_were_missed_are_complete_ones_only(venue):
    async def run():
        venue.emits = "bars"
        happened = [venue.emit(SPOT, 100.0 + number) for number in range(10)]
        venue.price(SPOT, 200.0)  # a bar that runs now
        venue.page_history(4)
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


def test_4_a_trade_while_the_account_is_read_is_in_the_picture_or_the_picture_is_read_again(venue):
    async def run():
        async with listening(venue) as (broker, _):
            placed = limit()
            await broker.submit(placed)
            venue.execute_after("account/positions", placed.order_id, 4.0, 90.0)
            snapshot = await broker.snapshot(0)
            assert [fill.quantity for fill in snapshot.fills] == [each.quantity for each in snapshot.positions] == [4.0]
            for _ in range(3):
                venue.execute_after("account/balance", placed.order_id, 1.0, 90.0)
            for path in ("trade/orders-pending", "account/config"):
                venue.execute_after(path, placed.order_id, 0.5, 90.0)
            snapshot = await broker.snapshot(0)
            assert sum(fill.quantity for fill in snapshot.fills) == snapshot.positions[0].quantity

    asyncio.run(run())


def test_5_a_storm_of_repeats_and_swaps_counts_every_execution_once(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            venue.disturb(duplicates=0.5, swaps=0.3)
            placed = limit(quantity=30.0)
            await broker.submit(placed)
            names = {venue.execute(placed.order_id, 1.0, 90.0) for _ in range(30)}
            venue.disturb()
            await until(lambda: ears.booked.keys() == names)
            assert sum(fill.quantity for fill in ears.booked.values()) == 30.0

    asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"code": "50004", "msg": "API endpoint request timeout", "data": []}),
        (200, {"code": "1", "msg": "", "data": [{"ordId": "", "clOrdId": "", "sCode": "50026", "sMsg": "System error"}]}),
        (503, {"code": "50001", "msg": "Service temporarily unavailable", "data": []}),
        (502, {"not": "OKX's"}),
    ],
)
def test_6_a_time_out_at_okx_leaves_the_outcome_unknown_and_nothing_is_sent_again(venue, status, body):
    async def run():
        async with listening(venue) as (broker, _):
            venue.answer_next("trade/order", body, status=status)
            with pytest.raises(OutcomeUnknown):
                await broker.submit(limit())
            assert venue.requests == 1

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


def test_8_only_okx_says_that_an_order_has_ended_and_why(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = limit()
            await broker.submit(placed)
            venue.answer_next("trade/cancel-order", {"code": "1", "msg": "", "data": [_failed("51400")]})
            with pytest.raises(BrokerRefused):
                await broker.cancel(placed)
            assert ears.state(placed) is OrderState.WORKING
            venue.cancel_as_venue(placed.order_id, "2")
            await until(lambda: ears.state(placed) is OrderState.CANCELLED)
            assert ears.updates[-1].reason == "a liquidation cancelled it"

    asyncio.run(run())


def test_8_a_cancel_that_is_under_way_is_no_refusal(venue):
    async def run():
        async with listening(venue) as (broker, _):
            placed = limit()
            await broker.submit(placed)
            venue.answer_next("trade/cancel-order", {"code": "1", "msg": "", "data": [_failed("51410")]})
            await broker.cancel(placed)

    asyncio.run(run())


def test_9_an_id_that_is_there_already_is_the_order_that_is_there(venue):
    async def run():
        async with listening(venue) as (broker, _):
            placed = limit()
            there = await broker.submit(placed)
            assert await broker.submit(placed) == there
            assert len(venue.orders()) == 1

    asyncio.run(run())


def test_10_nothing_is_sent_before_the_connection_is_there(venue):
    async def run():
        with pytest.raises(BrokerConnectionError, match="OKX is not connected"):
            await broker_at(venue).submit(limit())
        assert venue.requests == 0

    asyncio.run(run())


def test_11_too_many_connections_are_a_loss_that_is_told(venue):
    async def run():
        with still(connections_per_second=1) as narrow:
            # More than two: on a busy machine each of two may connect in a second of its own.
            running = [asyncio.create_task(feed_at(narrow, SPOT).run(Ears())) for _ in range(10)]
            done, waiting = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED, timeout=60)
            for refused in done:
                assert isinstance(refused.exception(), FeedDisconnected)
                assert "cannot be reached" in str(refused.exception())
            assert done
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(run())


def test_12_a_question_that_comes_too_often_is_asked_again_and_an_order_is_not(venue):
    too_many = {"code": "50011", "msg": "Too Many Requests", "data": []}

    async def run():
        async with listening(venue) as (broker, _):
            venue.answer_next("account/balance", too_many, status=429)
            await broker.snapshot(0)
            await broker.submit(limit("first"))
            venue.answer_next("trade/order", too_many, status=429)
            with pytest.raises(BrokerRefused, match=r"Too Many Requests \(50011\); lower requests_per_second"):
                await broker.submit(limit())
            assert len(venue.orders()) == 1

    asyncio.run(run())


def test_12_the_adapter_keeps_within_its_own_limit():
    async def run():
        with still(requests_per_second=60) as venue:
            async with listening(venue, requests_per_second=50) as (broker, _):
                answers = await asyncio.gather(*(broker.find(limit(f"n{number:02}x")) for number in range(70)))
                assert set(answers) == {None}

    asyncio.run(run())


def test_12_an_order_that_would_wait_for_long_is_refused_because_its_price_is_old(venue, monkeypatch):
    async def run():
        monkeypatch.setattr("ml4t_live_okx.rest.PATIENCE_SECONDS", 0.2)
        async with listening(venue, requests_per_second=50, timeout_seconds=30.0) as (broker, _):
            await broker.submit(limit())
            stops = [order(f"s{number:03}x", 1.0, OrderType.STOP, stop_price=110.0) for number in range(300)]
            outcomes = await asyncio.gather(*(broker.submit(each) for each in stops), return_exceptions=True)
            refused = [each for each in outcomes if not isinstance(each, str)]
            assert all("50 requests in a second are as many as may be sent; send fewer" in str(each) for each in refused)
            assert refused
            assert len(venue.algos()) == len(stops) - len(refused) > 0

    asyncio.run(run())


def test_14_a_burst_is_heard_whole_and_in_order(venue):
    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, SPOT, data_type="all_trades", silence_seconds=10.0), ears):
            await until(lambda: venue.subscriptions)
            happened = [venue.emit(SPOT, 100.0)]
            await until(lambda: ears.events)  # before that it may still wait for an answer, and the loop does not turn now
            happened += [venue.emit(SPOT, 100.0) for _ in range(5_000)]
            await until(lambda: len(ears.events) == len(happened), 30)
            assert [each.event_time for each in ears.events] == happened

    asyncio.run(run())


def test_7_an_amendment_without_an_answer_makes_no_second_order_and_is_found_with_its_terms(venue):
    async def run():
        async with listening(venue) as (broker, _):
            placed = limit()
            await broker.submit(placed)
            venue.lose_next_answer(Loss.ANSWER)
            with pytest.raises(OutcomeUnknown):
                await broker.replace(placed, quantity=12.0, limit_price=91.0, stop_price=None)
            found = await broker.find(placed)
            assert (found.terms.quantity, found.terms.limit_price) == (12.0, 91.0)

    asyncio.run(run())


def test_funding_rates_come_with_the_mark_price(venue):
    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, SWAP, SPOT, funding=True), ears):
            await until(lambda: venue.subscriptions == {SWAP, SPOT})
            venue.price(SWAP, 123.0)
            venue.push_funding(SWAP)
            await until(lambda: len(ears.events) == 2)
            funding = ears.events[-1]
            assert (funding.symbol, funding.rate, funding.mark_price) == (SWAP, 0.0001, 123.0)
            assert funding.event_time < funding.next_time <= funding.event_time + 8 * 3600 * 10**9

    asyncio.run(run())


def test_quotes_are_in_coins_and_have_no_history(venue):
    async def run():
        ears, feed = Ears(), feed_at(venue, SWAP, data_type="quotes")
        async with feeding(feed, ears):
            await until(lambda: venue.subscriptions)
            venue.price(SWAP, 123.0)
            await until(lambda: ears.events)
            quote = ears.events[0]
            assert (quote.bid, quote.ask, quote.bid_size) == (122.99, 123.01, 1.0)
        with pytest.raises(Exception, match="OKX has no history of quotes"):
            await feed.backfill(SWAP, 0, 1)

    asyncio.run(run())


def _failed(code):
    return {"ordId": "", "clOrdId": "", "sCode": code, "sMsg": "said for a test"}
