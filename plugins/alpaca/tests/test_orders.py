"""What orders of ours are at Alpaca, and what becomes of the quantity of one that trades while it is replaced."""

from __future__ import annotations

import asyncio

import pytest
from alpaca_kit import Ears, limit, listening, order, until

from ml4t.live.errors import BrokerRefused
from ml4t.live.model import Instrument, OrderSide, OrderType, TimeInForce
from ml4t_live_alpaca.orders import FINEST_QUANTITY, order_body, stock
from ml4t_live_alpaca.rig import broker_at

GTC, DAY, IOC = TimeInForce.GTC, TimeInForce.DAY, TimeInForce.IOC
STOCK, PAIR = stock("AAPL"), Instrument("BTC/USD", asset_class="crypto", quantity_step=FINEST_QUANTITY)


@pytest.mark.parametrize(
    ("placed", "wanted"),
    [
        (order(quantity=10, time_in_force=DAY), {"type": "market", "qty": "10", "time_in_force": "day", "side": "buy"}),
        (order(quantity=1.5, time_in_force=GTC), {"qty": "1.5", "time_in_force": "day"}),
        (order(kind=OrderType.MOC, time_in_force=DAY), {"type": "market", "time_in_force": "cls"}),
        (limit(price=90.0, side=OrderSide.SELL, time_in_force=GTC), {"type": "limit", "limit_price": "90.0", "side": "sell"}),
        (order(kind=OrderType.STOP, stop_price=95.5), {"type": "stop", "stop_price": "95.5"}),
        (order(kind=OrderType.TRAILING_STOP, trail_amount=2.0), {"type": "trailing_stop", "trail_price": "2.0"}),
        (
            order(kind=OrderType.STOP_LIMIT, stop_price=95.0, limit_price=94.0),
            {"type": "stop_limit", "stop_price": "95.0", "limit_price": "94.0"},
        ),
    ],
    ids=lambda value: value.order_type.value if hasattr(value, "order_type") else "",
)
def test_an_order_is_what_was_meant(placed, wanted):
    body = order_body(placed, STOCK)
    assert {name: body[name] for name in wanted} == wanted
    assert body["client_order_id"] == placed.order_id
    assert "extended_hours" not in body


@pytest.mark.parametrize(
    ("placed", "instrument", "extended"),
    [
        (limit(time_in_force=DAY), STOCK, True),
        (limit(time_in_force=GTC), STOCK, True),
        (limit(time_in_force=IOC), STOCK, False),
        (order(time_in_force=DAY), STOCK, False),
        (limit(symbol="BTC/USD", time_in_force=GTC), PAIR, False),
    ],
)
def test_extended_hours_are_for_limit_orders_of_stocks(placed, instrument, extended):
    assert order_body(placed, instrument, extended_hours=True).get("extended_hours", False) is extended


@pytest.mark.parametrize(
    ("placed", "words"),
    [
        (order(symbol="BTC/USD", time_in_force=DAY), "crypto orders as gtc or ioc"),
        (order(symbol="BTC/USD", kind=OrderType.STOP, stop_price=1.0, time_in_force=GTC), "no stop orders for crypto"),
    ],
)
def test_what_alpaca_takes_from_nobody_is_refused_here(placed, words):
    with pytest.raises(BrokerRefused, match=words):
        order_body(placed, PAIR)


def test_what_trades_while_an_order_is_replaced_is_taken_off_again(venue):
    """Asked for are 8 in all. Alpaca replaces the order by one of 8, and does not know that 3 have just traded."""

    async def run():
        venue.hold(True)
        placed, broker, ears = limit(), broker_at(venue), Ears()
        await broker.connect()
        await broker.submit(placed)
        venue.execute(placed.order_id, 3, 90.0)  # and nobody has heard of it yet
        await broker.replace(placed, quantity=8, limit_price=91.0, stop_price=None)
        assert venue.orders()[0].quantity == 11
        stream = asyncio.create_task(broker.run(ears))
        await until(lambda: venue.orders()[0].quantity == 8)
        await until(lambda: ears.updates and ears.updates[-1].terms.quantity == 8)
        assert ears.updates[-1].filled_quantity == 3
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)
        await broker.close()

    asyncio.run(run())


def test_a_replacement_below_what_has_traded_is_refused(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            venue.hold(True)
            placed = limit()
            await broker.submit(placed)
            venue.execute(placed.order_id, 4, 90.0)
            await until(lambda: ears.fills)
            with pytest.raises(BrokerRefused, match="4 of it have traded already; cancel it to stop there"):
                await broker.replace(placed, quantity=4, limit_price=91.0, stop_price=None)

    asyncio.run(run())
