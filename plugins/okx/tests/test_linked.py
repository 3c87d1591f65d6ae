"""Brackets: an entry with its exits is one request to OKX, and three orders of ours."""

from __future__ import annotations

import asyncio

import pytest
from okx_kit import bracket, listening, states, until

from ml4t.live.errors import BrokerRefused, OutcomeUnknown
from ml4t.live.model import OrderSide, OrderState, OrderType, Terms, TimeInForce
from ml4t_live_okx.pairs import pair_id
from ml4t_live_okx.rig import broker_at, still
from ml4t_live_okx.simulator.faults import Loss

SWAP, SPOT = "ETH-USDT-SWAP", "ETH-USDT"
WORKING, CANCELLED, FILLED = OrderState.WORKING, OrderState.CANCELLED, OrderState.FILLED


def test_the_exits_of_a_bracket_go_to_okx_with_its_entry(venue):
    async def run():
        async with listening(venue) as (broker, _):
            entry, target, stop = bracket()
            ids = await broker.submit_bracket(entry, target, stop)
            assert len(set(ids)) == 3
            assert venue.requests == 1
            (body,) = venue.bodies()
            assert body["ordId"] == ids[0]
            (exits,) = body["attachAlgoOrds"]
            assert exits == {
                "attachAlgoClOrdId": pair_id(target.order_id, stop.order_id),
                "tpOrdKind": "limit",
                "tpOrdPx": "110",
                "slTriggerPx": "80",
                "slTriggerPxType": "last",
                "slOrdPx": "-1",
            }
            shown = {each.order_id: each for each in (await broker.snapshot(0)).orders}
            assert shown.keys() == {entry.order_id, target.order_id, stop.order_id}
            for each in (target, stop):
                there = shown[each.order_id]
                assert (there.order_type, there.side, there.terms, there.parent_id) == (
                    each.order_type,
                    each.side,
                    each.terms,
                    entry.order_id,
                )

    asyncio.run(run())


