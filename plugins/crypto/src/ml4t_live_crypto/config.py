"""The options of the broker and of the feed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from attrs import field, frozen
from attrs.validators import deep_iterable, gt, in_, matches_re, optional

from ml4t.live.config import Secret

DataType = Literal["trades", "bars", "quotes"]
Product = Literal["spot", "margin", "swap"]

KEYS = ("api_key", "secret_key", "password", "uid", "wallet_address", "private_key")
"""What an exchange may want of its customers; most want the first two."""
_URL = re.compile(r"\{host\}")


def variable(exchange: str, key: str) -> str:
    """Return the variable of the environment that a key comes from when a program does not give it."""
    return f"{exchange}_{key}".upper()


def from_environment(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a program, with keys that are not given taken from the environment."""
    exchange = str(options.get("exchange", ""))
    found = {key: os.environ.get(variable(exchange, key)) for key in KEYS}
    return {**{key: value for key, value in found.items() if value}, **options}


def _secret(value: str | Secret | None) -> Secret | None:
    return None if value is None else Secret.of(value)


def _strings(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(f'{value!r} is one string where a list is wanted; write ["{value}"]')
    return tuple(dict.fromkeys(value))


def _some(_instance: object, attribute: Any, value: tuple[str, ...]) -> None:
    if not value:
        example = "BTC/USDT" if attribute.name == "symbols" else "spot"
        raise ValueError(f'is empty; name at least one, as in {attribute.name} = ["{example}"]')


def _web_address(_instance: object, _attribute: Any, value: str) -> None:
    parts = urlsplit(_URL.sub("host", value))
    if value and (parts.scheme not in {"http", "https"} or not parts.netloc):
        raise ValueError(f"{value!r} is not the address of a server; write it as in http://127.0.0.1:8080")


@frozen(kw_only=True)
class Connection:
    """Which exchange, where it is, and how the connections to it are watched."""

    exchange: str = field(validator=matches_re(r"[a-z0-9]+"))
    """The exchange, by ccxt's name of it: `binance`, `okx`, `kraken`."""

    sandbox: bool = False
    """True: the exchange's test environment, which has keys of its own. False: the real one."""

    url: str = field(default="", validator=_web_address)
    """Where the exchange is instead of where ccxt looks for it: the address of a simulator or of a proxy. `{host}` in it is
    replaced by the host that it stands in for, as in `http://127.0.0.1:8080/{host}`."""

    timeout_seconds: float = field(default=10.0, validator=gt(0))
    """How long the exchange may take to answer one request."""

    silence_seconds: float = field(default=30.0, validator=gt(0))
    """How long a stream may say nothing. Then the exchange is asked by a request whether anything has been missed; a line on
    which not even pings are answered for so long is taken to be lost."""

    requests_per_second: float | None = field(default=None, validator=optional(gt(0)))
    """How many requests are sent in a second at most; without it, as many as ccxt knows the exchange to allow."""


@frozen(kw_only=True)
class CryptoFeedConfig(Connection):
    """The options of the feed."""

    symbols: tuple[str, ...] = field(converter=_strings, validator=_some)
    """What to listen to, in ccxt's form: `BTC/USDT` (spot), `BTC/USDT:USDT` (a linear swap)."""

    data_type: DataType = field(default="trades", validator=in_(("trades", "bars", "quotes")))
    """`trades`; `bars`: candles when they are complete; `quotes`: the best bid and ask."""

    candle: str = field(default="1m", validator=matches_re(r"\d+[smhdw]"))
    """How long the candles of `bars` are, in ccxt's form: `1m`, `5m`, `1h`, `1d`."""

    funding: bool = False
    """Push the funding rates of perpetual swaps as well."""

    poll_seconds: float = field(default=2.0, validator=gt(0))
    """How often what the exchange has no websocket for is asked for."""


@frozen(kw_only=True)
class CryptoBrokerConfig(Connection):
    """The options of the broker."""

    sandbox: bool = True
    """True: the keys are those of the exchange's test environment. False: of the real exchange."""

    api_key: Secret | None = field(default=None, converter=_secret)
    """The API key, with the permission to trade."""

    secret_key: Secret | None = field(default=None, converter=_secret)
    """The secret key that was shown when the API key was made."""

    password: Secret | None = field(default=None, converter=_secret)
    """The passphrase of the API key, where the exchange has one (OKX, KuCoin, Bitget)."""

    uid: Secret | None = field(default=None, converter=_secret)
    """The number of the account, where the exchange wants it."""

    wallet_address: Secret | None = field(default=None, converter=_secret)
    """The address of the wallet, where the exchange is a chain (Hyperliquid)."""

    private_key: Secret | None = field(default=None, converter=_secret)
    """The private key of the wallet, where the exchange is a chain."""

    products: tuple[Product, ...] = field(
        default=("spot",), converter=_strings, validator=[_some, deep_iterable(in_(("spot", "margin", "swap")))]
    )
    """What is traded: `spot` with what is held, or `margin` (spot pairs with borrowed money), and `swap`: linear perpetual
    contracts, margined in `currency`. Holdings of other kinds are not looked at, and orders in them refused."""

    margin_mode: Literal["cross", "isolated"] = field(default="cross", validator=in_(("cross", "isolated")))
    """How positions of `margin` are backed, and those of swaps where an order says so (OKX); elsewhere they are backed as it is
    set at the exchange."""

    currency: str = "USDT"
    """The currency that the account is reckoned in: coins are held as `BTC/USDT`, cash is this currency."""

    symbols: tuple[str, ...] = field(default=(), converter=_strings)
    """What this account trades. Only for exchanges that tell of executions by symbol (Binance): those of other symbols are
    looked for as soon as they are held, work, or have been ordered."""
