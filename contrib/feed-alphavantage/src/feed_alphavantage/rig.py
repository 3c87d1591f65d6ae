"""What the feed is tried with by the conformance kit: a simulated Alpha Vantage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from feed_alphavantage.config import AlphaVantageConfig
from feed_alphavantage.feed import AlphaVantageFeed
from feed_alphavantage.simulator import KEY, AlphaVantageSimulator
from ml4t.live.testing import QUICK_POLLING, PolledRig

WRONG = "WRONG0KEY4711000"
ASKED_AGAIN = "aiohttp asks again by itself when a connection is cut before the answer begins"


def feed_at(url: str, *symbols: str, **options: Any) -> AlphaVantageFeed:
    """Return a feed that asks often for minutes."""
    given = {"symbols": symbols, "api_key": KEY, "url": url, "interval": "1min", "full": True}
    return AlphaVantageFeed(AlphaVantageConfig(**{**QUICK_POLLING, **given, **options}))


def _make(url: str, symbols: Sequence[str], wrong_credentials: bool) -> AlphaVantageFeed:
    return feed_at(url, *symbols, api_key=WRONG if wrong_credentials else KEY)


@asynccontextmanager
async def rig() -> AsyncIterator[PolledRig]:
    """Yield a source and feeds of it."""
    with AlphaVantageSimulator() as source:
        yield PolledRig(
            source=source,
            make=_make,
            symbols=("IBM", "MSFT"),
            unknown_symbol="NOSUCH",
            secrets=(KEY, WRONG),
            exempt={"a_line_cut_while_connecting_is_a_disconnection": ASKED_AGAIN},
        )
