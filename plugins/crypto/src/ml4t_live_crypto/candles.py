"""The bars of one symbol: told once each, when they are complete.

ccxt hands on the running candle again and again, and drops the flag with which an exchange says that it is complete. So a
candle is complete once a later one has begun, or once its time is over and the exchange, asked for it, says how it ended.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any

from ml4t.live.model import Bar, MarketEvent
from ml4t_live_crypto.config import CryptoFeedConfig
from ml4t_live_crypto.markets import Listing
from ml4t_live_crypto.times import MILLISECOND, from_millis, to_millis

GRACE_SECONDS = 2.0
"""How long after the end of a candle its last trades may come."""
LOOKS = 3
"""How often a candle that is over is asked for before it is taken as it was heard."""
POLLED = 10
PAGE = 100
"""Candles that are asked for at a time; every exchange gives as many."""

Row = Sequence[float]
"""Start in milliseconds UTC, open, high, low, close, volume."""


class Candles:
    """One symbol's candles. `told` has the start of the last one that was told, by symbol, and outlives a connection."""

    def __init__(self, exchange: Any, listing: Listing, config: CryptoFeedConfig, told: dict[str, float]) -> None:
        self.listing = listing
        self._exchange = exchange
        self._candle = config.candle
        self._length = exchange.parse_timeframe(config.candle) * 1000
        self._poll_seconds = config.poll_seconds
        self._streams = exchange.has.get("watchOHLCV") is True
        self._told = told
        self._running: Row | None = None
        self._begun = asyncio.Event()
        self._asked: Row | None = None

    async def read(self) -> list[MarketEvent]:
        """Return the bars that have been completed by the beginning of others; waits until something is heard."""
        events = list[MarketEvent]()
        for row in await (self._watched() if self._streams else self._polled()):
            running = self._running
            if running is not None and row[0] > running[0]:
                events += self._complete(running)
            if row[0] > self._told.get(self.listing.symbol, -1):
                self._running = row
                self._begun.set()
        return events

    async def overdue(self) -> list[MarketEvent]:
        """Return the running bar once its time is over; waits until it is."""
        while (running := self._running) is None:
            self._begun.clear()
            await self._begun.wait()
        due = (running[0] + self._length) / 1000 + GRACE_SECONDS
        await asyncio.sleep(max(0.0, due - time.time()))
        ended = await self._as_it_ended(running[0])
        return self._complete(ended or self._running or running) if self._is_running(running) else []

    async def is_behind(self) -> bool:
        """Ask the exchange whether anything has happened that was not told."""
        rows = await self._exchange.fetch_ohlcv(self.listing.symbol, self._candle, limit=2)
        newest, before = (list(rows[-1]) if rows else None), self._asked
        self._asked = newest
        if newest is None or newest[0] <= self._told.get(self.listing.symbol, -1):
            return False
        heard = self._running
        return (before is not None and newest != before) if heard is None else list(heard[:6]) != newest[:6]

    def _is_running(self, row: Row) -> bool:
        return self._running is not None and self._running[0] == row[0]

    def _complete(self, row: Row) -> list[MarketEvent]:
        self._running = None
        if row[0] <= self._told.get(self.listing.symbol, -1):
            return []
        self._told[self.listing.symbol] = row[0]
        return [bar_of(row, self.listing, self._length, self._exchange.id)]

    async def _as_it_ended(self, start: float) -> Row | None:
        for look in range(LOOKS):
            if look:
                await asyncio.sleep(1.0)
            rows: Iterable[Row] = await self._exchange.fetch_ohlcv(self.listing.symbol, self._candle, int(start), 2)
            found = next((row for row in rows if row[0] == start), None)
            if found is not None:
                return found
        return None

    async def _watched(self) -> Sequence[Row]:
        rows: Sequence[Row] = await self._exchange.watch_ohlcv(self.listing.symbol, self._candle)
        copies = [tuple(row) for row in rows]  # ccxt changes its own later
        kept = (self._exchange.ohlcvs.get(self.listing.symbol) or {}).get(self._candle)
        if kept is not None:
            kept.clear()
        return copies

    async def _polled(self) -> Sequence[Row]:
        await asyncio.sleep(self._poll_seconds)
        rows: Sequence[Row] = await self._exchange.fetch_ohlcv(self.listing.symbol, self._candle, limit=POLLED)
        first = self._told.get(self.listing.symbol, rows[-1][0] - 1 if rows else 0)
        return [row for row in rows if row[0] > first]


def bar_of(row: Row, listing: Listing, millis: int, source: str, *, backfilled: bool = False) -> Bar:
    """Return the event of a candle that is complete; its volume is in coins."""
    start, opened, high, low, closed, volume = row[:6]
    units = listing.units(volume, closed)
    prices = (opened, high, low, closed)
    return Bar(listing.symbol, from_millis(start), *prices, units, millis * MILLISECOND, True, backfilled, None, source)


async def backfilled(exchange: Any, listing: Listing, candle: str, start: int, end: int) -> Iterable[MarketEvent]:
    """Return the complete bars with start <= event_time < end (nanoseconds UTC), oldest first."""
    length = exchange.parse_timeframe(candle) * 1000
    since, until = -(-start // MILLISECOND), to_millis(end - 1)
    until = min(until, int(time.time() * 1000) - length)  # the last one may still be running
    found: dict[float, Row] = {}
    while since <= until:
        page: Sequence[Row] = await exchange.fetch_ohlcv(listing.symbol, candle, since, PAGE)
        found.update((row[0], row) for row in page if since <= row[0] <= until)
        # An exchange that leaves out candles without trades may have none in a whole page.
        since = max([int(row[0]) + length for row in page], default=since + PAGE * length)
    return [bar_of(found[at], listing, length, exchange.id, backfilled=True) for at in sorted(found)]
