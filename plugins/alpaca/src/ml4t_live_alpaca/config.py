"""The options of the broker and of the feed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from attrs import field, frozen
from attrs.validators import ge, gt, in_

from ml4t.live.config import Secret

DataType = Literal["bars", "updated_bars", "trades", "quotes"]
Source = Literal["iex", "sip"]


KEY_VARIABLE = "ALPACA_API_KEY"
SECRET_VARIABLE = "ALPACA_SECRET_KEY"  # noqa: S105 - the name of a variable
URL_VARIABLE = "ALPACA_URL"


def from_environment(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of a program, with what is not given taken from the environment. Raises ValueError without keys."""
    variables = {"api_key": KEY_VARIABLE, "secret_key": SECRET_VARIABLE, "url": URL_VARIABLE}
    found = {name: os.environ[variable] for name, variable in variables.items() if os.environ.get(variable)}
    given = {**found, **options}
    missing = [name for name in ("api_key", "secret_key") if not given.get(name)]
    if missing:
        raise ValueError(
            f"{' and '.join(missing)} missing: give them, or set {KEY_VARIABLE} and {SECRET_VARIABLE}; Alpaca's web page shows "
            "them for the paper account and for the live one"
        )
    return given


def _secret(value: str | Secret) -> Secret:
    return Secret.of(value)


def _strings(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(f'{value!r} is one string where a list is wanted; write ["{value}"]')
    return tuple(dict.fromkeys(value))


def _some(_instance: object, _attribute: Any, value: tuple[str, ...]) -> None:
    if not value:
        raise ValueError('is empty; name at least one symbol, as in symbols = ["AAPL", "BTC/USD"]')


def _web_address(_instance: object, _attribute: Any, value: str) -> None:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.netloc or parts.path not in {"", "/"}):
        raise ValueError(f"{value!r} is not the address of a server; write it as in http://127.0.0.1:8080, without a path")


@frozen(kw_only=True)
class Connection:
    """The keys of an account, and how its connections are watched."""

    api_key: Secret = field(converter=_secret)
    """The API key: that of the paper account begins with PK, that of the live account with AK."""

    secret_key: Secret = field(converter=_secret)
    """The secret key that was shown when the API key was made."""

    paper: bool = True
    """True: the keys are those of the paper account. False: of the live one."""

    url: str = field(default="", validator=_web_address)
    """Where all of Alpaca is instead of at Alpaca: the address of a simulator, as in `http://127.0.0.1:8080`."""

    timeout_seconds: float = field(default=4.0, validator=gt(0))
    """How long Alpaca may take to answer one request."""

    silence_seconds: float = field(default=20.0, validator=gt(0))
    """How long a stream may say nothing. Half-way it is asked for an answer; without one it is taken to be lost."""

    requests_per_minute: int = field(default=180, validator=ge(10))
    """How many requests are sent in any minute; Alpaca answers 200 per account. A tenth is kept for cancels."""


@frozen(kw_only=True)
class AlpacaBrokerConfig(Connection):
    """The options of the broker."""

    extended_hours: bool = False
    """Let limit orders (`day` and `gtc`) trade before the opening and after the close as well."""


@frozen(kw_only=True)
class AlpacaFeedConfig(Connection):
    """The options of the feed."""

    symbols: tuple[str, ...] = field(converter=_strings, validator=_some)
    """What to listen to: stocks as `AAPL`, crypto as `BTC/USD`."""

    data_type: DataType = field(default="bars", validator=in_(("bars", "updated_bars", "trades", "quotes")))
    """`bars`: one-minute bars. `updated_bars`: the same, and again some 30 s later when late trades have changed one.
    `trades`: every trade. `quotes`: the best bid and ask."""

    feed: Source = field(default="iex", validator=in_(("iex", "sip")))
    """Where stock data come from: `iex` is free and sees that exchange only, `sip` sees all and needs a subscription."""