def test_the_exits_rest_when_the_entry_has_traded_and_the_stop_stays_until_the_other_has(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            entry, target, stop = bracket()
            await broker.submit_bracket(entry, target, stop)
            venue.price(SWAP, 90.0)
            await until(lambda: ears.state(target) is WORKING and ears.state(stop) is WORKING)
            venue.hold(True)
            venue.execute(target.order_id, 4.0, 110.0)
            await until(lambda: ears.updates[-1].terms == Terms(6.0, None, 80.0))
            assert await states(broker, entry, target, stop) == [FILLED, OrderState.PARTIALLY_FILLED, WORKING]
            venue.execute(target.order_id, 6.0, 110.0)
            await until(lambda: ears.state(target) is FILLED and ears.state(stop) is CANCELLED)
            assert [fill.order_id for fill in ears.booked.values()] == [entry.order_id, target.order_id, target.order_id]
            assert venue.positions() == {}

    asyncio.run(run())


def test_a_stop_that_is_reached_takes_the_limit_order_away_and_trades_what_is_left(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            entry, target, stop = bracket()
            await broker.submit_bracket(entry, target, stop)
            venue.price(SWAP, 90.0)
            await until(lambda: ears.state(stop) is WORKING)
            venue.hold(True)
            venue.execute(target.order_id, 4.0, 110.0)
            venue.hold(False)
            venue.price(SWAP, 79.0)
            ended = {(stop.order_id, FILLED), (target.order_id, CANCELLED)}
            await until(lambda: ended <= {(each.order_id, each.state) for each in ears.updates})
            sold = [(fill.order_id, fill.quantity) for fill in ears.booked.values() if fill.side is OrderSide.SELL]
            assert sold == [(target.order_id, 4.0), (stop.order_id, 6.0)]
            assert venue.positions() == {}

    asyncio.run(run())


def test_the_exits_are_for_what_the_entry_has_traded_when_its_rest_is_cancelled(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            entry, target, stop = bracket()
            await broker.submit_bracket(entry, target, stop)
            venue.hold(True)
            venue.execute(entry.order_id, 3.0, 90.0)
            await broker.cancel(entry)
            await until(lambda: ears.state(target) is WORKING and ears.state(stop) is WORKING)
            told = {update.order_id: update.terms for update in ears.updates if update.terms is not None}
            assert told == {target.order_id: Terms(3.0, 110.0), stop.order_id: Terms(3.0, None, 80.0)}

    asyncio.run(run())


def test_an_entry_that_is_cancelled_takes_its_exits_with_it_for_whoever_asks_too(venue):
    async def run():
        entry, target, stop = bracket()
        async with listening(venue) as (broker, ears):
            await broker.submit_bracket(entry, target, stop)
            await broker.cancel(entry)
            await until(lambda: [ears.state(each) for each in (entry, target, stop)] == [CANCELLED] * 3)
        async with listening(venue) as (broker, _):
            assert await states(broker, entry, target, stop) == [CANCELLED] * 3
            assert (await broker.snapshot(0)).orders == []

    asyncio.run(run())


@pytest.mark.parametrize("how", [Loss.ANSWER, Loss.SILENCE, Loss.GATEWAY])
def test_a_bracket_without_an_answer_is_unknown_and_each_of_its_orders_found(venue, how):
    async def run():
        entry, target, stop = bracket()
        async with listening(venue) as (broker, _):
            venue.lose_next_answer(how)
            with pytest.raises(OutcomeUnknown):
                await broker.submit_bracket(entry, target, stop)
            assert venue.requests == 1
        async with listening(venue) as (broker, _):  # another process, which remembers nothing
            assert await states(broker, stop, target, entry) == [WORKING] * 3
            assert (await broker.submit_bracket(entry, target, stop))[0] == venue.bodies()[0]["ordId"]
            assert len(venue.bodies()) == 1

    asyncio.run(run())


def test_a_bracket_that_never_arrived_is_not_found(venue):
    async def run():
        async with listening(venue) as (broker, _):
            venue.lose_next_request()
            with pytest.raises(OutcomeUnknown):
                await broker.submit_bracket(*bracket())
            assert await states(broker, *bracket()) == [None] * 3

    asyncio.run(run())


@pytest.mark.parametrize(("price", "ends"), [(111.0, [FILLED, CANCELLED]), (79.0, [CANCELLED, FILLED])])
def test_what_the_exits_trade_while_away_is_theirs_in_the_next_snapshot(venue, price, ends):
    async def run():
        entry, target, stop = bracket()
        async with listening(venue) as (broker, _):
            await broker.submit_bracket(entry, target, stop)
        venue.price(SWAP, 90.0)
        venue.price(SWAP, price)
        async with listening(venue) as (broker, _):
            traded = (target, stop)[ends.index(FILLED)]
            snapshot = await broker.snapshot(0)
            assert [fill.order_id for fill in snapshot.fills] == [entry.order_id, traded.order_id]
            assert snapshot.orders == []
            assert await states(broker, entry, target, stop) == [FILLED, *ends]

    asyncio.run(run())


@pytest.mark.parametrize("price", [111.0, 79.0])
def test_another_connection_hears_of_the_exits_by_our_ids(venue, price):
    async def run():
        entry, target, stop = bracket()
        async with listening(venue) as (broker, _):
            await broker.submit_bracket(entry, target, stop)
            venue.price(SWAP, 90.0)
        async with listening(venue) as (broker, ears):
            shown = {each.order_id: each.terms for each in (await broker.snapshot(0)).orders}
            assert shown == {target.order_id: target.terms, stop.order_id: stop.terms}
            venue.price(SWAP, price)
            await until(lambda: ears.state(target) is not WORKING and ears.state(stop) is not WORKING)
            await until(lambda: {ears.state(target), ears.state(stop)} == {FILLED, CANCELLED})
            assert [fill.order_id for fill in ears.booked.values()] == [(target if price > 100 else stop).order_id]

    asyncio.run(run())


def test_an_exit_is_cancelled_and_changed_once_it_is_made_and_not_before(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            entry, target, stop = bracket()
            await broker.submit_bracket(entry, target, stop)
            for each in (target, stop):
                with pytest.raises(BrokerRefused, match="an exit is cancelled at OKX once its entry has traded; until then"):
                    await broker.cancel(each)
                with pytest.raises(BrokerRefused, match="an exit is changed at OKX once its entry has traded"):
                    await broker.replace(each, quantity=5.0, limit_price=each.limit_price, stop_price=each.stop_price)
            venue.price(SWAP, 90.0)
            await broker.replace(target, quantity=10.0, limit_price=105.0, stop_price=None)
            await broker.replace(stop, quantity=10.0, limit_price=None, stop_price=85.0)
            await until(lambda: {Terms(10.0, 105.0), Terms(10.0, None, 85.0)} <= {each.terms for each in ears.updates})
            await broker.cancel(stop)
            await until(lambda: ears.state(stop) is CANCELLED)

    asyncio.run(run())


def test_an_exit_that_okx_cannot_make_is_rejected(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            entry, target, stop = bracket()
            await broker.submit_bracket(entry, target, stop)
            (body,) = venue.bodies()
            failed = {**body["attachAlgoOrds"][0], "failCode": "51121", "failReason": "Order quantity"}
            said = {**body, "state": "filled", "attachAlgoOrds": [failed], "accFillSz": "0"}
            venue.push_frames([{"arg": {"channel": "orders", "instId": "ANY"}, "data": [said]}])
            await until(lambda: ears.state(stop) is OrderState.REJECTED and ears.state(target) is OrderState.REJECTED)
            assert ears.updates[-1].reason == "OKX could not place the exit: Order quantity (51121)"

    asyncio.run(run())


def test_exits_that_are_about_to_be_made_are_not_cancelled_with_the_rest_of_their_entry(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            entry, target, stop = bracket()
            await broker.submit_bracket(entry, target, stop)
            (there,) = venue.bodies()
            said = {**there, "state": "canceled", "accFillSz": "30", "cancelSource": "1"}
            venue.push_frames([{"arg": {"channel": "orders", "instId": "ANY"}, "data": [said]}])
            await until(lambda: ears.state(entry) is CANCELLED)
            assert ears.state(target) is None
            assert ears.state(stop) is None
            venue.answer_next("trade/order-algo", {"code": "51603", "msg": "Order does not exist", "data": []})
            venue.answer_next("trade/order", {"code": "0", "msg": "", "data": [said]})
            assert await states(broker, stop) == [WORKING]

    asyncio.run(run())


def test_in_the_long_short_mode_the_exits_close_what_the_entry_opens():
    async def run():
        with still(position_mode="long_short_mode") as venue:
            async with listening(venue) as (broker, ears):
                entry, target, stop = bracket()
                await broker.submit_bracket(entry, target, stop)
                venue.price(SWAP, 90.0)
                await until(lambda: ears.state(stop) is WORKING)
                venue.price(SWAP, 79.0)
                await until(lambda: ears.state(stop) is FILLED)
                assert venue.positions() == {}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("orders", "options", "words"),
    [
        (bracket(SPOT, OrderType.MARKET), {}, "OKX attaches exits to a limit order to buy only"),
        (bracket(SPOT, side=OrderSide.SELL), {}, "OKX attaches exits to a limit order to buy only"),
        (bracket(entry_type=OrderType.STOP, stop_price=110.0), {}, "OKX attaches exits to market and limit orders"),
        ((bracket()[0], *reversed(bracket()[1:])), {}, "OKX links a limit order with a stop, and nothing else"),
        (bracket(side=OrderSide.SELL), {}, "SL trigger price cannot be lower than the last price"),
    ],
    ids=["a market purchase on spot", "a sale on spot", "a stop", "two stops", "the wrong side"],
)
def test_a_bracket_that_okx_does_not_have_is_refused(venue, orders, options, words):
    async def run():
        broker = broker_at(venue, **options)
        await broker.connect()
        with pytest.raises(BrokerRefused, match=words):
            await broker.submit_bracket(*orders)
        await broker.close()

    asyncio.run(run())


def test_a_bracket_may_begin_with_an_order_that_trades_at_once(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            entry, target, stop = bracket(SPOT, time_in_force=TimeInForce.IOC)
            entry = entry.changed(limit_price=101.0)
            await broker.submit_bracket(entry, target, stop)
            await until(lambda: ears.state(target) is WORKING and ears.state(stop) is WORKING)
            assert ears.state(entry) is FILLED

    asyncio.run(run())
