"""Orders that wait for a price: algo orders at OKX, under our ids from the first request to the last execution."""

from __future__ import annotations

import asyncio

import pytest
from okx_kit import listening, order, until

from ml4t.live.errors import BrokerRefused, OutcomeUnknown
from ml4t.live.model import OrderSide, OrderState, OrderType, Terms, TimeInForce
from ml4t_live_okx.rig import broker_at, still
from ml4t_live_okx.simulator.faults import Loss

SWAP, SPOT = "ETH-USDT-SWAP", "ETH-USDT"


def stop(name="s", price=110.0, **fields):
    return order(name, 10.0, OrderType.STOP, stop_price=price, **fields)


def stop_limit(name="sl", price=110.0, limit=120.0, **fields):
    return order(name, 10.0, OrderType.STOP_LIMIT, stop_price=price, limit_price=limit, **fields)


def trailing(name="t", behind=5.0, **fields):
    return order(name, 10.0, OrderType.TRAILING_STOP, trail_amount=behind, side=OrderSide.SELL, **fields)


@pytest.mark.parametrize(
    ("placed", "said"),
    [
        (stop(), {"ordType": "conditional", "slTriggerPx": "110", "slOrdPx": "-1", "slTriggerPxType": "last", "side": "buy"}),
        (stop_limit(), {"ordType": "conditional", "slTriggerPx": "110", "slOrdPx": "120"}),
        (trailing(), {"ordType": "move_order_stop", "callbackSpread": "5", "side": "sell"}),
        (stop(symbol=SPOT), {"tgtCcy": "base_ccy", "tdMode": "cash", "sz": "10"}),
    ],
    ids=["stop", "stop-limit", "trailing", "stop on spot"],
)
def test_what_waits_is_an_algo_order_by_our_id(venue, placed, said):
    async def run():
        async with listening(venue) as (broker, ears):
            number = await broker.submit(placed)
            (there,) = venue.algos()
            assert {name: there[name] for name in said} == said
            assert (there["algoId"], there["algoClOrdId"], there["sz"]) == (
                number,
                placed.order_id,
                "10" if placed.symbol == SPOT else "100",
            )
            await until(lambda: ears.state(placed) is OrderState.WORKING)
            (shown,) = (await broker.snapshot(0)).orders
            assert (shown.order_id, shown.order_type, shown.quantity) == (placed.order_id, placed.order_type, 10.0)
            assert shown.terms == placed.terms

    asyncio.run(run())


@pytest.mark.parametrize("symbol", [SWAP, SPOT])
def test_what_a_stop_trades_is_ours_on_the_stream_and_in_the_snapshot_of_another_connection(venue, symbol):
    async def run():
        placed = stop(symbol=symbol)
        async with listening(venue) as (broker, ears):
            await broker.submit(placed)
            venue.price(symbol, 111.0)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            assert [(fill.order_id, fill.quantity, fill.price) for fill in ears.fills] == [(placed.order_id, 10.0, 111.0)]
        async with listening(venue) as (broker, _):
            fills = (await broker.snapshot(0)).fills
            assert [(fill.execution_id, fill.order_id) for fill in fills] == [
                (each.execution_id, placed.order_id) for each in ears.fills
            ]

    asyncio.run(run())


def test_a_stop_that_is_triggered_while_away_is_found_with_what_it_traded(venue):
    async def run():
        placed = stop()
        async with listening(venue) as (broker, _):
            await broker.submit(placed)
        venue.price(SWAP, 112.0)
        async with listening(venue) as (broker, _):
            snapshot = await broker.snapshot(0)
            assert [(fill.order_id, fill.quantity) for fill in snapshot.fills] == [(placed.order_id, 10.0)]
            assert snapshot.orders == []
            found = await broker.find(placed)
            assert (found.state, found.filled_quantity, found.terms) == (OrderState.FILLED, 10.0, placed.terms)

    asyncio.run(run())


