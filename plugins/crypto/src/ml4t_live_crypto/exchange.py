"""One exchange of ccxt's: made from a configuration, its markets loaded, its clock looked at, and let go of at once.

ccxt has no way to load one exchange alone: importing any of them imports all, which takes about a second. So only the modules
of the components import this one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from ml4t.live.adapters import check_skew
from ml4t.live.errors import ConfigError
from ml4t_live_crypto.clients import mind_clients
from ml4t_live_crypto.config import KEYS, Connection, CryptoBrokerConfig, CryptoFeedConfig
from ml4t_live_crypto.habits import habits_of
from ml4t_live_crypto.sdk import async_support, errors, pro
from ml4t_live_crypto.times import MILLISECOND, from_millis

UNREAD = 100_000
"""Trades, orders or candles that ccxt keeps until they are read; without this it forgets all but the last 1,000."""
PINGS = 3
"""ccxt takes a line to be lost when so many pings in a row have gone unanswered."""

_CREDENTIALS = {
    "api_key": "apiKey",
    "secret_key": "secret",
    "password": "password",
    "uid": "uid",
    "wallet_address": "walletAddress",
    "private_key": "privateKey",
}
"""By the name of a key here, ccxt's."""

_quiet = logging.getLogger("ml4t.live.crypto.ccxt")
# ccxt writes every request at this level, with the keys and the signature.
_quiet.addFilter(lambda record: record.levelno > logging.DEBUG)


def made(connection: Connection) -> Any:
    """Return an exchange of ccxt's that has not connected yet. Raises ConfigError for one that cannot be what is asked for."""
    kind = getattr(pro, connection.exchange, None) or getattr(async_support, connection.exchange, None)
    if connection.exchange not in async_support.exchanges or kind is None:
        raise ConfigError([f"exchange = {connection.exchange!r}: ccxt {pro.__version__} has none of that name"])
    millis = int(connection.timeout_seconds * 1000)
    pace = {} if connection.requests_per_second is None else {"rateLimit": 1000 / connection.requests_per_second}
    exchange = kind({"enableRateLimit": True, "newUpdates": True, "timeout": millis, **pace, **_credentials(connection)})
    exchange.logger = _quiet
    mind_clients(exchange)
    limits = dict.fromkeys(("tradesLimit", "ordersLimit", "OHLCVLimit"), UNREAD)
    habits = habits_of(connection.exchange)
    exchange.options.update({**limits, **habits.options})
    if habits.markets:
        exchange.options["fetchMarkets"] = {"types": [habits.markets[kind] for kind in _kinds(connection)]}
    exchange.streaming = {
        **(exchange.streaming or {}),
        "keepAlive": connection.silence_seconds * 1000 / PINGS,
        "connectionTimeout": max(millis, 1000),  # ccxt cuts it to whole seconds
    }
    # They are of no use here, and cost a request with keys.
    exchange.has = {**exchange.has, "fetchCurrencies": False}
    exchange.timeout_on_exit = 0
    if connection.sandbox:
        _enter_sandbox(exchange)
    if connection.url:
        exchange.urls = {**exchange.urls, "api": _moved(exchange.urls["api"], connection.url)}
    return exchange


async def prepare(exchange: Any) -> None:
    """Load the markets and look at the clock. Raises what ccxt raises, and BrokerConnectionError for a clock that is wrong."""
    await exchange.load_markets()
    if exchange.has.get("fetchTime"):
        await _check_clock(exchange)


async def let_go(exchange: Any) -> None:
    """Close every connection of an exchange, at once and for good: whoever does not answer is not waited for.

    Being cancelled does not stop it half-way.
    """
    closing = asyncio.ensure_future(_close(exchange))
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await closing
        raise


async def _close(exchange: Any) -> None:
    exchange.open = _refuse  # by itself it connects again for whoever still asks, and nobody would close that
    session: aiohttp.ClientSession | None = exchange.session
    if session is not None and session.connector is not None:
        # Otherwise every websocket waits ten seconds for the other side to say goodbye.
        await session.connector.close()
    await exchange.close()


def _refuse(*_: object) -> None:
    raise errors.NetworkError("the connection has been closed")


def _kinds(connection: Connection) -> list[str]:
    """Return which kinds of market are wanted: the lists are long."""
    if isinstance(connection, CryptoBrokerConfig):
        return sorted({"spot" if product == "margin" else product for product in connection.products})
    symbols = connection.symbols if isinstance(connection, CryptoFeedConfig) else ()
    return sorted({"swap" if ":" in symbol else "spot" for symbol in symbols})


def _credentials(connection: Connection) -> dict[str, str]:
    if not isinstance(connection, CryptoBrokerConfig):
        return {}
    keys = {name: getattr(connection, name) for name in KEYS}
    return {_CREDENTIALS[name]: key.reveal() for name, key in keys.items() if key is not None}


def missing_credentials(exchange: Any) -> list[str]:
    """Return the names of the keys that an exchange wants and has not been given."""
    wanted = exchange.requiredCredentials
    return [name for name, theirs in _CREDENTIALS.items() if wanted.get(theirs) and not getattr(exchange, theirs, None)]


def _enter_sandbox(exchange: Any) -> None:
    if not exchange.urls.get("test"):
        raise ConfigError(
            [f"sandbox = true: ccxt knows no test environment of {exchange.id}; set sandbox = false, and mode = 'shadow'"]
        )
    exchange.set_sandbox_mode(True)


def _moved(place: Any, url: str) -> Any:
    """Return the addresses of an exchange with the host of each replaced by another, and the path left as it is."""
    if isinstance(place, Mapping):
        return {name: _moved(each, url) for name, each in place.items()}
    parts = urlsplit(place)
    base = url.replace("{host}", parts.netloc).rstrip("/")
    if parts.scheme in {"ws", "wss"}:
        base = base.replace("http", "ws", 1)
    return base + parts.path


async def _check_clock(exchange: Any) -> None:
    asked = time.time_ns()
    theirs = from_millis(await exchange.fetch_time())
    check_skew(exchange.id, asked, theirs, time.time_ns(), resolution=MILLISECOND)
