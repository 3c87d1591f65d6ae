"""The options of the simulator of TWS."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import deep_iterable, deep_mapping, ge, gt, in_, instance_of, matches_re, min_len

from ml4t.live.config import Duration
from ml4t.live.times import NANOS

OLDEST_VERSION, NEWEST_VERSION = 157, 178
"""The server versions that are spoken: the text protocol, as ib_async 2 speaks it."""


def _strings(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(f'{value!r} is one string where a list is wanted; write ["{value}"]')
    return tuple(value)


def _known_zone(_instance: object, _attribute: Any, value: str) -> None:
    try:
        zoneinfo.ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder of the database, such as "America"
        raise ValueError(f"{value!r} is not a known time zone; use an IANA name such as 'US/Eastern'") from None


@frozen(kw_only=True)
class SimulatorConfig:
    """A TWS on this machine, with an account of its own. It listens on 127.0.0.1 only."""

    port: int = field(default=0, validator=in_(range(65536)))
    """Listen on this port; 0 takes a free one."""

    seed: int = 0
    """Of everything random: prices and faults."""

    kind: Literal["paper", "live"] = field(default="paper", validator=in_(("paper", "live")))
    """The kind of the account when `accounts` names none."""

    accounts: tuple[str, ...] = field(
        converter=_strings, validator=[min_len(1), deep_iterable(matches_re(r"[A-Z]{1,3}\d{3,10}"))]
    )
    """The accounts of the login; by default DU1234567, or U1234567 of a live one. A D in front makes it a paper account."""

    cash: float = field(default=1_000_000.0, converter=float, validator=ge(0))
    """The cash of every account at the start, in USD."""

    prices: Mapping[str, float] = field(factory=dict, validator=deep_mapping(instance_of(str), gt(0)))
    """Prices to begin with, by symbol. A symbol that is not in the simulator's own list is added as a stock."""

    interval: Duration = field(default=NANOS, validator=ge(0))
    """One step of every price this often (nanoseconds; `1s`); 0 lets prices move only when told to."""

    head_start: Duration = field(default=600 * NANOS, validator=ge(0))
    """With `interval = 0`, how long before the simulator began the first bar is that is made to happen (nanoseconds; `10m`)."""

    volatility: float = field(default=0.0005, converter=float, validator=ge(0))
    """The standard deviation of a step of the random walk, as a fraction of the price."""

    depth: float = field(default=0.0, converter=float, validator=ge(0))
    """What trades at one step of a price, in units of the instrument: larger orders fill in parts. 0 means no limit."""

    data: str = ""
    """Play this CSV file instead of a random walk: columns `time,symbol,price`; rows of one `time` are one step."""

    unsubscribed: tuple[str, ...] = field(default=(), converter=_strings)
    """The symbols that the login has no live market data for; delayed data is there."""

    fractional: bool = True
    """Take orders for fractions of a share (else error 10243, whatever the contract details say)."""

    pacing: bool = True
    """Enforce the vendor's limits: 50 messages per second, historical requests, market-data lines."""

    timezone: str = field(default="US/Eastern", validator=_known_zone)
    """The login's time zone (IANA): executions are stamped on its clocks, and the day begins at its midnight."""

    version: int = field(default=NEWEST_VERSION, validator=in_(range(OLDEST_VERSION, NEWEST_VERSION + 1)))
    """The server version to speak."""

    @accounts.default
    def _one_account(self) -> tuple[str, ...]:
        return ("DU1234567",) if self.kind == "paper" else ("U1234567",)
