"""A feed that asks: for sources that answer requests and push nothing.

A subclass writes `fetch`. What is hard about polling is here: one budget for all symbols, pauses when the source wants them,
bars that are still running, bars that come twice, and one symbol's trouble that must not be the others'.
"""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import structlog
from msgspec.structs import replace

from ml4t.live.adapters.bucket import TokenBucket
from ml4t.live.clock import Clock, SystemClock
from ml4t.live.contracts.feed import Sink
from ml4t.live.errors import NOT_SUBSCRIBED, UNKNOWN_SYMBOL, FeedDisconnected, FeedRefused, LiveError
from ml4t.live.feeds.polled import Polled
from ml4t.live.feeds.polling_config import PollingConfig
from ml4t.live.model import Bar
from ml4t.live.times import NANOS
from ml4t.live.waiting import first_of

LONGEST_PAUSE = 3_600.0
"""Seconds."""
JITTER = 0.25
"""Pauses are up to this fraction longer, so that several programs under one limit do not all come back at once."""
SAYS_SO_SECONDS = 5.0
"""How often a feed that waits for its own next turn says that its source is well."""
OF_ONE_SYMBOL = frozenset({UNKNOWN_SYMBOL, NOT_SUBSCRIBED})

_MACHINE = SystemClock()
_log = structlog.get_logger("ml4t.live.polling")


