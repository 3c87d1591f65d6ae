"""The feed: an exchange's market data through ccxt, pushed as they come, and fetched where they were missed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import structlog
from attrs import define

from ml4t.live.adapters import first_of
from ml4t.live.contracts import Sink
from ml4t.live.errors import UNKNOWN_SYMBOL, FeedDisconnected, FeedRefused, LiveError
from ml4t.live.model import MarketEvent
from ml4t_live_crypto import candles, trades
from ml4t_live_crypto.candles import Candles
from ml4t_live_crypto.config import CryptoFeedConfig
from ml4t_live_crypto.errors import as_feed_errors, said
from ml4t_live_crypto.exchange import let_go, made, prepare
from ml4t_live_crypto.markets import Listing, listing_of
from ml4t_live_crypto.quotes import FundingRates, Quotes
from ml4t_live_crypto.sdk import errors as theirs
from ml4t_live_crypto.trades import Told, Trades

HOW = "write spot as BTC/USDT and linear swaps as BTC/USDT:USDT"

_log = structlog.get_logger("ml4t.live.crypto")


class Source(Protocol):
    """One symbol's data of one kind."""

    listing: Listing

    async def read(self) -> Sequence[MarketEvent]:
        """Return what has happened since; waits until something is heard."""
        ...


class Watchable(Source, Protocol):
    """A source that can be asked whether it is deaf."""

    async def is_behind(self) -> bool:
        """Ask the exchange whether anything has happened that was not told."""
        ...


@define(eq=False)
class Ear:
    """What is heard of one symbol, and how often."""

    source: Watchable
    heard: int = 0
    dropped: bool = False
    """True once the exchange has refused its subscription."""


