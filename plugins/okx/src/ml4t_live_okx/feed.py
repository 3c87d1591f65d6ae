"""The feed: OKX's market data, pushed as they come, and fetched where they were missed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog
from msgspec import DecodeError, Raw

from ml4t.live.adapters import first_of
from ml4t.live.contracts import Sink
from ml4t.live.errors import UNKNOWN_SYMBOL, FeedRefused, LiveError
from ml4t.live.model import Funding, MarketEvent
from ml4t.live.times import NANOS
from ml4t_live_okx.clock import check_clock
from ml4t_live_okx.config import OKXFeedConfig, from_environment
from ml4t_live_okx.errors import as_feed_errors
from ml4t_live_okx.instruments import Instruments, Listing
from ml4t_live_okx.line import Line
from ml4t_live_okx.records import (
    LENGTHS,
    SOURCE,
    Market,
    candle_rows,
    funding_rows,
    mark_rows,
    quote_rows,
    trade_rows,
)
from ml4t_live_okx.rest import Rest
from ml4t_live_okx.times import from_millis, to_millis
from ml4t_live_okx.wire import About, Arg

CHANNELS = {"trades": "trades", "all_trades": "trades-all", "quotes": "bbo-tbt"}
BUSINESS = ("trades-all", "candle")
"""What the names of channels begin with that are on the websocket `business`."""
PAGE = "100"
"""Trades or candles of history in one answer, the most that OKX gives."""
RECENT_CANDLES = 1_000
"""Candles that are asked for as recent ones; OKX keeps 1,440 of them, and older ones at another place."""

_log = structlog.get_logger("ml4t.live.okx")


class Ear:
    """What one run hears: each message becomes events, in order, and none twice."""

    def __init__(self, sink: Sink, listings: Iterable[Listing], candle: str) -> None:
        self._push = sink.push
        self._alive = sink.alive
        self._markets = {each.symbol: Market(each, candle) for each in listings}
        self._last: dict[str, int] = {}
        """By symbol, the last trade's id, or the start of the last complete bar, or the time of the last quote."""
        self._marks: dict[str, float] = {}
        self._hears: dict[str, Callable[[str, Raw], None]] = {
            "trades": self._hear_trades,
            "trades-all": self._hear_trades,
            "bbo-tbt": self._hear_quotes,
            "funding-rate": self._hear_funding,
            "mark-price": self._hear_marks,
            f"candle{candle}": self._hear_candles,
        }

    def hear(self, about: About, data: Raw) -> None:
        """Push what a message tells of. A malformed one is told of, and costs none of the others."""
        try:
            self._hears[about.channel](about.instId, data)
        except (DecodeError, KeyError, ValueError, IndexError) as error:
            _log.error("a message cannot be read", channel=about.channel, symbol=about.instId, error=repr(error))

    def _hear_trades(self, symbol: str, data: Raw) -> None:
        market, last = self._markets[symbol], self._last.get(symbol, -1)
        for row in trade_rows.decode(data):
            if row.tradeId > last:  # another connection that takes the place of this one tells some again
                self._last[symbol] = last = row.tradeId
                self._push(market.trade(row))

    def _hear_quotes(self, symbol: str, data: Raw) -> None:
        for row in quote_rows.decode(data):
            if row.ts >= self._last.get(symbol, -1) and (quote := self._markets[symbol].quote(row)) is not None:
                self._last[symbol] = row.ts
                self._push(quote)

    def _hear_candles(self, symbol: str, data: Raw) -> None:
        for row in candle_rows.decode(data):
            bar = self._markets[symbol].bar(row)
            if bar.complete and bar.event_time > self._last.get(symbol, -1):
                self._last[symbol] = bar.event_time
                self._push(bar)
            else:
                self._alive()

    def _hear_marks(self, symbol: str, data: Raw) -> None:
        for row in mark_rows.decode(data):
            self._marks[symbol] = row.markPx

    def _hear_funding(self, symbol: str, data: Raw) -> None:
        for row in funding_rows.decode(data):
            when = time.time_ns() if row.ts is None else from_millis(row.ts)
            due = from_millis(row.fundingTime)
            self._push(Funding(symbol, when, row.fundingRate, due, self._marks.get(symbol), None, SOURCE))


