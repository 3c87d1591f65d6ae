"""The options of the broker and of the feed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from attrs import field, frozen
from attrs.validators import deep_iterable, gt, in_

from ml4t.live.config import Secret

DataType = Literal["trades", "all_trades", "bars", "quotes"]
Candle = Literal["1s", "1m", "3m", "5m", "15m", "30m", "1H", "2H", "4H", "6Hutc", "12Hutc", "1Dutc"]
Product = Literal["spot", "margin", "swap", "futures"]
Region = Literal["global", "eea", "us"]

VARIABLES: Mapping[str, str] = {
    "api_key": "OKX_API_KEY",
    "secret_key": "OKX_SECRET_KEY",
    "passphrase": "OKX_PASSPHRASE",
}
"""The variables of the environment that the keys come from when a program does not give them."""
URL_VARIABLE = "OKX_URL"

_CANDLES = ("1s", "1m", "3m", "5m", "15m", "30m", "1H", "2H", "4H", "6Hutc", "12Hutc", "1Dutc")
_HOSTS: Mapping[str, tuple[str, str, str]] = {
    "global": ("www.okx.com", "ws.okx.com:8443", "wspap.okx.com:8443"),
    "eea": ("eea.okx.com", "wseea.okx.com:8443", "wseeapap.okx.com:8443"),
    "us": ("us.okx.com", "wsus.okx.com:8443", "wsuspap.okx.com:8443"),
}
"""By region, where requests go, and where the websockets of live and of demo trading are."""


def from_environment(options: Mapping[str, Any], *, keys: bool) -> dict[str, Any]:
    """Return options of a program, with what is not given taken from the environment. Raises ValueError without `keys`."""
    variables = {**(VARIABLES if keys else {}), "url": URL_VARIABLE}
    found = {name: os.environ[variable] for name, variable in variables.items() if os.environ.get(variable)}
    given = {**found, **options}
    missing = [name for name in VARIABLES if keys and not given.get(name)]
    if missing:
        raise ValueError(
            f"{', '.join(missing)} missing: give them, or set {', '.join(VARIABLES[name] for name in missing)}; OKX shows "
            "them when the API key is made, and the passphrase is the one that you chose then"
        )
    return given


def _secret(value: str | Secret) -> Secret:
    return Secret.of(value)


def _strings(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(f'{value!r} is one string where a list is wanted; write ["{value}"]')
    return tuple(dict.fromkeys(value))


def _some(_instance: object, attribute: Any, value: tuple[str, ...]) -> None:
    if not value:
        example = "BTC-USDT" if attribute.name == "symbols" else "spot"
        raise ValueError(f'is empty; name at least one, as in {attribute.name} = ["{example}"]')


def _web_address(_instance: object, _attribute: Any, value: str) -> None:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.netloc or parts.path not in {"", "/"}):
        raise ValueError(f"{value!r} is not the address of a server; write it as in http://127.0.0.1:8080, without a path")


@frozen(kw_only=True)
class Connection:
    """Where OKX is, and how the connections to it are watched."""

    demo: bool = False
    """True: demo trading, which has keys and websockets of its own. False: the real exchange."""

    region: Region = field(default="global", validator=in_(("global", "eea", "us")))
    """Where the account was opened: `global`, `eea` (European Economic Area) or `us`."""

    url: str = field(default="", validator=_web_address)
    """Where all of OKX is instead of at OKX: the address of a simulator, as in `http://127.0.0.1:8080`."""

    timeout_seconds: float = field(default=4.0, validator=gt(0))
    """How long OKX may take to answer one request."""

    silence_seconds: float = field(default=20.0, validator=gt(0))
    """How long a websocket may say nothing. Half-way it is asked for an answer; without one it is taken to be lost. OKX itself
    hangs up after 30 s in which nothing moves."""

    requests_per_second: int = field(default=20, validator=gt(0))
    """How many requests are sent in any second; a tenth is kept for cancels."""

    @property
    def rest(self) -> str:
        """Where requests go, without a path."""
        return self.url.rstrip("/") or f"https://{_HOSTS[self.region][0]}"

    def websocket(self, endpoint: str) -> str:
        """Return where a websocket is: `public`, `business` or `private`."""
        host = _HOSTS[self.region][2 if self.demo else 1]
        base = self.url.rstrip("/").replace("http", "ws", 1) or f"wss://{host}"
        return f"{base}/ws/v5/{endpoint}"


@frozen(kw_only=True)
class OKXBrokerConfig(Connection):
    """The options of the broker."""

    api_key: Secret = field(converter=_secret)
    """The API key, with the permission to trade."""

    secret_key: Secret = field(converter=_secret)
    """The secret key that was shown when the API key was made."""

    passphrase: Secret = field(converter=_secret)
    """The passphrase that you chose when the API key was made."""

    demo: bool = True
    """True: the keys are those of demo trading. False: of the real exchange."""

    products: tuple[Product, ...] = field(
        default=("spot",),
        converter=_strings,
        validator=[_some, deep_iterable(in_(("spot", "margin", "swap", "futures")))],
    )
    """What is traded: `spot` with what is held, or `margin` (spot pairs with borrowed money), and `swap` and `futures`: linear
    contracts, margined in `currency`. Holdings of other kinds are not looked at, and orders in them refused."""

    margin_mode: Literal["cross", "isolated"] = field(default="cross", validator=in_(("cross", "isolated")))
    """How margin, swap and futures positions are backed."""

    currency: str = "USDT"
    """The currency that the account is reckoned in: coins are held as `BTC-USDT`, cash is this currency."""


@frozen(kw_only=True)
class OKXFeedConfig(Connection):
    """The options of the feed."""

    symbols: tuple[str, ...] = field(converter=_strings, validator=_some)
    """What to listen to: `BTC-USDT` (spot), `BTC-USDT-SWAP` (a perpetual swap), `BTC-USDT-261225` (a future)."""

    data_type: DataType = field(default="trades", validator=in_(("trades", "all_trades", "bars", "quotes")))
    """`trades`: as OKX sums them up, those of one taker at one price as one. `all_trades`: each by itself. `bars`: candles when
    they are complete. `quotes`: the best bid and ask."""

    candle: Candle = field(default="1m", validator=in_(_CANDLES))
    """How long the candles of `bars` are."""

    funding: bool = False
    """Push the funding rates of perpetual swaps as well, with their mark prices."""
