"""What a connection leaves behind when it ends: nothing that is open, and nothing that asyncio complains of."""

from __future__ import annotations

import asyncio
import gc

import pytest
from crypto_kit import Ears, until

from ml4t.live.errors import BrokerConnectionError, FeedDisconnected
from ml4t_live_crypto.config import CryptoFeedConfig
from ml4t_live_crypto.exchange import let_go, made, prepare
from ml4t_live_crypto.rig import broker_at, feed_at
from ml4t_live_crypto.sdk import errors

SPOT = "ETH/USDT"


@pytest.fixture
def complaints():
    """What asyncio says of tasks and futures whose outcome nobody asked for."""
    return []


def run(scenario, complaints):
    """Run a scenario, and let everything that it has left be collected while the loop still listens."""

    async def whole():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
        await scenario()
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(whole())


def public(venue):
    """Return an exchange of ccxt's that has no keys."""
    return made(CryptoFeedConfig(exchange=venue.name, url=venue.url, symbols=[SPOT], requests_per_second=1e6))


@pytest.mark.parametrize("reset", [False, True])
def test_a_line_that_is_lost_while_it_is_subscribed_to_the_account_leaves_no_future(binance, complaints, reset):
    async def scenario():
        binance.mute_streams(True)
        connecting = asyncio.create_task(broker_at(binance, timeout_seconds=30.0, silence_seconds=30.0).connect())
        await until(lambda: binance.listens_to_account)  # it has asked to be told of the account, and nobody answers
        binance.drop(reset=reset)
        with pytest.raises(BrokerConnectionError):
            await asyncio.wait_for(connecting, 60)

    run(scenario, complaints)
    assert not complaints


def test_a_feed_whose_line_is_lost_leaves_no_future(venue, complaints):
    async def scenario():
        running = asyncio.create_task(feed_at(venue, SPOT, "SOL/USDT").run(Ears()))
        await until(lambda: len(venue.subscriptions) == 2)
        venue.drop()
        with pytest.raises(FeedDisconnected):
            await asyncio.wait_for(running, 60)

    run(scenario, complaints)
    assert not complaints


def test_who_still_asks_a_closed_exchange_does_not_open_it_again(venue):
    async def scenario():
        exchange = public(venue)
        await prepare(exchange)
        await let_go(exchange)
        for ask in (exchange.watch_trades, exchange.fetch_trades):
            with pytest.raises(errors.NetworkError):
                await asyncio.wait_for(ask(SPOT), 60)
        assert exchange.session is None
        await until(lambda: not venue.connections)

    asyncio.run(scenario())


def test_a_close_that_is_cancelled_closes_all_the_same(venue):
    async def scenario():
        exchange = public(venue)
        await prepare(exchange)
        closing = asyncio.create_task(let_go(exchange))
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert exchange.session is None

    asyncio.run(scenario())