@pytest.mark.parametrize("how", [Loss.ANSWER, Loss.SILENCE, Loss.GATEWAY])
def test_a_stop_without_an_answer_is_unknown_and_found_by_our_id(venue, how):
    async def run():
        async with listening(venue) as (broker, _):
            venue.lose_next_answer(how)
            placed = stop()
            with pytest.raises(OutcomeUnknown):
                await broker.submit(placed)
            assert venue.requests == 1
            found = await broker.find(placed)
            assert (found.order_id, found.state, found.terms) == (placed.order_id, OrderState.WORKING, placed.terms)

    asyncio.run(run())


def test_a_stop_that_never_arrived_is_not_found(venue):
    async def run():
        async with listening(venue) as (broker, _):
            venue.lose_next_request()
            with pytest.raises(OutcomeUnknown):
                await broker.submit(stop())
            assert await broker.find(stop()) is None

    asyncio.run(run())


def test_an_id_that_is_there_already_is_the_stop_that_is_there(venue):
    async def run():
        async with listening(venue) as (broker, _):
            assert await broker.submit(stop()) == await broker.submit(stop())
            assert len(venue.algos()) == 1

    asyncio.run(run())


def test_a_stop_whose_price_is_passed_already_is_refused(venue):
    async def run():
        async with listening(venue) as (broker, _):
            with pytest.raises(BrokerRefused, match=r"SL trigger price cannot be higher than the last price \(51280\)"):
                await broker.submit(stop(side=OrderSide.SELL))

    asyncio.run(run())


