"""What the feed is tried with by the conformance kit: a simulated Yahoo."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from feed_yfinance.config import YahooConfig
from feed_yfinance.feed import YahooFeed
from feed_yfinance.simulator import YahooSimulator
from ml4t.live.testing import QUICK_POLLING, PolledRig

EXEMPT = {
    "a_line_cut_while_connecting_is_a_disconnection": (
        "aiohttp asks again by itself when a connection is cut before the answer begins"
    ),
    "wrong_credentials_are_refused_at_once": "there are no keys",
    "bars_have_their_time_on_both_sides_of_a_change_of_the_clocks": (
        "Yahoo tells the minutes of the last weeks only, in seconds UTC; its days are tried in the tests of this package"
    ),
}


def feed_at(url: str, *symbols: str, **options: Any) -> YahooFeed:
    """Return a feed that asks often for minutes."""
    return YahooFeed(YahooConfig(**{**QUICK_POLLING, "symbols": symbols, "url": url, **options}))


def _make(url: str, symbols: Sequence[str], _wrong_credentials: bool) -> YahooFeed:
    return feed_at(url, *symbols)


@asynccontextmanager
async def rig() -> AsyncIterator[PolledRig]:
    """Yield a source and feeds of it."""
    with YahooSimulator() as source:
        yield PolledRig(source=source, make=_make, symbols=("SPY", "BTC-USD"), unknown_symbol="NOSUCH", exempt=EXEMPT)
