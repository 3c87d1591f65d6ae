"""The options of the broker and of the feed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import ge, gt, in_

from ml4t.live.config import Duration
from ml4t.live.times import NANOS

BarSize = Literal[
    "5 secs", "10 secs", "15 secs", "30 secs", "1 min", "2 mins", "3 mins", "5 mins", "15 mins", "30 mins", "1 hour"
]
DataKind = Literal["bars", "updating_bars", "trades", "quotes"]
MarketDataType = Literal["live", "frozen", "delayed", "delayed_frozen"]
WhatToShow = Literal["TRADES", "MIDPOINT", "BID", "ASK"]

MARKET_DATA_TYPES: tuple[MarketDataType, ...] = ("live", "frozen", "delayed", "delayed_frozen")
"""In the order of IB's own numbers, which begin at 1."""


def _strings(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(f'{value!r} is one string where a list is wanted; write ["{value}"]')
    return tuple(value)


def _some(_instance: object, _attribute: Any, value: tuple[str, ...]) -> None:
    if not value:
        raise ValueError('name at least one symbol, as in symbols = ["AAPL"]')


def _port(_instance: object, _attribute: Any, value: int) -> None:
    if not 0 < value < 65536:
        raise ValueError(f"{value} is not a port; TWS listens on 7497 (paper) or 7496 (live), the Gateway on 4002 or 4001")


def _usual_port() -> int:
    port = os.environ.get("IB_PORT", "7497")
    if not port.isdigit():
        raise ValueError(f"IB_PORT = {port!r} is not a port; write a number, or unset it")
    return int(port)


@frozen(kw_only=True)
class Connection:
    """Where TWS or the Gateway listens, and how it is watched."""

    host: str = field(factory=lambda: os.environ.get("IB_HOST", "127.0.0.1"))
    """The machine that TWS or the Gateway runs on; the variable IB_HOST when it is not given."""

    port: int = field(factory=_usual_port, validator=_port)
    """7497: TWS on paper, 7496: TWS live, 4002: Gateway on paper, 4001: Gateway live. By default IB_PORT, and else 7497."""

    client_id: int = field(default=1, validator=ge(0))
    """What tells this connection from the others at the same TWS; every one needs its own."""

    timeout_seconds: float = field(default=5.0, validator=gt(0))
    """How long TWS may take to answer one request at the start, and to answer a probe."""

    probe_seconds: float = field(default=10.0, validator=gt(0))
    """How long nothing may have come from TWS before it is asked for the time."""

    requests_per_second: int = field(default=45, validator=ge(1))
    """TWS allows half as many messages a second as the account has market-data lines, which is 50 for most; this many come
    in one second at most, a fifth of them at once."""

    timezone: str = ""
    """The time zone of the login, for a TWS that sends times without one; empty is the zone of this machine."""


@frozen(kw_only=True)
class IBBrokerConfig(Connection):
    """The options of the broker."""

    account: str = ""
    """Which account to trade, as in `DU1234567`; may be empty when the login has one account only."""

    outside_rth: bool = False
    """Let orders work outside of regular trading hours as well, where the venue allows it."""


@frozen(kw_only=True)
class IBFeedConfig(Connection):
    """The options of the feed."""

    symbols: tuple[str, ...] = field(converter=_strings, validator=_some)
    """What to listen to, such as `AAPL`, `ES 202612 CME`, `AAPL 20261218 C 200`, `EUR.USD`, `BTC.USD PAXOS`."""

    client_id: int = field(default=11, validator=ge(0))
    """What tells this connection from the others at the same TWS; every one needs its own."""

    data: DataKind = field(default="bars", validator=in_(("bars", "updating_bars", "trades", "quotes")))
    """`bars`: 5-second bars. `updating_bars`: bars of `bar_size`, told as they grow. `trades`: tick by tick.
    `quotes`: the best bid and ask."""

    bar_size: BarSize = "1 min"
    """The length of `updating_bars`, in IB's words."""

    what_to_show: WhatToShow = field(default="TRADES", validator=in_(("TRADES", "MIDPOINT", "BID", "ASK")))
    """What bars are made of; there are no trades of currency pairs, so use MIDPOINT for those."""

    use_rth: bool = False
    """True leaves out what happens outside of regular trading hours."""

    stall_seconds: float = field(default=120.0, validator=gt(0))
    """How long no data may come of anything while something is in its regular hours; then everything is subscribed to anew."""

    backfill: Duration = field(default=4 * 3_600 * NANOS, validator=ge(0))
    """How much of a gap is fetched afterwards, counted from its end (nanoseconds); `history_requests` bounds how fast."""

    history_requests: int = field(default=60, validator=ge(1))
    """How many requests for history, and subscriptions to bars, are sent in ten minutes at most. IB takes 60; more are for a
    TWS without that limit, such as the simulator with `pacing = false`."""

    market_data_type: MarketDataType = field(default="live", validator=in_(MARKET_DATA_TYPES))
    """`delayed` gives data some 15 minutes old where there is no subscription to live ones; for bars and quotes only."""