class RateLimited(LiveError):
    """The source wants fewer requests; `retry_after` is how many seconds it asked to be left alone, None if it did not say."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class PollingFeed(ABC):
    """The bars of several symbols from a source that has to be asked.

    What the source has when a run begins is its history, which core asks `backfill` for; what appears afterwards is pushed,
    each complete bar once and in order. A bar that was missed because requests for its symbol failed is pushed as
    `backfilled`. When the limit of the source is reached nothing at all is asked until the pause is over, and the engine
    finds the feed silent; a symbol that is refused is left out; one that fails waits by itself, and when all of them fail
    the source is lost.
    """

    historical = False

    def __init__(self, config: PollingConfig, *, clock: Clock = _MACHINE, rng: random.Random | None = None) -> None:
        self.symbols: Sequence[str] = config.symbols
        self._polling = config
        self._clock = clock
        self._rng = rng or random.Random(clock.now())  # noqa: S311 - jitter, not secrets
        burst = min(config.concurrency, config.requests)
        self._bucket = TokenBucket(config.requests, config.per / NANOS, burst=burst, clock=clock)
        self._pauses = 0
        self._users = 0

    @abstractmethod
    async def fetch(self, symbol: str, since: int | None) -> Iterable[Bar]:
        """Ask once, and return the bars of `symbol` from `since` on (their start, nanoseconds UTC); None: the newest there are.

        Earlier bars, bars that are known and any order are all right. A bar is taken as complete when its end is `delay`
        ago, unless it says `complete=False` itself. A client that blocks belongs into `asyncio.to_thread`.

        Raises `RateLimited`; `FeedDisconnected` when the source is lost, for every symbol; `FeedRefused` with the code
        `UNKNOWN_SYMBOL` or `NOT_SUBSCRIBED` for this symbol, with another one for all. Whatever else it raises, or that it
        takes longer than `timeout_seconds`, is this symbol's trouble.
        """

    async def close(self) -> None:  # noqa: B027 - there may be nothing to close
        """Close what `fetch` has opened; called when nothing is asked any more. `fetch` may be called again afterwards."""

    async def run(self, sink: Sink) -> None:
        """Poll until cancelled. Raises FeedDisconnected when no symbol can be had, FeedRefused when none ever will."""
        async with self._in_use():
            polled = {symbol: Polled(symbol, self._polling) for symbol in self.symbols}
            turns = asyncio.Semaphore(self._polling.concurrency)
            await first_of(self._say_so(sink, polled), *(self._follow(symbol, sink, polled, turns) for symbol in self.symbols))

    async def backfill(self, symbol: str, start: int, end: int) -> Sequence[Bar]:
        """Return the complete bars of `symbol` with start <= event_time < end (nanoseconds UTC), oldest first."""
        async with self._in_use():
            try:
                found = await self._ask(symbol, start)
            except FeedRefused as error:
                if error.code not in OF_ONE_SYMBOL:
                    raise
                return []
        bars = Polled(symbol, self._polling, known_until=start).complete(found, self._clock.now())
        return [replace(bar, backfilled=True) for bar in bars if bar.event_time < end]

    async def _follow(self, symbol: str, sink: Sink, polled: dict[str, Polled], turns: asyncio.Semaphore) -> None:
        """Poll one symbol for as long as the source will have it."""
        mine = polled[symbol]
        while True:
            try:
                async with turns:
                    found = await self._ask(symbol, mine.since)
            except FeedDisconnected:
                raise
            except FeedRefused as error:
                self._leave_out(mine, error, polled)
                await asyncio.get_running_loop().create_future()  # the others go on
            except Exception as error:  # noqa: BLE001 - one symbol's trouble, whatever it is, must not end the others
                self._note_failure(mine, error, polled)
            else:
                await self._push(mine, found, sink)
            await self._clock.sleep(mine.seconds_to_next(self._clock.now(), self._rng))

    async def _ask(self, symbol: str, since: int | None) -> Iterable[Bar]:
        """Ask in turn, and again after a pause when the source wants one."""
        while True:
            await self._bucket.turn()
            try:
                async with self._clock.timeout(self._polling.timeout_seconds):
                    found = await self.fetch(symbol, since)
            except TimeoutError:
                raise TimeoutError(f"no answer within {self._polling.timeout_seconds:g} s") from None
            except RateLimited as error:
                self._pause(error)
            else:
                self._pauses = 0
                return found

    def _pause(self, error: RateLimited) -> None:
        if self._bucket.held:  # what had left before the pause was refused as well
            return
        grown = min(self._polling.pause_seconds * 2.0 ** min(self._pauses, 16), LONGEST_PAUSE)
        seconds = max(grown, error.retry_after or 0.0) * (1.0 + self._rng.uniform(0.0, JITTER))
        self._pauses += 1
        self._bucket.hold(seconds)
        _log.warning("the source wants fewer requests; nothing is asked for a while", why=str(error), seconds=round(seconds))

    async def _push(self, mine: Polled, found: Iterable[Bar], sink: Sink) -> None:
        now = self._clock.now()
        if mine.failures:
            _log.info("a symbol is heard again", symbol=mine.symbol)
        sink.alive()
        if new := mine.take(found, now):
            sink.push_many(new)
        await sink.ready()

    @staticmethod
    def _leave_out(mine: Polled, error: FeedRefused, polled: dict[str, Polled]) -> None:
        if error.code not in OF_ONE_SYMBOL:
            raise error
        mine.refused = str(error)
        _log.error("a symbol is left out", symbol=mine.symbol, why=mine.refused)
        if all(each.refused for each in polled.values()):
            raise FeedRefused("; ".join(each.refused for each in polled.values()), code=error.code) from error

    def _note_failure(self, mine: Polled, error: Exception, polled: dict[str, Polled]) -> None:
        mine.failed(self._clock.now())
        why = str(error) or type(error).__name__
        if mine.failures == 1:
            _log.error("a symbol cannot be had; it is tried again", symbol=mine.symbol, why=why)
        if all(each.failures for each in polled.values() if not each.refused):
            raise FeedDisconnected(f"no symbol can be had; the last one, {mine.symbol}: {why}") from error

    async def _say_so(self, sink: Sink, polled: dict[str, Polled]) -> None:
        """Between two polls nothing is heard because nothing was asked: that is no silence of the source."""
        while True:
            await self._clock.sleep(SAYS_SO_SECONDS)
            if not self._bucket.held and any(each.is_well for each in polled.values()):
                sink.alive()

    @asynccontextmanager
    async def _in_use(self) -> AsyncIterator[None]:
        """A run and a backfill at once share what is open; the last one closes it."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                await self.close()
