"""What was missed: bars, trades and quotes of the past, within IB's limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import structlog
from ib_async import IB
from ib_async.wrapper import RequestError

from ml4t.live.errors import FeedDisconnected, LiveError
from ml4t.live.model import MarketEvent, Quote, Trade
from ml4t.live.times import NANOS, format_duration, to_datetime, to_nanoseconds
from ml4t_live_ib.codes import Action, action_of, sentence
from ml4t_live_ib.config import IBFeedConfig
from ml4t_live_ib.contracts import Listed
from ml4t_live_ib.pacing import Pacer
from ml4t_live_ib.session import Session
from ml4t_live_ib.streams import BAR_SECONDS, SOURCE, bar_of, shown

ANSWER_SECONDS = 60.0
"""How long IB may take over one request for history."""
ATTEMPTS = 4
LONGEST = ((5, 3_600), (15, 14_400), (30, 28_800))
"""Bars up to so many seconds long, and how many seconds of them IB gives at once; of longer ones, a day."""
DAY = 86_400
TICKS = 1_000
"""What IB gives at once of trades or quotes."""
NOTHING = "no data"
"""What IB says, among more, when a time has no history: it is no failure."""

_log = structlog.get_logger("ml4t_live_ib")


class HistoryRefused(LiveError):
    """IB does not give the history of an instrument."""


class History:
    """Fetches the past of an instrument in the kind of data that the feed delivers."""

    def __init__(self, session: Session, config: IBFeedConfig, pacer: Pacer) -> None:
        self._session = session
        self._config = config
        self._pacer = pacer

    async def fetch(self, listed: Listed, start: int, end: int) -> list[MarketEvent]:
        """Return what happened with start <= event_time < end, oldest first. Raises FeedDisconnected or HistoryRefused."""
        first = max(start, end - self._config.backfill)
        if first > start:
            longest = format_duration(self._config.backfill)
            _log.warning(f"{listed.symbol}: the gap is longer than backfill = {longest!r}; its beginning stays empty")
        kinds: dict[str, Callable[[Listed, int, int], AsyncIterator[MarketEvent]]] = {
            "trades": self._trades,
            "quotes": self._quotes,
        }
        kind = kinds.get(self._config.data, self._bars)
        return [event async for event in kind(listed, first, end) if first <= event.event_time < end]

    async def _bars(self, listed: Listed, start: int, end: int) -> AsyncIterator[MarketEvent]:
        size = "5 secs" if self._config.data == "bars" else self._config.bar_size
        seconds = BAR_SECONDS[size]
        longest = next((span for upto, span in LONGEST if seconds <= upto), DAY)
        what = shown(listed.contract, self._config.what_to_show)
        begin, last = start // NANOS // seconds * seconds, -(-end // NANOS)
        while begin < last:
            upto = min(begin + longest, last)
            duration = f"{max(30, -(-(upto - begin) // seconds) * seconds)} S"
            ask = partial(
                IB.reqHistoricalDataAsync,
                contract=listed.contract,
                endDateTime=to_datetime(upto * NANOS),
                durationStr=duration,
                barSizeSetting=size,
                whatToShow=what,
                useRTH=self._config.use_rth,
                formatDate=2,
                timeout=0,
            )
            for bar in await self._ask(listed, (duration, upto), ask):
                yield bar_of(listed.symbol, bar, seconds * NANOS, backfilled=True)
            begin = upto

    async def _trades(self, listed: Listed, start: int, end: int) -> AsyncIterator[MarketEvent]:
        async for tick in self._ticks(listed, "TRADES", start, end):
            yield Trade(listed.symbol, to_nanoseconds(tick.time), tick.price, tick.size, None, SOURCE, "", True)

    async def _quotes(self, listed: Listed, start: int, end: int) -> AsyncIterator[MarketEvent]:
        async for tick in self._ticks(listed, "BID_ASK", start, end):
            moment = to_nanoseconds(tick.time)
            yield Quote(listed.symbol, moment, tick.priceBid, tick.priceAsk, tick.sizeBid, tick.sizeAsk, None, SOURCE, True)

    async def _ticks(self, listed: Listed, what: str, start: int, end: int) -> AsyncIterator[Any]:
        begin = start // NANOS
        while begin * NANOS < end:
            ask = partial(
                IB.reqHistoricalTicksAsync,
                contract=listed.contract,
                startDateTime=to_datetime(begin * NANOS),
                endDateTime="",
                numberOfTicks=TICKS,
                whatToShow=what,
                useRth=self._config.use_rth,
            )
            ticks = await self._ask(listed, (what, begin), ask)
            for tick in ticks:
                yield tick
            if len(ticks) < TICKS:
                return
            begin = to_nanoseconds(ticks[-1].time) // NANOS + 1  # IB completes the last second of an answer

    async def _ask(self, listed: Listed, request: object, ask: Callable[[IB], Awaitable[Any]]) -> Any:
        """Return IB's answer; again after a pause when it came too soon."""
        for _ in range(ATTEMPTS):
            await self._pacer.wait(listed.contract.conId, (listed.symbol, request))
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await ask(self._session.ib)
            except RequestError as error:
                if NOTHING in error.message.lower():
                    return []
                if action_of(error.code, names_order=False) is not Action.PACING or "pacing" not in error.message.lower():
                    raise HistoryRefused(f"{listed.symbol}: {sentence(error.code, error.message)}") from None
                self._pacer.violated()
            except TimeoutError:
                raise HistoryRefused(f"{listed.symbol}: IB gave no history within {ANSWER_SECONDS:g} s") from None
            except ConnectionError as error:
                raise FeedDisconnected(f"the connection to TWS was lost during a backfill: {error}") from None
        raise HistoryRefused(f"{listed.symbol}: IB refuses its history for coming too soon, again and again")
