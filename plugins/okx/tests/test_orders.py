"""Orders in OKX's words: coins and contracts, batches, amendments, position sides, borrowed money, and what is refused."""

from __future__ import annotations

import asyncio

import pytest
from okx_kit import limit, listening, order, until

from ml4t.live.errors import BrokerRefused, OutcomeUnknown
from ml4t.live.model import OrderSide, OrderState, Terms, TimeInForce
from ml4t_live_okx.rig import WRONG, broker_at, still
from ml4t_live_okx.simulator.faults import Loss

SWAP, SPOT, BTC = "ETH-USDT-SWAP", "ETH-USDT", "BTC-USDT"
MINUTE = 60_000


def test_a_market_purchase_on_spot_is_for_coins(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = order(quantity=2.0, symbol=SPOT)
            await broker.submit(placed)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            assert venue.positions() == {SPOT: 2.0}

    asyncio.run(run())


def test_a_contract_is_counted_in_coins_here_and_in_contracts_there(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = order(quantity=2.5)
            await broker.submit(placed)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            assert venue.bodies()[0]["sz"] == "25"
            assert [fill.quantity for fill in ears.fills] == [2.5]
            snapshot = await broker.snapshot(0)
            assert [(each.symbol, each.quantity, each.average_price) for each in snapshot.positions] == [(SWAP, 2.5, 100.0)]
            assert snapshot.account.cash == 1_000_000 - 250
            assert snapshot.account.equity == 1_000_000

    asyncio.run(run())


def test_a_quantity_of_an_amendment_is_the_whole_of_it(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = limit()
            await broker.submit(placed)
            venue.execute(placed.order_id, 4.0, 90.0)
            await broker.replace(placed.changed(filled_quantity=4.0), quantity=8.0, limit_price=91.0, stop_price=None)
            await until(lambda: ears.updates[-1].terms == Terms(8.0, 91.0))
            assert [(each.quantity, each.filled_quantity) for each in venue.orders()] == [(8.0, 4.0)]

    asyncio.run(run())


def test_orders_of_one_turn_are_one_request_and_each_has_its_answer(venue):
    async def run():
        async with listening(venue) as (broker, _):
            await broker.submit(limit("first"))  # and so the instrument is known
            good = [limit(f"g{number:02}x", 1.0) for number in range(25)]
            bad = limit("bad", 10_000_000.0)
            answers = await asyncio.gather(*(broker.submit(each) for each in [*good, bad]), return_exceptions=True)
            assert venue.requests == 3  # twenty go with one
            assert isinstance(answers[-1], BrokerRefused)
            assert "Insufficient USDT balance" in str(answers[-1])
            there = {each.order_id: each.venue_order_id for each in venue.orders()}
            assert list(answers[:-1]) == [there[each.order_id] for each in good]
            await asyncio.gather(*(broker.cancel(each) for each in good))
            assert venue.requests == 5
            assert [each.order_id for each in venue.orders() if each.is_open] == [limit("first").order_id]

    asyncio.run(run())


@pytest.mark.parametrize("loss", [Loss.ANSWER, Loss.REQUEST])
def test_a_batch_without_an_answer_leaves_every_order_of_it_unknown(venue, loss):
    async def run():
        async with listening(venue) as (broker, _):
            await broker.submit(limit("first"))
            venue.lose_next_answer(loss)
            answers = await asyncio.gather(broker.submit(limit("a")), broker.submit(limit("b")), return_exceptions=True)
            assert [type(each) for each in answers] == [OutcomeUnknown, OutcomeUnknown]
            assert venue.requests == 2

    asyncio.run(run())


def test_in_the_long_short_mode_an_order_closes_before_it_opens():
    async def run():
        with still(position_mode="long_short_mode") as venue:
            async with listening(venue) as (broker, ears):
                sides = [OrderSide.BUY, OrderSide.SELL, OrderSide.SELL, OrderSide.SELL, OrderSide.BUY]
                for number, (side, quantity) in enumerate(zip(sides, (3.0, 1.0, 2.0, 5.0, 4.0), strict=True)):
                    placed = order(f"p{number}", quantity, side=side)
                    await broker.submit(placed)
                    await until(lambda placed=placed: ears.state(placed) is OrderState.FILLED)
                assert [each["posSide"] for each in venue.bodies()] == ["long", "long", "long", "short", "short"]
                assert venue.positions() == {SWAP: -1.0}
                assert [each.quantity for each in (await broker.snapshot(0)).positions] == [-1.0]
                with pytest.raises(BrokerRefused, match="trade 1 first, or set the position mode to net_mode"):
                    await broker.submit(order("cross", 2.0))

    asyncio.run(run())


def test_margin_is_borrowed_and_a_short_is_negative(venue):
    async def run():
        async with listening(venue, products=("margin",)) as (broker, ears):
            placed = limit("short", 2.0, 99.0, symbol=SPOT, side=OrderSide.SELL)
            await broker.submit(placed)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            assert venue.bodies()[0]["tdMode"] == "cross"
            assert [(each.symbol, each.quantity) for each in (await broker.snapshot(0)).positions] == [(SPOT, -2.0)]
            with pytest.raises(BrokerRefused, match="use a limit order with time in force ioc"):
                await broker.submit(order("buy", 1.0, symbol=SPOT))
            back = limit("back", 3.0, 101.0, symbol=SPOT, time_in_force=TimeInForce.IOC)
            await broker.submit(back)
            await until(lambda: ears.state(back) is OrderState.FILLED)
            assert [each.quantity for each in (await broker.snapshot(0)).positions] == [1.0]

    asyncio.run(run())


def test_futures_are_traded_like_swaps(venue):
    async def run():
        (future,) = [each.id for each in venue.listed.values() if each.kind == "FUTURES" and each.state == "live"]
        async with listening(venue) as (broker, ears):
            placed = order(quantity=0.5, symbol=future)
            await broker.submit(placed)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            assert venue.positions() == {future: 0.5}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (order(symbol="BTC-USD-SWAP"), "inverse contract, whose profit is in BTC; trade the linear one, BTC-USDT-SWAP"),
        (order(symbol="BTC-USDT-200327"), "has expired; name the next one"),
        (order(symbol="NOSUCH-USDT"), "OKX does not know NOSUCH-USDT; write spot as BTC-USDT"),
        (order(quantity=0.0001), "is less than OKX trades, which is 0.001"),
        (order(time_in_force=TimeInForce.FOK), "use a limit order"),
        (order(symbol=SPOT, side=OrderSide.SELL), "Insufficient ETH balance in account"),
    ],
)
def test_what_okx_does_not_trade_is_refused_with_the_remedy(venue, refused, words):
    async def run():
        async with listening(venue) as (broker, _):
            with pytest.raises(BrokerRefused, match=words):
                await broker.submit(refused)
            assert not venue.orders()

    asyncio.run(run())


def test_what_products_does_not_name_is_refused_and_not_looked_at(venue):
    async def run():
        async with listening(venue, products=("spot",)) as (spot, heard), listening(venue) as (all_of_it, ears):
            with pytest.raises(BrokerRefused, match="is swap, which products does not name; add it there"):
                await spot.submit(order())
            placed = order("other")
            await all_of_it.submit(placed)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            mine = order("mine", symbol=SPOT)
            await spot.submit(mine)
            await until(lambda: heard.state(mine) is OrderState.FILLED)
            assert {fill.order_id for fill in heard.fills} == {mine.order_id}
            snapshot = await spot.snapshot(0)
            assert [each.symbol for each in snapshot.positions] == [SPOT]
            assert [fill.order_id for fill in snapshot.fills] == [mine.order_id]

    asyncio.run(run())


def test_no_key_is_in_a_repr(venue):
    keys = [*venue.keys, WRONG]
    assert not any(key in repr(broker_at(venue)._config) for key in keys)
