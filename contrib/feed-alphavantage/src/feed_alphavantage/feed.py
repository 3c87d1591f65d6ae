"""The feed."""

from __future__ import annotations

import json
import random
from typing import Any

import aiohttp
import structlog

from feed_alphavantage.answers import bars, check, minutes
from feed_alphavantage.config import AlphaVantageConfig
from ml4t.live.clock import Clock, SystemClock
from ml4t.live.errors import UNAUTHORIZED, UNKNOWN_SYMBOL, FeedDisconnected, FeedRefused, LiveError
from ml4t.live.feeds.polling import PollingFeed, RateLimited
from ml4t.live.feeds.retry_after import seconds_to_retry
from ml4t.live.model import Bar
from ml4t.live.times import NANOS

COMPACT = 100
"""Bars in an answer that is not the full one."""
_MACHINE = SystemClock()
_DAY = 86_400 * NANOS

_log = structlog.get_logger("ml4t.live.alphavantage")


class AlphaVantageFeed(PollingFeed):
    """Daily or intraday bars, unadjusted, labelled by their start; a day is that of New York, and complete when it is over."""

    def __init__(self, config: AlphaVantageConfig, *, clock: Clock = _MACHINE, rng: random.Random | None = None) -> None:
        super().__init__(config, clock=clock, rng=rng)
        self._config = config
        self._length = _DAY if config.interval == "1d" else minutes(config.interval)
        self._answered: set[str] = set()
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, symbol: str, since: int | None) -> list[Bar]:
        """Ask for the newest bars, or the full history when those do not reach back to `since`."""
        now = self._clock.now()
        full = since is not None and self._config.full and now - since > COMPACT * self._length
        said = await self._get({**self._query(symbol), "outputsize": "full" if full else "compact"}, now)
        found = self._bars(said, symbol)
        if since is not None and not full and len(found) >= COMPACT and found[0].event_time > since:
            _log.warning("what was missed is longer than what the key may see; full = true takes a paid key", symbol=symbol)
        return found

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _query(self, symbol: str) -> dict[str, str]:
        shared = {"symbol": symbol, "datatype": "json", "apikey": self._config.api_key.reveal()}
        if self._config.interval == "1d":
            return {"function": "TIME_SERIES_DAILY", **shared}
        extended = "true" if self._config.extended_hours else "false"
        intraday = {"interval": self._config.interval, "adjusted": "false", "extended_hours": extended}
        return {"function": "TIME_SERIES_INTRADAY", **shared, **intraday}

    def _bars(self, said: Any, symbol: str) -> list[Bar]:
        try:
            found = bars(check(said, symbol), symbol, self._config.interval)
        except FeedRefused as error:
            # "Invalid API call" is also what they say when something of theirs is wrong.
            if error.code == UNKNOWN_SYMBOL and symbol in self._answered:
                raise LiveError(f"Alpha Vantage does not know {symbol} any more, and did before") from None
            raise
        except (KeyError, TypeError) as error:
            raise ValueError(f"Alpha Vantage's bars are not as they should be: {error!r}") from None
        self._answered.add(symbol)
        return found

    async def _get(self, query: dict[str, str], now: int) -> Any:
        """Ask. The texts of aiohttp's errors quote the address, and so the key: only their kind is told."""
        try:
            async with self._client().get(f"{self._config.url}/query", params=query, allow_redirects=False) as response:
                status, body = response.status, await response.read()
                retry = seconds_to_retry(response.headers.get("Retry-After"), now)
        except (aiohttp.ClientError, OSError) as error:
            raise FeedDisconnected(
                f"Alpha Vantage does not answer at {self._config.url} ({type(error).__name__}); check the network"
            ) from None
        if status == 429:
            raise RateLimited("Alpha Vantage answers 429, too many requests", retry_after=retry)
        if status in {401, 403}:
            raise FeedRefused(f"Alpha Vantage answers {status} to this key; check api_key", code=UNAUTHORIZED)
        if status != 200:
            raise LiveError(f"Alpha Vantage answers {status}")
        try:
            return json.loads(body)
        except ValueError:
            raise LiveError("Alpha Vantage answers with something that is no JSON") from None

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:  # the base bounds the time of a request
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        return self._session
