"""The feed."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

import aiohttp
import structlog
from yarl import URL

from feed_yfinance.charts import SECONDS, bars
from feed_yfinance.config import YahooConfig
from ml4t.live.clock import Clock, SystemClock
from ml4t.live.errors import UNKNOWN_SYMBOL, FeedDisconnected, FeedRefused, LiveError
from ml4t.live.feeds.polling import PollingFeed, RateLimited
from ml4t.live.feeds.retry_after import seconds_to_retry
from ml4t.live.model import Bar
from ml4t.live.times import NANOS

_DAY = 86_400 * NANOS
FARTHEST = {"1m": 7 * _DAY, "1d": 3_650 * _DAY}
"""How far back Yahoo lets anybody ask, by interval; with the others 59 days."""
NEWEST = 7 * _DAY
"""How far back it is looked for the newest bar: over a long weekend."""
UNWELCOME = frozenset({401, 403, 429, 999})
"""How Yahoo says that it wants to be left alone."""

_MACHINE = SystemClock()
_log = structlog.get_logger("ml4t.live.yfinance")


class YahooFeed(PollingFeed):
    """Bars as Yahoo Finance charts them, unadjusted for dividends, labelled by their start; many exchanges are delayed.

    A day is that of its exchange, from midnight to midnight, and complete when it is over.
    """

    def __init__(self, config: YahooConfig, *, clock: Clock = _MACHINE, rng: random.Random | None = None) -> None:
        super().__init__(config, clock=clock, rng=rng)
        self._config = config
        self._answered: set[str] = set()
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, symbol: str, since: int | None) -> list[Bar]:
        """Ask for the chart from `since` to now."""
        now = self._clock.now()
        farthest = now - FARTHEST.get(self._config.interval, 59 * _DAY)
        start = now - NEWEST if since is None else since - self._before()
        if since is not None and since < farthest:
            _log.warning("what was missed is further back than Yahoo tells", symbol=symbol, interval=self._config.interval)
        extended = "true" if self._config.extended_hours else "false"
        span = {"period1": max(start, farthest) // NANOS, "period2": now // NANOS + 1}
        said = await self._get(symbol, {"interval": self._config.interval, "includePrePost": extended, **span}, now)
        try:
            found = bars(said, symbol, self._config.interval)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LiveError(f"Yahoo's chart of {symbol} is not as it should be: {error!r}") from None
        self._answered.add(symbol)
        return found

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _before(self) -> int:
        """Return how much earlier to ask: a day is stamped with its opening, which is after its start."""
        return 0 if self._config.interval in SECONDS else _DAY

    async def _get(self, symbol: str, query: dict[str, Any], now: int) -> Any:
        url = URL(f"{self._config.url}/v8/finance/chart/{quote(symbol, safe='')}", encoded=True).with_query(query)
        try:
            async with self._client().get(url, allow_redirects=False) as response:
                status, body = response.status, await response.read()
                retry = seconds_to_retry(response.headers.get("Retry-After"), now)
        except (aiohttp.ClientError, OSError) as error:
            raise FeedDisconnected(
                f"Yahoo does not answer at {self._config.url} ({type(error).__name__}); check the network"
            ) from None
        if status in UNWELCOME:
            raise RateLimited(f"Yahoo answers {status}: it wants to be left alone", retry_after=retry)
        if status == 404 and symbol not in self._answered:
            raise FeedRefused(f"Yahoo does not know {symbol}; write it as its pages do", code=UNKNOWN_SYMBOL)
        if status != 200:
            raise LiveError(f"Yahoo answers {status} to {symbol}")
        try:
            return json.loads(body)
        except ValueError:
            raise LiveError("Yahoo answers with something that is no JSON") from None

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:  # the base bounds the time of a request
            headers = {"User-Agent": self._config.user_agent}
            self._session = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=None))
        return self._session