class CryptoFeed:
    """Market data of spot pairs and swaps from any exchange of ccxt's. It needs no keys.

    Made from a configuration, or in code: `CryptoFeed(exchange="binance", symbols=["BTC/USDT"])`, with the options of
    `CryptoFeedConfig`. Quantities are in coins, of contracts too.
    """

    def __init__(self, config: CryptoFeedConfig | None = None, **options: Any) -> None:
        self._config = config or CryptoFeedConfig(**options)
        self.symbols = self._config.symbols
        made(self._config)  # what cannot be is told now, not when it runs
        self._exchange: Any = None
        self._trades = {symbol: Told() for symbol in self.symbols}
        self._candles: dict[str, float] = {}

    async def run(self, sink: Sink) -> None:
        """Push events until cancelled. Raises FeedDisconnected, and FeedRefused when trying again would not help.

        Symbols that the exchange does not know, or that do not trade, are named in the log and left out; only when there is no
        other it is refused.
        """
        for told in self._trades.values():
            told.filled = 0
        with as_feed_errors(self._config.exchange):
            exchange = made(self._config)
            try:
                await prepare(exchange)
                listings = self._listings(exchange)
                self._exchange = exchange
                await first_of(*self._works(exchange, listings, sink))
            finally:
                self._exchange = None
                await let_go(exchange)

    async def backfill(self, symbol: str, start: int, end: int) -> Iterable[MarketEvent]:
        """Return the events of `symbol` with start <= event_time < end (nanoseconds UTC), oldest first.

        Raises FeedDisconnected when the exchange cannot be reached, LiveError for what it has no history of.
        """
        if self._config.data_type == "quotes":
            raise LiveError(f"{self._config.exchange} has no history of quotes")
        told = self._trades.setdefault(symbol, Told())
        told.filled = end  # before anything is waited for: what is heard meanwhile has to know
        with as_feed_errors(self._config.exchange):
            async with self._connected() as exchange:
                listing = listing_of(exchange, symbol)
                if listing is None:
                    return []
                if self._config.data_type == "bars":
                    return await candles.backfilled(exchange, listing, self._config.candle, start, end)
                return await trades.backfilled(exchange, listing, told, start, end)

    # ------------------------------------------------------------------ inside

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        """Give the exchange that runs, or another one for as long as it is needed."""
        if self._exchange is not None:
            yield self._exchange
            return
        exchange = made(self._config)
        try:
            await prepare(exchange)
            yield exchange
        finally:
            await let_go(exchange)

    def _listings(self, exchange: Any) -> list[Listing]:
        found = {symbol: listing_of(exchange, symbol) for symbol in self.symbols}
        unknown = [symbol for symbol, listing in found.items() if listing is None]
        known = [listing for listing in found.values() if listing is not None]
        dead = [listing.why_dead for listing in known if listing.why_dead]
        if unknown:
            _log.error("the exchange does not know these symbols", exchange=exchange.id, symbols=unknown)
        if dead:
            _log.error("these symbols do not trade", exchange=exchange.id, why=dead)
        alive = [listing for listing in known if not listing.why_dead]
        if not alive:
            words = "; ".join([f"{exchange.id} knows none of {', '.join(unknown)}"] * bool(unknown) + dead)
            raise FeedRefused(f"{words}; {HOW}", code=UNKNOWN_SYMBOL)
        return alive

    def _works(self, exchange: Any, listings: Sequence[Listing], sink: Sink) -> Iterable[Coroutine[Any, Any, None]]:
        ears = [Ear(self._source(exchange, listing)) for listing in listings]
        for ear in ears:
            yield self._listen(ear, ears, sink)
            if isinstance(ear.source, Candles):
                yield _push(ear.source.overdue, sink, lambda: None)
        if self._config.funding:
            for listing in listings:
                if listing.kind == "swap":
                    yield _push(FundingRates(exchange, listing).read, sink, lambda: None)
        yield self._watch(ears, sink)

    def _source(self, exchange: Any, listing: Listing) -> Watchable:
        if self._config.data_type == "bars":
            return Candles(exchange, listing, self._config, self._candles)
        if self._config.data_type == "quotes":
            return Quotes(exchange, listing, self._config)
        return Trades(exchange, listing, self._config, self._trades[listing.symbol])

    async def _listen(self, ear: Ear, ears: Sequence[Ear], sink: Sink) -> None:
        """Push what is heard of one symbol. A subscription that is refused costs no other: ccxt tells all of them of it."""

        def count() -> None:
            ear.heard += 1

        while not ear.dropped:
            try:
                await _push(ear.source.read, sink, count)
            except theirs.ExchangeError as error:
                guilty = next((each for each in ears if _names(error, each.source.listing)), None)
                if guilty is None:
                    raise
                if not guilty.dropped:
                    guilty.dropped = True
                    symbol = guilty.source.listing.symbol
                    _log.error("the exchange refuses a subscription", symbol=symbol, why=said(error))
        if all(each.dropped for each in ears):
            raise FeedRefused(f"{self._config.exchange} refuses every subscription; {HOW}", code=UNKNOWN_SYMBOL)
        await asyncio.get_running_loop().create_future()

    async def _watch(self, ears: Sequence[Ear], sink: Sink) -> None:
        """Ask about every symbol that has been silent for long. A stream that answers pings may be deaf all the same."""
        silence = self._config.silence_seconds
        while True:
            before = [ear.heard for ear in ears]
            await asyncio.sleep(silence)
            for ear, heard in zip(ears, before, strict=True):
                if ear.heard == heard and not ear.dropped and await ear.source.is_behind():
                    await asyncio.sleep(min(1.0, silence / 4))  # it may have been on its way
                    if ear.heard == heard:
                        symbol = ear.source.listing.symbol
                        raise FeedDisconnected(f"{self._config.exchange} tells nothing more of {symbol}, which goes on trading")
            sink.alive()


async def _push(read: Callable[[], Coroutine[Any, Any, Sequence[MarketEvent]]], sink: Sink, heard: Callable[[], None]) -> None:
    while True:
        events = await read()
        heard()
        if events:
            sink.push_many(events)


def _names(error: Exception, listing: Listing) -> bool:
    """Return True when an error speaks of a market by its name."""
    names = "|".join(re.escape(name) for name in (listing.venue_id, listing.symbol))
    return re.search(rf"(?<![\w/-])({names})(?![\w/:-])", str(error), re.IGNORECASE) is not None
