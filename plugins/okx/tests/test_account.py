"""What is made of an account: what others trade on it is left alone, how it is backed is said, and nothing is guessed."""

from __future__ import annotations

import asyncio

import pytest
from okx_kit import limit, listening, order, until

from ml4t.live.errors import BrokerConnectionError, BrokerRefused
from ml4t.live.model import OrderType
from ml4t_live_okx.rig import broker_at

SWAP, SPOT, INVERSE = "ETH-USDT-SWAP", "ETH-USDT", "BTC-USD-SWAP"


def answer(*data):
    return {"code": "0", "msg": "", "data": list(data)}


def test_what_somebody_trades_in_inverse_contracts_is_left_alone(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = limit()
            await broker.submit(placed)
            await until(lambda: ears.updates)
            ours = venue.bodies()[0]
            theirs = {**ours, "instId": INVERSE, "clOrdId": "theirs", "ordId": "9"}
            held = {"instId": INVERSE, "instType": "SWAP", "pos": "5", "posSide": "net", "avgPx": "1", "markPx": "1"}
            venue.answer_next("trade/orders-pending", answer(theirs, ours))
            venue.answer_next("account/positions", answer(held))
            snapshot = await broker.snapshot(0)
            assert [each.order_id for each in snapshot.orders] == [placed.order_id]
            assert snapshot.positions == []
            told = len(ears.updates)
            frames = [{"arg": {"channel": "orders", "instId": "ANY"}, "data": [each]} for each in (theirs, ours)]
            venue.push_frames(frames)
            await until(lambda: len(ears.updates) > told)
            assert {each.order_id for each in ears.updates} == {placed.order_id}

    asyncio.run(run())


@pytest.mark.parametrize("channel", ["orders", "orders-algo"])
def test_an_update_of_an_order_that_cannot_be_read_ends_the_connection(venue, channel):
    async def run():
        broker = broker_at(venue)
        await broker.connect()
        stream = asyncio.create_task(broker.run(None))
        venue.push_frames([{"arg": {"channel": channel, "instId": "ANY"}, "data": [{"instId": SWAP}]}])
        with pytest.raises(BrokerConnectionError, match="OKX's update of an order cannot be read"):
            await asyncio.wait_for(stream, 60)
        await broker.close()

    asyncio.run(run())


@pytest.mark.parametrize("quantity", [4.0, 3.0])
def test_an_order_is_not_amended_to_what_it_has_traded_already(venue, quantity):
    async def run():
        async with listening(venue) as (broker, _):
            placed = limit()
            await broker.submit(placed)
            venue.execute(placed.order_id, 4.0, 90.0)
            traded = placed.changed(filled_quantity=4.0)
            with pytest.raises(BrokerRefused, match=f"4 have traded already, and an order cannot be changed to {quantity:g}"):
                await broker.replace(traded, quantity=quantity, limit_price=90.0, stop_price=None)
            assert venue.requests == 1

    asyncio.run(run())


@pytest.mark.parametrize("mode", ["cross", "isolated"])
def test_how_contracts_and_borrowed_money_are_backed_is_said_with_every_order(venue, mode):
    async def run():
        async with listening(venue, products=("margin", "swap"), margin_mode=mode) as (broker, _):
            await broker.submit(order("a"))
            await broker.submit(limit("b", symbol=SPOT))
            await broker.submit(order("c", 10.0, OrderType.STOP, stop_price=110.0))
            assert [each["tdMode"] for each in (*venue.bodies(), *venue.algos())] == [mode] * 3

    asyncio.run(run())


def test_what_is_paid_in_full_is_cash(venue):
    async def run():
        async with listening(venue, products=("spot",)) as (broker, _):
            await broker.submit(limit("b", symbol=SPOT))
            assert [each["tdMode"] for each in venue.bodies()] == ["cash"]

    asyncio.run(run())
