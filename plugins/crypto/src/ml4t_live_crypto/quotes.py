"""The best bid and ask of one symbol, and the funding rate of a swap: heard or asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from ml4t.live.model import Funding, MarketEvent, Quote
from ml4t_live_crypto.config import CryptoFeedConfig
from ml4t_live_crypto.markets import Listing
from ml4t_live_crypto.times import from_millis

FUNDING_SECONDS = 30.0
"""How often funding rates are asked for where there is no websocket; they change slowly."""

Row = Mapping[str, Any]


class Quotes:
    """One symbol's best bid and ask."""

    def __init__(self, exchange: Any, listing: Listing, config: CryptoFeedConfig) -> None:
        self.listing = listing
        self._exchange = exchange
        self._poll_seconds = config.poll_seconds
        self._last: Quote | None = None
        self._read = next((read for kind, read in self._ways() if exchange.has.get(kind) is True), self._asked)

    async def read(self) -> list[MarketEvent]:
        """Return the next quote; none when one side of the book is empty."""
        quote = self._quote(await self._read())
        if quote is None or (self._last is not None and quote.event_time < self._last.event_time):
            return []
        self._last = quote
        return [quote]

    async def is_behind(self) -> bool:
        """Ask the exchange whether the quote is another one than was told last."""
        now, last = self._quote(await self._exchange.fetch_ticker(self.listing.symbol)), self._last
        return now is not None and last is not None and (now.bid, now.ask) != (last.bid, last.ask)

    def _ways(self) -> Any:
        return (("watchBidsAsks", self._watched), ("watchTicker", self._watched_ticker))

    async def _watched(self) -> Row:
        symbol = self.listing.symbol
        rows = await self._exchange.watch_bids_asks([symbol])
        latest: Row = self._exchange.bidsasks.get(symbol) or rows[symbol]  # several may have come meanwhile
        return latest

    async def _watched_ticker(self) -> Row:
        row: Row = await self._exchange.watch_ticker(self.listing.symbol)
        return row

    async def _asked(self) -> Row:
        if self._last is not None:
            await asyncio.sleep(self._poll_seconds)
        row: Row = await self._exchange.fetch_ticker(self.listing.symbol)
        return row

    def _quote(self, row: Row) -> Quote | None:
        bid, ask, units = row.get("bid"), row.get("ask"), self.listing.units
        if not bid or not ask:
            return None
        when = from_millis(row["timestamp"]) if row.get("timestamp") else time.time_ns()
        sizes = units(row.get("bidVolume"), bid), units(row.get("askVolume"), ask)
        return Quote(self.listing.symbol, when, bid, ask, *sizes, None, self._exchange.id)


class FundingRates:
    """One swap's funding rate, told when it changes."""

    def __init__(self, exchange: Any, listing: Listing) -> None:
        self.listing = listing
        self._exchange = exchange
        self._streams = exchange.has.get("watchFundingRate") is True
        self._last: tuple[float, int | None] | None = None

    async def read(self) -> list[MarketEvent]:
        """Return the funding rate when it is another one; waits for it to be told again."""
        if not self._streams and self._last is not None:
            await asyncio.sleep(FUNDING_SECONDS)
        ask = self._exchange.watch_funding_rate if self._streams else self._exchange.fetch_funding_rate
        row = await ask(self.listing.symbol)
        due = row.get("fundingTimestamp") or row.get("nextFundingTimestamp")
        said = row["fundingRate"], None if due is None else from_millis(due)
        if said == self._last:
            return []
        self._last = said
        when = from_millis(row["timestamp"]) if row.get("timestamp") else time.time_ns()
        return [Funding(self.listing.symbol, when, *said, row.get("markPrice"), None, self._exchange.id)]
