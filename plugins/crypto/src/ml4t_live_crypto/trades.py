"""The trades of one symbol: heard or asked for, each once, and those that were missed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import define, field

from ml4t.live.errors import FeedDisconnected, LiveError
from ml4t.live.model import MarketEvent, Trade
from ml4t_live_crypto.config import CryptoFeedConfig
from ml4t_live_crypto.exchange import UNREAD
from ml4t_live_crypto.habits import habits_of
from ml4t_live_crypto.markets import Listing
from ml4t_live_crypto.times import from_millis, numbered, to_millis

REMEMBERED = 5_000
"""Ids of trades that are kept to know one that is told twice."""
POLLED = 500
"""Trades that are asked for at a time where there is no websocket."""

Row = Mapping[str, Any]


@define
class Told:
    """What has been told of one symbol's trades; it outlives a connection."""

    ids: dict[str, None] = field(factory=dict)
    """The ids of the last ones that were heard."""
    latest: int = 0
    """The time of the last one that was heard or fetched, nanoseconds UTC."""
    filled: int = 0
    """Up to when, nanoseconds UTC, a hole has been filled since the connection began; 0 when none has."""


class Times:
    """Gives every trade of a symbol a time of its own, in their order."""

    def __init__(self) -> None:
        self._last = 0
        self._millis = 0
        self._same = 0

    def of(self, row: Row) -> int:
        """Return the time of the next trade, nanoseconds UTC."""
        millis = int(row["timestamp"])
        self._same = self._same + 1 if millis == self._millis else 0
        self._millis = millis
        time = numbered(millis, row["id"] or "")
        if time is None:
            time = from_millis(millis) + self._same
        self._last = time if time > self._last else self._last + 1
        return self._last


class Trades:
    """One symbol's trades."""

    def __init__(self, exchange: Any, listing: Listing, config: CryptoFeedConfig, told: Told) -> None:
        self.listing = listing
        self._exchange = exchange
        self._habits = habits_of(exchange.id)
        self._poll_seconds = config.poll_seconds
        self._streams = exchange.has.get("watchTrades") is True
        self._told = told
        self._began = time.time_ns()
        self._times = Times()
        self._polled = False
        self._has_joined = not self._streams or self._habits.earlier is None

    async def read(self) -> list[MarketEvent]:
        """Return the trades that have happened since; waits until there are some."""
        rows = await (self._watched() if self._streams else self._asked())
        told, recent, events = self._told, self._told.ids, list[MarketEvent]()
        symbol, source, units = self.listing.symbol, self._exchange.id, self.listing.units
        for row in rows:
            trade_id = row["id"] or ""
            if trade_id in recent:
                continue
            if trade_id:
                recent[trade_id] = None
            price = row["price"]
            told.latest = self._times.of(row)
            events.append(Trade(symbol, told.latest, price, units(row["amount"], price), None, source, trade_id))
        while len(recent) > REMEMBERED:
            del recent[next(iter(recent))]
        return [*await self._between(events[0].event_time), *events] if events and not self._has_joined else events

    async def _between(self, first: int) -> Iterable[MarketEvent]:
        """Return what happened after the hole was filled and before the subscription told of anything.

        The engine fills a hole when a feed has been quiet for long, and cannot know that it was not subscribed yet.
        """
        self._has_joined, filled = True, self._told.filled
        if not filled or first <= filled:
            return []
        return await backfilled(self._exchange, self.listing, self._told, filled, first)

    async def is_behind(self) -> bool:
        """Ask the exchange whether anything has happened that was not told."""
        rows = await self._exchange.fetch_trades(self.listing.symbol, limit=1)
        if not rows or rows[-1]["id"] in self._told.ids:
            return False
        return Times().of(rows[-1]) > max(self._told.latest, self._began)

    async def _watched(self) -> Sequence[Row]:
        symbol = self.listing.symbol
        rows: Sequence[Row] = await self._exchange.watch_trades(symbol, params=dict(self._habits.watch_trades))
        if len(rows) >= UNREAD:
            raise FeedDisconnected(f"more than {UNREAD:,} trades of {symbol} came before they were read; some are lost")
        kept = self._exchange.trades.get(symbol)
        if kept is not None:
            kept.clear()  # what has been read need not be kept, so that nothing has to be forgotten
        return rows

    async def _asked(self) -> Sequence[Row]:
        """Ask again and again; the first answer only says where the new ones begin."""
        while True:
            if self._polled:
                await asyncio.sleep(self._poll_seconds)
            rows: Sequence[Row] = await self._exchange.fetch_trades(self.listing.symbol, limit=POLLED)
            new = [row for row in rows if row["id"] not in self._told.ids]
            first, self._polled = not self._polled, True
            if first:
                self._told.ids.update(dict.fromkeys(row["id"] for row in new))
            elif new and len(new) == len(rows) >= POLLED:
                raise FeedDisconnected(f"more than {POLLED} trades of {self.listing.symbol} happened between two questions")
            elif new:
                return new


async def backfilled(exchange: Any, listing: Listing, told: Told, start: int, end: int) -> Iterable[MarketEvent]:
    """Return the trades with start <= event_time < end (nanoseconds UTC), oldest first.

    Raises LiveError when the exchange gives no history that reaches back to `start`.
    """
    rows = await (_backwards if habits_of(exchange.id).earlier else _forwards)(exchange, listing.symbol, start, end)
    times, events = Times(), list[MarketEvent]()
    for row in rows:
        when, price = times.of(row), row["price"]
        if start <= when < end:
            told.latest = max(told.latest, when)
            size = listing.units(row["amount"], price)
            events.append(Trade(listing.symbol, when, price, size, None, exchange.id, row["id"] or "", True))
    return events


async def _backwards(exchange: Any, symbol: str, start: int, _end: int) -> list[Row]:
    """Page back from now, by the number of the first trade of each page."""
    habits = habits_of(exchange.id)
    pages: list[Sequence[Row]] = []
    seen = set[str]()
    params: Mapping[str, Any] = {}
    while page := await exchange.fetch_trades(symbol, limit=habits.page, params=dict(params)):
        new = [row for row in page if row["id"] not in seen]
        seen.update(row["id"] for row in new)
        pages.append(new)
        if not new or new[0]["timestamp"] < to_millis(start) or habits.earlier is None:
            break
        params = habits.earlier(new[0]["id"])
    return [row for page in reversed(pages) for row in page]


async def _forwards(exchange: Any, symbol: str, start: int, end: int) -> list[Row]:
    """Page on from the start, by the time of the last trade of each page. Some exchanges tell of the latest only."""
    since, until = to_millis(start), to_millis(end)
    latest: list[Row] = await exchange.fetch_trades(symbol)
    if not latest or latest[0]["timestamp"] < since:
        return latest
    rows: dict[str, Row] = {}
    while page := await exchange.fetch_trades(symbol, since):
        if not rows and _name(page[0]) == _name(latest[0]):
            raise LiveError(f"{exchange.id} has no history of trades of {symbol} that reaches back to what was missed")
        count = len(rows)
        rows.update((_name(row), row) for row in page)
        since = page[-1]["timestamp"]
        if len(rows) == count or since >= until:
            break
    return list(rows.values())


def _name(row: Row) -> str:
    return row["id"] or f"{row['timestamp']} {row['price']} {row['amount']}"
