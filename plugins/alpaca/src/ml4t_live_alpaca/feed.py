"""The feed: Alpaca's market data, pushed as they come, and fetched where they were missed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from ml4t.live.adapters import first_of
from ml4t.live.contracts import Sink
from ml4t.live.errors import UNKNOWN_SYMBOL, BrokerConnectionError, FeedDisconnected, FeedRefused
from ml4t.live.model import Bar, MarketEvent
from ml4t_live_alpaca.assets import is_listed
from ml4t_live_alpaca.config import AlpacaFeedConfig, from_environment
from ml4t_live_alpaca.market import SharedStream
from ml4t_live_alpaca.records import BAR, MAKERS, recorded, streamed
from ml4t_live_alpaca.rest import RequestRefused, Rest
from ml4t_live_alpaca.sdk import BaseURL
from ml4t_live_alpaca.symbols import is_crypto
from ml4t_live_alpaca.times import to_text

KINDS = {"bars": ("b",), "updated_bars": ("b", "u"), "trades": ("t",), "quotes": ("q",)}
"""By `data_type`, the types of message that are listened to."""
HISTORIES = {"bars": "bars", "updated_bars": "bars", "trades": "trades", "quotes": "quotes"}
HALTED = frozenset({"H", "2", "P"})
"""Status codes of a halt (UTP H and P, CTA 2); any other ends it."""
PAGE = 10_000
"""Records of history in one answer, the most that Alpaca gives."""

_log = structlog.get_logger("ml4t.live.alpaca")


class Ear:
    """What one feed hears on one endpoint."""

    def __init__(self, sink: Sink, wants: Mapping[str, frozenset[str]], halted: set[str]) -> None:
        self.wants = wants
        self._push = sink.push
        self.alive = sink.alive
        self._halted = halted
        self._malformed = 0

    def hear(self, said: Mapping[str, Any]) -> None:
        """Push what a message tells of. A malformed one is counted and told of, and costs none of the others."""
        try:
            event = None if said["T"] == "s" else streamed(said)
            if event is None:
                self._note_status(said)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._malformed += 1
            kind, symbol = said.get("T"), said.get("S")
            _log.error("a message cannot be read", kind=kind, symbol=symbol, error=repr(error), so_far=self._malformed)
            return
        if event is not None:
            self._push(event)

    def _note_status(self, said: Mapping[str, Any]) -> None:
        symbol, code = said["S"], said.get("sc")
        if code in HALTED:
            self._halted.add(symbol)
            _log.warning("trading is halted", symbol=symbol, status=said.get("sm"), reason=said.get("rm"))
        elif symbol in self._halted:
            self._halted.discard(symbol)
            _log.warning("trading goes on", symbol=symbol, status=said.get("sm"))


class AlpacaFeed:
    """Market data of stocks and crypto from Alpaca.

    Made from a configuration, or in code: `AlpacaFeed(api_key=..., secret_key=..., symbols=["AAPL", "BTC/USD"])`, with the
    options of `AlpacaFeedConfig`; keys that are not given are those of ALPACA_API_KEY and ALPACA_SECRET_KEY. Stocks and crypto
    come over one connection each, which all feeds of a process share.
    """

    def __init__(self, config: AlpacaFeedConfig | None = None, **options: Any) -> None:
        self._config = config or AlpacaFeedConfig(**from_environment(options))
        self.symbols = self._config.symbols
        self._listed: frozenset[str] | None = None
        self._halted: set[str] = set()

    @property
    def halted(self) -> frozenset[str]:
        """The stocks in which trading is halted, as far as has been heard."""
        return frozenset(self._halted)

    async def run(self, sink: Sink) -> None:
        """Push events until cancelled. Raises FeedDisconnected, and FeedRefused when trying again would not help.

        Symbols that Alpaca does not know are named in the log and left out; only when it knows none of them it is refused.
        """
        listed = await self._known()
        self._halted.clear()
        endpoints = {self._endpoint(crypto=crypto): _of(listed, crypto=crypto) for crypto in (False, True)}
        await first_of(
            *(
                SharedStream.listen(self._config, endpoint, Ear(sink, self._wants(symbols), self._halted))
                for endpoint, symbols in endpoints.items()
                if symbols
            )
        )

    async def backfill(self, symbol: str, start: int, end: int) -> Iterable[MarketEvent]:
        """Return the events of `symbol` with start <= event_time < end (nanoseconds UTC), oldest first.

        Raises FeedDisconnected when Alpaca cannot be reached, RequestRefused when it does not give these data.
        """
        kind = HISTORIES[self._config.data_type]
        maker = MAKERS[KINDS[self._config.data_type][0]]
        version, path = ("v1beta3", f"/crypto/us/{kind}") if is_crypto(symbol) else ("v2", f"/stocks/{kind}")
        query = {"symbols": symbol, "start": to_text(start), "end": to_text(end - 1), "limit": str(PAGE), "sort": "asc"}
        query |= {"timeframe": "1Min"} if kind == "bars" else {}
        query |= {} if is_crypto(symbol) else {"feed": self._config.feed}
        rest = Rest(self._config)
        events: list[MarketEvent] = []
        try:
            while True:
                page = await rest.history(version, path, query)
                events.extend(recorded(maker, symbol, said) for said in (page.get(kind) or {}).get(symbol) or ())
                if not page.get("next_page_token"):
                    break
                query["page_token"] = page["next_page_token"]
        except BrokerConnectionError as error:
            raise FeedDisconnected(str(error)) from None
        finally:
            rest.close()
        now = time.time_ns()
        return [each for each in events if start <= each.event_time < end and not _is_running(each, now)]

    async def _known(self) -> frozenset[str]:
        """Return the symbols that Alpaca knows; asking for them tries the keys as well."""
        if self._listed is not None:
            return self._listed
        rest = Rest(self._config)
        try:
            listed = frozenset([symbol for symbol in self.symbols if await is_listed(symbol, rest)])
        except RequestRefused as refused:
            raise FeedRefused(str(refused), code=refused.code) from None
        except BrokerConnectionError as error:
            raise FeedDisconnected(str(error)) from None
        finally:
            rest.close()
        unknown = [symbol for symbol in self.symbols if symbol not in listed]
        if unknown:
            _log.error("Alpaca does not know these symbols", symbols=unknown)
        if not listed:
            raise FeedRefused(
                f"Alpaca knows none of {', '.join(unknown)}; write stocks as AAPL and crypto as BTC/USD", code=UNKNOWN_SYMBOL
            )
        self._listed = listed
        return listed

    def _wants(self, symbols: frozenset[str]) -> Mapping[str, frozenset[str]]:
        wants = dict.fromkeys(KINDS[self._config.data_type], symbols)
        stocks = _of(symbols, crypto=False)
        return {**wants, "s": stocks} if stocks else wants

    def _endpoint(self, *, crypto: bool) -> str:
        base = self._config.url.rstrip("/").replace("http", "ws", 1) or BaseURL.MARKET_DATA_STREAM.value
        return f"{base}/v1beta3/crypto/us" if crypto else f"{base}/v2/{self._config.feed}"


AlpacaDataFeed = AlpacaFeed
"""The name that earlier programs use."""


def _of(symbols: Iterable[str], *, crypto: bool) -> frozenset[str]:
    return frozenset(symbol for symbol in symbols if is_crypto(symbol) == crypto)


def _is_running(event: MarketEvent, now: int) -> bool:
    """True for the bar that has not ended yet; the stream brings it when it has."""
    return isinstance(event, Bar) and event.event_time + BAR > now
