"""Alpaca's market data in the framework's records, from the stream and from history."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ml4t.live.model import Bar, MarketEvent, Quote, Trade
from ml4t.live.times import NANOS
from ml4t_live_alpaca.times import from_text

SOURCE = "alpaca"
BAR = 60 * NANOS
"""The length of the bars of Alpaca's streams, labelled by their start."""

Said = Mapping[str, Any]
Maker = Callable[[str, Said, int, bool], MarketEvent]
"""Makes an event of a symbol, what was said, its time, and whether it was fetched after the fact."""


def make_bar(symbol: str, said: Said, when: int, backfilled: bool) -> Bar:
    """Return a bar."""
    return Bar(
        symbol,
        when,
        float(said["o"]),
        float(said["h"]),
        float(said["l"]),
        float(said["c"]),
        float(said["v"]),
        BAR,
        True,
        backfilled,
        time.time_ns(),
        SOURCE,
    )


def make_trade(symbol: str, said: Said, when: int, backfilled: bool) -> Trade:
    """Return a trade."""
    return Trade(symbol, when, float(said["p"]), float(said["s"]), time.time_ns(), SOURCE, str(said.get("i", "")), backfilled)


def make_quote(symbol: str, said: Said, when: int, backfilled: bool) -> Quote:
    """Return a quote; sizes are as Alpaca sends them."""
    return Quote(
        symbol,
        when,
        float(said["bp"]),
        float(said["ap"]),
        float(said["bs"]),
        float(said["as"]),
        time.time_ns(),
        SOURCE,
        backfilled,
    )


MAKERS: Mapping[str, Maker] = {"b": make_bar, "u": make_bar, "t": make_trade, "q": make_quote}
"""By the type of a message of the stream."""


def streamed(said: Said) -> MarketEvent:
    """Return the event that a message of the stream tells of. Raises KeyError, TypeError or ValueError for a malformed one."""
    moment = said["t"]
    return MAKERS[said["T"]](said["S"], said, moment.seconds * NANOS + moment.nanoseconds, False)


def recorded(maker: Maker, symbol: str, said: Said) -> MarketEvent:
    """Return the event that a record of history tells of. Raises as `streamed`."""
    return maker(symbol, said, from_text(said["t"]), True)
