"""Every type of order and every kind of instrument, sent and told back."""

from __future__ import annotations

import asyncio

import pytest
from ib_line import connected, order

from ml4t.live.errors import BrokerRefused
from ml4t.live.model import OrderSide, OrderState, OrderType, TimeInForce

T = OrderType
TERMS = {
    T.LIMIT: {"limit_price": 50.0},
    T.STOP: {"stop_price": 150.0},
    T.STOP_LIMIT: {"stop_price": 150.0, "limit_price": 151.0},
    T.TRAILING_STOP: {"trail_amount": 5.0, "stop_price": 150.0},
    T.MOC: {},
}
RESTING = {"order_type": T.LIMIT, "limit_price": 1.0, "quantity": 1.0}


@pytest.mark.parametrize("side", OrderSide)
@pytest.mark.parametrize("kind", TERMS)
async def test_an_order_of_every_type_is_told_back_as_it_was_sent(tws, kind, side):
    async with connected(tws) as line:
        sent = order(order_type=kind, side=side, **{"limit_price": None} | TERMS[kind])
        venue_order_id = await line.broker.submit(sent)
        (told,) = (await line.broker.snapshot(0)).orders
        assert (told.order_id, told.venue_order_id, told.side, told.quantity) == (sent.order_id, venue_order_id, side, 10.0)
        assert told.order_type is kind
        assert (told.limit_price, told.trail_amount) == (sent.limit_price, sent.trail_amount)
        if kind is not T.TRAILING_STOP:
            assert told.stop_price == sent.stop_price
        await line.broker.cancel(sent)
        await line.until_state(sent, OrderState.CANCELLED)


@pytest.mark.parametrize("kind", [T.LIMIT, T.STOP, T.STOP_LIMIT, T.TRAILING_STOP])
async def test_an_order_without_its_price_is_not_sent(tws, kind):
    async with connected(tws) as line:
        with pytest.raises(BrokerRefused, match=f"a {kind.value} order needs a"):
            await line.broker.submit(order(order_type=kind, limit_price=None))
        assert tws.requests == 0


@pytest.mark.parametrize("time_in_force", [TimeInForce.DAY, TimeInForce.GTC, TimeInForce.OPG])
async def test_times_in_force_that_rest_are_told_back(tws, time_in_force):
    async with connected(tws) as line:
        await line.broker.submit(order(time_in_force=time_in_force))
        (told,) = (await line.broker.snapshot(0)).orders
        assert told.time_in_force is time_in_force


@pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.FOK])
async def test_what_cannot_trade_at_once_is_cancelled_at_once(tws, time_in_force):
    tws.price("AAPL", 100.0)
    async with connected(tws, hold=False) as line:
        sent = order(time_in_force=time_in_force)
        await line.broker.submit(sent)
        await line.until_state(sent, OrderState.CANCELLED)


@pytest.mark.parametrize("symbol", ["MSFT", "EUR.USD", "BTC.USD PAXOS", "ES", "AAPL C"])
async def test_every_kind_of_instrument_trades_and_is_held_under_its_own_name(tws, symbol):
    name = listed(tws, symbol)
    async with connected(tws) as line:
        sent = order(symbol=name, **RESTING)
        await line.broker.submit(sent)
        execution = tws.execute(sent.order_id, 1.0, 1.0)
        await line.until_state(sent, OrderState.FILLED)
        snapshot = await line.broker.snapshot(0)
        assert [(fill.execution_id, fill.symbol, fill.quantity) for fill in snapshot.fills] == [(execution, name, 1.0)]
        (position,) = snapshot.positions
        assert (position.symbol, position.quantity, position.average_price) == (name, 1.0, pytest.approx(1.0))
        assert position.multiplier == {"ES": 50.0, "AAPL C": 100.0}.get(symbol, 1.0)


def listed(tws, beginning: str) -> str:
    """Return the first name of the simulator's list that begins so, and has what else is asked for."""
    first, _, right = beginning.partition(" ")
    names = sorted(each.name for each in tws._tws.universe)
    if beginning in names:
        return beginning
    return next(name for name in names if name.startswith(f"{first} ") and (not right or f" {right} " in name))


async def test_questions_that_wait_for_the_same_answer_share_it(tws):
    async with connected(tws) as line:
        placed = [order() for _ in range(20)]
        for each in placed:
            await line.broker.submit(each)
        before = dict(tws.requests_seen)
        never = [order() for _ in range(20)]
        found = await asyncio.gather(*(line.broker.find(each) for each in [*placed, *never]))
        assert [each.state for each in found[:20]] == [OrderState.WORKING] * 20
        assert found[20:] == [None] * 20
        asked = {name: count - before.get(name, 0) for name, count in tws.requests_seen.items()}
        # A question that is put already may be too early for who asks now; but one behind it is enough for all.
        assert asked["reqAllOpenOrders"] <= 3
        assert asked["reqCompletedOrders"] <= 3
        assert asked["reqExecutions"] <= 3
