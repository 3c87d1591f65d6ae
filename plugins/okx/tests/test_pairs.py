"""Pairs of which one order cancels the other: one algo order at OKX, and two orders of ours."""

from __future__ import annotations

import asyncio

import pytest
from okx_kit import listening, order, pair, states, until

from ml4t.live.errors import BrokerRefused, OutcomeUnknown
from ml4t.live.model import OrderState
from ml4t.live.orders.identity import decision_id
from ml4t_live_okx.pairs import orders_of, pair_id
from ml4t_live_okx.rig import broker_at

SWAP, SPOT = "ETH-USDT-SWAP", "ETH-USDT"
WORKING, CANCELLED, FILLED = OrderState.WORKING, OrderState.CANCELLED, OrderState.FILLED


@pytest.mark.parametrize("number", range(20))
def test_two_ids_of_ours_fit_into_one_of_okxs(number):
    both = decision_id("r", "s", "a", number, 0), decision_id("r", "s", "b", number, 1)
    text = pair_id(*both)
    assert orders_of(text) == both
    assert len(text) == 32
    assert text.isalnum()


@pytest.mark.parametrize("text", ["", "m" + "0" * 23, "P" + "Z" * 31, "P" + "0" * 30, "Q" + "0" * 31])
def test_what_is_no_pair_is_none(text):
    assert orders_of(text) is None


def test_an_id_that_is_not_the_engines_has_no_room(venue):
    with pytest.raises(BrokerRefused, match="is not an id that the engine makes"):
        pair_id("o".ljust(24, "0"), decision_id("r", "s", "b", 0, 1))


@pytest.mark.parametrize("symbol", [SWAP, SPOT])
@pytest.mark.parametrize(("price", "ends"), [(111.0, [FILLED, CANCELLED]), (79.0, [CANCELLED, FILLED])])
def test_of_a_pair_one_trades_and_the_other_goes_and_both_are_found_afterwards(venue, symbol, price, ends):
    async def run():
        limit, stop = pair(symbol)
        async with listening(venue) as (broker, ears):
            await broker.submit(order("o", symbol=symbol))
            ids = await broker.submit_oco(stop, limit)
            assert len(set(ids)) == 2
            await until(lambda: ears.state(limit) is WORKING and ears.state(stop) is WORKING)
            assert await states(broker, limit, stop) == [WORKING, WORKING]
            venue.price(symbol, price)
            await until(lambda: [ears.state(limit), ears.state(stop)] == ends)
        async with listening(venue) as (broker, _):
            assert await states(broker, limit, stop) == ends
            assert venue.positions() == {}

    asyncio.run(run())


def test_a_pair_without_an_answer_is_found_by_another_process_and_not_sent_twice(venue):
    async def run():
        limit, stop = pair()
        async with listening(venue) as (broker, _):
            venue.lose_next_answer()
            with pytest.raises(OutcomeUnknown):
                await broker.submit_oco(limit, stop)
        async with listening(venue) as (broker, _):
            assert await states(broker, limit, stop) == [WORKING, WORKING]
            await broker.submit_oco(limit, stop)
            assert len(venue.algos()) == 1
            await broker.cancel(limit)
            await broker.cancel(stop)
            assert await states(broker, limit, stop) == [CANCELLED, CANCELLED]

    asyncio.run(run())


def test_a_pair_that_never_arrived_is_not_found(venue):
    async def run():
        async with listening(venue) as (broker, _):
            await broker.submit_oco(*(each.changed(order_id="m" + each.order_id[:0:-1]) for each in pair()))
            venue.lose_next_request()
            with pytest.raises(OutcomeUnknown):
                await broker.submit_oco(*pair())
            assert await states(broker, *pair()) == [None, None]

    asyncio.run(run())


def test_a_pair_whose_stop_is_told_to_have_gone_because_of_the_other_is_cancelled(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            limit, stop = pair()
            await broker.submit_oco(limit, stop)
            (there,) = venue.algos()
            said = {**there, "state": "effective", "actualSide": "tp", "ordId": there["linkedOrd"]["ordId"]}
            venue.push_frames([{"arg": {"channel": "orders-algo", "instId": "ANY"}, "data": [said]}])
            await until(lambda: ears.state(stop) is CANCELLED)

    asyncio.run(run())


def test_what_names_only_the_stop_it_goes_with_is_looked_up(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            limit, stop = pair()
            await broker.submit_oco(limit, stop)
            (there,) = [each for each in venue.bodies() if each["linkedAlgoOrd"]["algoId"]]
            said = {**there, "ordId": "77", "algoClOrdId": "", "algoId": "", "clOrdId": "", "uTime": "1700000000000"}
            venue.push_frames([{"arg": {"channel": "orders", "instId": "ANY"}, "data": [said]}])
            await until(lambda: any(each.venue_order_id == "77" for each in ears.updates))
            (update,) = [each for each in ears.updates if each.venue_order_id == "77"]
            assert update.order_id == limit.order_id

    asyncio.run(run())


@pytest.mark.parametrize(("state", "stands"), [("live", WORKING), ("canceled", CANCELLED), ("effective", CANCELLED)])
def test_a_limit_order_that_its_pair_does_not_name_stands_as_the_pair_does(venue, state, stands):
    async def run():
        async with listening(venue) as (broker, _):
            limit, stop = pair()
            await broker.submit_oco(limit, stop)
            (there,) = venue.algos()
            said = {**there, "state": state, "linkedOrd": {"ordId": ""}}
            venue.answer_next("trade/order-algo", {"code": "0", "msg": "", "data": [said]})
            found = await broker.find(limit)
            assert (found.order_id, found.state) == (limit.order_id, stands)

    asyncio.run(run())


def test_an_exit_that_okx_has_forgotten_was_cancelled_without_a_trade(venue):
    async def run():
        async with listening(venue) as (broker, _):
            limit, stop = pair()
            await broker.submit_oco(limit, stop)
            venue.answer_next("trade/order-algo", {"code": "0", "msg": "", "data": list(venue.algos())})
            venue.answer_next("trade/order", {"code": "51603", "msg": "Order does not exist", "data": []})
            found = await broker.find(limit)
            assert (found.order_id, found.state) == (limit.order_id, CANCELLED)
            assert found.reason == "OKX forgets what was cancelled without a trade"

    asyncio.run(run())


def test_a_pair_is_a_limit_order_and_a_stop(venue):
    async def run():
        broker = broker_at(venue)
        await broker.connect()
        limit, _ = pair()
        with pytest.raises(BrokerRefused, match="OKX links a limit order with a stop, and nothing else"):
            await broker.submit_oco(limit, limit.changed(order_id=decision_id("r", "s", "x", 0, 9)))
        await broker.close()

    asyncio.run(run())