class OKXFeed:
    """Market data of spot pairs, swaps and futures from OKX. It needs no keys.

    Made from a configuration, or in code: `OKXFeed(symbols=["BTC-USDT", "ETH-USDT-SWAP"])`, with the options of
    `OKXFeedConfig`. Quantities are in coins, of contracts too.
    """

    def __init__(self, config: OKXFeedConfig | None = None, **options: Any) -> None:
        self._config = config or OKXFeedConfig(**from_environment(options, keys=False))
        self.symbols = self._config.symbols
        self._instruments = Instruments()

    async def run(self, sink: Sink) -> None:
        """Push events until cancelled. Raises FeedDisconnected, and FeedRefused when trying again would not help.

        Symbols that OKX does not know, or that have expired, are named in the log and left out; only when it knows none of
        them it is refused.
        """
        with as_feed_errors():
            async with Rest(self._config) as rest:
                await check_clock(rest)
                listings = await self._listings(rest)
            ear = Ear(sink, listings, self._config.candle)
            lines = [
                Line(self._config, endpoint, args, ear.hear, alive=sink.alive)
                for endpoint, args in self._args(listings).items()
            ]
            try:
                for line in lines:
                    await line.open()
                await first_of(*(line.run() for line in lines))
            finally:
                for line in lines:
                    await line.close()

    async def backfill(self, symbol: str, start: int, end: int) -> Iterable[MarketEvent]:
        """Return the events of `symbol` with start <= event_time < end (nanoseconds UTC), oldest first.

        Raises FeedDisconnected when OKX cannot be reached, LiveError for quotes, of which OKX has no history.
        """
        if self._config.data_type == "quotes":
            raise LiveError("OKX has no history of quotes")
        with as_feed_errors():
            async with Rest(self._config) as rest:
                listing = await self._instruments.get(symbol, rest)
                if listing is None:
                    return []
                market = Market(listing, self._config.candle)
                if self._config.data_type == "bars":
                    return await self._candles(rest, market, symbol, start, end)
                return await _trades(rest, market, symbol, start, end)

    async def _candles(self, rest: Rest, market: Market, symbol: str, start: int, end: int) -> list[MarketEvent]:
        length = LENGTHS[self._config.candle] * NANOS
        recent = start > time.time_ns() - RECENT_CANDLES * length
        path = "market/candles" if recent else "market/history-candles"
        query = {"instId": symbol, "bar": self._config.candle, "limit": PAGE, "after": to_millis(end + 999_999)}
        events: list[MarketEvent] = []
        while page := await rest.get(path, query):
            bars = [market.bar(row, backfilled=True) for row in page]
            events.extend(bar for bar in bars if bar.complete and start <= bar.event_time < end)
            if bars[-1].event_time < start:
                break
            query["after"] = page[-1][0]
        return events[::-1]

    async def _listings(self, rest: Rest) -> list[Listing]:
        found = {symbol: await self._instruments.get(symbol, rest) for symbol in self.symbols}
        unknown = [symbol for symbol, listing in found.items() if listing is None]
        listings = [listing for listing in found.values() if listing is not None]
        dead = [listing.why_dead for listing in listings if listing.why_dead]
        if unknown:
            _log.error("OKX does not know these symbols", symbols=unknown)
        if dead:
            _log.error("these symbols do not trade at OKX", why=dead)
        alive = [listing for listing in listings if not listing.why_dead]
        if not alive:
            said = "; ".join([f"OKX knows none of {', '.join(unknown)}"] * bool(unknown) + dead)
            raise FeedRefused(
                f"{said}; write spot as BTC-USDT, swaps as BTC-USDT-SWAP and futures as BTC-USDT-261225", code=UNKNOWN_SYMBOL
            )
        return alive

    def _args(self, listings: Iterable[Listing]) -> Mapping[str, list[Arg]]:
        """Return, by endpoint, what to subscribe to."""
        channel = CHANNELS.get(self._config.data_type, f"candle{self._config.candle}")
        args = [{"channel": channel, "instId": listing.symbol} for listing in listings]
        if self._config.funding:
            swaps = [listing.symbol for listing in listings if listing.kind == "SWAP"]
            args += [{"channel": name, "instId": symbol} for symbol in swaps for name in ("mark-price", "funding-rate")]
        sorted_out: dict[str, list[Arg]] = {}
        for arg in args:
            endpoint = "business" if arg["channel"].startswith(BUSINESS) else "public"
            sorted_out.setdefault(endpoint, []).append(arg)
        return sorted_out


async def _trades(rest: Rest, market: Market, symbol: str, start: int, end: int) -> list[MarketEvent]:
    """Page back from the end: the first page by time, which is cut to milliseconds, the others by the last trade's id."""
    query = {"instId": symbol, "type": "2", "limit": PAGE, "after": to_millis(end + 999_999)}
    events: list[MarketEvent] = []
    while page := await rest.get("market/history-trades", query):
        trades = [market.recorded(said) for said in page]
        events.extend(trade for trade in trades if start <= trade.event_time < end)
        if trades[-1].event_time < start:
            break
        query = {"instId": symbol, "type": "1", "limit": PAGE, "after": page[-1]["tradeId"]}
    return events[::-1]
