"""Spot, margin and swaps at OKX through ccxt: what is counted in what, how it is backed, and what is refused."""

from __future__ import annotations

import asyncio

import pytest
from crypto_kit import limit, listening, okx, order, until

from ml4t.live.errors import BrokerRefused
from ml4t.live.model import OrderSide, OrderState, OrderType, TimeInForce
from ml4t_live_crypto.config import CryptoBrokerConfig
from ml4t_live_crypto.exchange import made
from ml4t_live_crypto.habits import habits_of
from ml4t_live_crypto.rig import Unified

SPOT, SWAP = "ETH/USDT", "ETH/USDT:USDT"
"""A contract of the swap is a tenth of a coin."""
FREELY = {"silence_seconds": 30.0}


@pytest.mark.parametrize("mode", ["cross", "isolated"])
def test_how_contracts_and_borrowed_money_are_backed_is_said_with_every_order(okx, mode):
    async def run():
        async with listening(okx, products=("margin", "swap"), margin_mode=mode) as (broker, _):
            await broker.submit(limit("a", symbol=SWAP))
            await broker.submit(order("b", symbol=SWAP))
            await broker.submit(limit("c"))
            assert [each["tdMode"] for each in okx.bodies()] == [mode] * 3

    asyncio.run(run())


def test_what_is_paid_in_full_is_cash(okx):
    async def run():
        async with listening(okx, products=("spot",)) as (broker, _):
            await broker.submit(limit())
            await broker.submit(order("b"))
            assert [each["tdMode"] for each in okx.bodies()] == ["cash", "cash"]

    asyncio.run(run())


def test_contracts_are_coins_everywhere_outside(okx):
    async def run():
        async with listening(okx, products=("swap",), **FREELY) as (broker, ears):
            placed = limit("s", 1.57, 90.0, symbol=SWAP, side=OrderSide.SELL)
            await broker.submit(placed)
            (body,) = okx.bodies()
            assert (body["sz"], body["instId"]) == ("15.7", "ETH-USDT-SWAP")
            await until(lambda: ears.fills)
            (fill,) = ears.booked.values()
            assert (fill.quantity, fill.price, fill.side) == (1.57, 100.0, OrderSide.SELL)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            assert ears.updates[-1].filled_quantity == 1.57
            snapshot = await broker.snapshot(0)
            assert [(each.symbol, each.quantity, each.average_price) for each in snapshot.positions] == [(SWAP, -1.57, 100.0)]
            assert [each.quantity for each in snapshot.fills] == [1.57]

    asyncio.run(run())


def test_a_resting_order_in_contracts_is_found_and_changed_in_coins(okx):
    async def run():
        async with listening(okx, products=("swap",), **FREELY) as (broker, ears):
            placed = limit("s", 2.0, 90.0, symbol=SWAP)
            await broker.submit(placed)
            (there,) = (await broker.snapshot(0)).orders
            assert (there.quantity, there.limit_price) == (2.0, 90.0)
            await broker.replace(placed, quantity=3.5, limit_price=91.0, stop_price=None)
            await until(lambda: any(each.terms for each in ears.updates))
            assert (await broker.find(placed)).terms.quantity == 3.5
            assert [body["sz"] for body in okx.bodies()] == ["35"]

    asyncio.run(run())


def test_less_than_a_contract_trades_is_refused_and_a_rest_is_cut(okx):
    async def run():
        async with listening(okx, products=("swap",)) as (broker, _):
            with pytest.raises(BrokerRefused, match="is less than okx trades") as refused:
                await broker.submit(limit("a", 0.0009, symbol=SWAP))
            assert refused.value.code == "too_small"
            await broker.submit(limit("b", 0.1299, symbol=SWAP))
            assert float(okx.bodies()[0]["sz"]) * 0.1 <= 0.1299

    asyncio.run(run())


def test_cash_and_what_is_held_come_to_the_equity_wherever_the_price_goes(okx):
    async def run():
        async with listening(okx, products=("swap",), **FREELY) as (broker, ears):
            await broker.submit(order("a", 5.0, symbol=SWAP))
            await until(lambda: ears.fills)
            for price in (100.0, 93.7, 121.3):
                okx.price(SWAP, price)
                snapshot = await broker.snapshot(0)
                assert snapshot.account.cash == pytest.approx(1_000_000.0 - 500.0)
                assert snapshot.account.equity == pytest.approx(1_000_000.0 + 5.0 * (price - 100.0))

    asyncio.run(run())


def test_a_price_that_moves_is_no_trade(okx, monkeypatch):
    """The account is read in several answers; that the profit of contracts is another in each does not mean that it traded."""

    async def run():
        async with listening(okx, products=("swap",), **FREELY) as (broker, ears):
            await broker.submit(order("a", 5.0, symbol=SWAP))
            await until(lambda: ears.fills)
            exchange, prices = broker._session.exchange, iter(range(101, 1000))
            read = exchange.fetch_balance

            async def fetch_balance(params):
                okx.price(SWAP, float(next(prices)))
                return await read(params)

            monkeypatch.setattr(exchange, "fetch_balance", fetch_balance)
            snapshot = await broker.snapshot(0)
            assert snapshot.account.cash == pytest.approx(1_000_000.0 - 500.0)
            assert next(prices) == 103  # it was read twice, and no more

    asyncio.run(run())


def test_a_purchase_on_margin_for_money_is_refused_and_one_with_a_limit_is_not():
    async def run():
        with okx() as simulator:
            async with listening(Unified(simulator), products=("margin",)) as (broker, _):
                with pytest.raises(BrokerRefused, match="use a limit order with time in force ioc"):
                    await broker.submit(order())
                await broker.submit(limit("b", 1.0, 110.0, time_in_force=TimeInForce.IOC))
                await broker.submit(order("c", 1.0, side=OrderSide.SELL))
                bodies = [(each["ordType"], each["tdMode"]) for each in simulator.bodies()]
                assert bodies == [("ioc", "cross"), ("market", "cross")]

    asyncio.run(run())


@pytest.mark.parametrize("kind", [OrderType.STOP, OrderType.STOP_LIMIT])
def test_a_stop_where_stops_are_kept_apart_is_not_declared_and_refused(okx, kind):
    async def run():
        async with listening(okx) as (broker, _):
            assert kind not in broker.capabilities.order_types
            with pytest.raises(BrokerRefused, match="okx keeps stops apart from other orders") as refused:
                await broker.submit(order("s", 1.0, kind, stop_price=110.0, limit_price=111.0))
            assert refused.value.code == "unsupported"
            assert not okx.requests
            assert not okx.algos()

    asyncio.run(run())


def test_the_profit_of_contracts_at_binance_is_not_cash():
    exchange = made(CryptoBrokerConfig(exchange="binance", products=("swap",)))
    asset = {
        "asset": "USDT", "walletBalance": "23.72469206", "unrealizedProfit": "1.5", "marginBalance": "25.22469206",
        "maintMargin": "0.0", "initialMargin": "0.0", "crossWalletBalance": "23.72469206", "availableBalance": "20.1",
    }  # fmt: skip
    said = exchange.parse_balance_custom({"assets": [asset], "positions": []}, "linear")
    assert said["total"]["USDT"] == 25.22469206
    assert habits_of("binance").cash(said["info"], "USDT") == 23.72469206
    assert habits_of("binance").cash({"balances": []}, "USDT") is None