def test_a_trailing_stop_follows_the_price_and_never_comes_back(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = trailing()
            await broker.submit(placed)
            for price in (104.0, 100.0, 109.0, 105.0):
                venue.price(SWAP, price)
            found = await broker.find(placed)
            assert (found.state, found.terms) == (OrderState.WORKING, placed.terms)
            venue.price(SWAP, 104.0)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            assert ears.fills[0].price == 104.0

    asyncio.run(run())


def test_a_stop_limit_that_is_triggered_and_rests_is_still_the_stop_limit(venue):
    async def run():
        placed = stop_limit(limit=110.0)
        async with listening(venue) as (broker, _):
            await broker.submit(placed)
            venue.hold(True)
            venue.execute(placed.order_id, 4.0, 110.0)
        async with listening(venue) as (broker, ears):
            (shown,) = (await broker.snapshot(0)).orders
            assert (shown.order_id, shown.order_type, shown.terms, shown.filled_quantity) == (
                placed.order_id,
                OrderType.STOP_LIMIT,
                placed.terms,
                4.0,
            )
            found = await broker.find(placed)
            assert (found.state, found.terms) == (OrderState.PARTIALLY_FILLED, placed.terms)
            with pytest.raises(BrokerRefused, match="a stop that has been triggered cannot be changed at OKX"):
                await broker.replace(placed, quantity=12.0, limit_price=110.0, stop_price=109.0)
            await broker.cancel(placed)
            await until(lambda: ears.state(placed) is OrderState.CANCELLED)

    asyncio.run(run())


@pytest.mark.parametrize("placed", [stop(), stop_limit(), trailing()], ids=lambda placed: placed.order_type.value)
def test_what_waits_is_cancelled(venue, placed):
    async def run():
        async with listening(venue) as (broker, ears):
            await broker.submit(placed)
            await broker.cancel(placed)
            await until(lambda: ears.state(placed) is OrderState.CANCELLED)
            assert (await broker.find(placed)).state is OrderState.CANCELLED
            with pytest.raises(BrokerRefused, match="51400"):
                await broker.cancel(placed)
            with pytest.raises(BrokerRefused, match="OKX does not have the order"):
                await broker.cancel(stop("other"))

    asyncio.run(run())


def test_a_stop_that_is_triggered_while_it_is_being_cancelled_is_cancelled_where_it_is_then(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = stop()
            await broker.submit(placed)
            venue.hold(True)
            venue.execute_after("trade/order-algo", placed.order_id, 4.0, 110.0)
            await broker.cancel(placed)
            await until(lambda: ears.state(placed) is OrderState.CANCELLED)
            assert [fill.quantity for fill in ears.booked.values()] == [4.0]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("placed", "terms"),
    [(stop(), Terms(12.0, None, 112.0)), (stop_limit(), Terms(8.0, 125.0, 115.0))],
    ids=["stop", "stop-limit"],
)
def test_a_stop_is_amended_and_told_with_its_terms(venue, placed, terms):
    async def run():
        async with listening(venue) as (broker, ears):
            await broker.submit(placed)
            await broker.replace(placed, quantity=terms.quantity, limit_price=terms.limit_price, stop_price=terms.stop_price)
            await until(lambda: ears.updates and ears.updates[-1].terms == terms)
            assert (await broker.find(placed)).terms == terms

    asyncio.run(run())


def test_a_trailing_stop_is_not_amended(venue):
    async def run():
        async with listening(venue) as (broker, _):
            await broker.submit(trailing())
            with pytest.raises(BrokerRefused, match="a trailing stop cannot be changed at OKX; cancel it and send another"):
                await broker.replace(trailing(), quantity=12.0, limit_price=None, stop_price=None)

    asyncio.run(run())


def test_an_amendment_that_okx_gives_up_says_so(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = stop()
            await broker.submit(placed)
            (there,) = venue.algos()
            venue.push_frames([{"arg": {"channel": "orders-algo", "instId": "ANY"}, "data": [{**there, "amendResult": "-1"}]}])
            await until(lambda: ears.updates and ears.updates[-1].reason == "OKX did not amend it")
            assert ears.updates[-1].terms == placed.terms

    asyncio.run(run())


def test_a_stop_that_okx_cannot_place_when_its_price_comes_is_rejected_with_okxs_code(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = stop(symbol=SPOT, price=90.0, side=OrderSide.SELL)  # nothing is held when it comes to that
            await broker.submit(placed)
            venue.price(SPOT, 89.0)
            await until(lambda: ears.state(placed) is OrderState.REJECTED)
            assert "51008" in ears.updates[-1].reason
            assert (await broker.find(placed)).state is OrderState.REJECTED

    asyncio.run(run())


def test_in_the_long_short_mode_a_stop_closes_what_is_held():
    async def run():
        with still(position_mode="long_short_mode") as venue:
            async with listening(venue) as (broker, ears):
                await broker.submit(order("o"))
                placed = stop(price=90.0, side=OrderSide.SELL)
                await until(lambda: ears.fills)
                await broker.submit(placed)
                assert venue.algos()[0]["posSide"] == "long"
                venue.price(SWAP, 89.0)
                await until(lambda: ears.state(placed) is OrderState.FILLED)
                assert venue.positions() == {}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("placed", "options", "words"),
    [
        (stop(time_in_force=TimeInForce.IOC), {}, "OKX takes a stop order as gtc, not as ioc"),
        (stop(symbol=SPOT), {"products": ("margin",)}, "is for an amount of money at OKX"),
        (order("s", 10.0, OrderType.STOP), {}, "the order names no stop price"),
        (order("t", 10.0, OrderType.TRAILING_STOP), {}, "the order names no trail price"),
        (order("l", 10.0, OrderType.LIMIT), {}, "the order names no limit price"),
        (stop(symbol="BTC-USD-SWAP"), {}, "is an inverse contract, whose profit is in BTC; trade the linear one"),
    ],
    ids=["ioc", "margin", "no stop", "no trail", "no limit", "inverse"],
)
def test_a_stop_that_okx_does_not_have_is_refused(venue, placed, options, words):
    async def run():
        broker = broker_at(venue, **options)
        await broker.connect()
        with pytest.raises(BrokerRefused, match=words):
            await broker.submit(placed)
        assert venue.requests == 0
        await broker.close()

    asyncio.run(run())


def test_a_stop_of_a_stranger_is_shown_without_an_id_of_ours_and_its_executions_by_okxs(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            body = {"instId": SWAP, "tdMode": "cross", "side": "buy", "sz": "1", "ordType": "trigger", "triggerPx": "110"}
            made = await broker._session.rest.submit("trade/order-algo", {**body, "orderPx": "-1"})
            (shown,) = (await broker.snapshot(0)).orders
            assert (shown.order_id, shown.venue_order_id, shown.stop_price) == ("", made[0]["algoId"], 110.0)
            venue.price(SWAP, 111.0)
            await until(lambda: ears.fills)
            (again,) = (await broker.snapshot(0)).fills
            assert again.order_id == ears.fills[0].order_id == again.venue_order_id

    asyncio.run(run())
