"""The feed: one connection to TWS or the Gateway, and one subscription per symbol."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import structlog
from ib_async import IB

from ml4t.live.contracts import Sink
from ml4t.live.errors import NOT_SUBSCRIBED, UNKNOWN_SYMBOL, FeedDisconnected, FeedRefused
from ml4t.live.model import MarketEvent
from ml4t_live_ib.codes import Action, action_of, sentence
from ml4t_live_ib.config import MARKET_DATA_TYPES, IBFeedConfig
from ml4t_live_ib.contracts import Contracts, Listed, UnknownInstrument
from ml4t_live_ib.history import History
from ml4t_live_ib.pacing import PENALTY_SECONDS, Pacer
from ml4t_live_ib.session import Session
from ml4t_live_ib.stall import StallWatch
from ml4t_live_ib.streams import Stream, make_stream

RIVAL_SECONDS = 60.0
"""How long the data are left to another login of the same user before they are asked for again."""
RIVAL = "different ip address"
"""What IB says, among more, when it is another login that keeps the data from this one."""
TOO_SOON = "pacing"
"""What IB says, among more, when data were asked for too often; what else it says with the same codes holds for good."""
SUBSCRIBE = "subscribe to its exchange in IB's Client Portal (Market Data), or set market_data_type = 'delayed'"

_REFUSALS = {
    Action.NO_CONTRACT: (UNKNOWN_SYMBOL, "look the name up in TWS, under Contract Info"),
    Action.NO_DATA: (NOT_SUBSCRIBED, SUBSCRIBE),
    Action.PACING: (NOT_SUBSCRIBED, SUBSCRIBE),
    Action.NO_LINE: (NOT_SUBSCRIBED, "listen to fewer symbols at once, or have more lines added to the account"),
}
"""What is left out for good, with the code of the mistake and the remedy."""

_log = structlog.get_logger("ml4t_live_ib")


class IBDataFeed:
    """Market data from Interactive Brokers: `IBDataFeed(symbols=["AAPL", "MSFT"])`.

    Made from a config, or from the options of one; see `IBFeedConfig`. A symbol that IB does not know, or that the account has
    no data for, is left out and said so; the others go on. `refused` says which, and why.
    """

    def __init__(self, config: IBFeedConfig | None = None, /, **options: Any) -> None:
        self.config = config or IBFeedConfig(**options)
        self.symbols: Sequence[str] = self.config.symbols
        self.refused: dict[str, str] = {}
        self._session = Session(
            self.config,
            FeedDisconnected,
            wire=self._wire,
            on_code=self._on_code,
            on_loss=lambda why: self._fail(FeedDisconnected(why)),
            on_alive=self._on_alive,
        )
        self._contracts = Contracts(self._session)
        self._pacer = Pacer(self.config.history_requests)
        self._watch = StallWatch(self.config.stall_seconds)
        self._history = History(self._session, self.config, self._pacer)
        self._stream: Stream
        self._sink: Sink
        self._failure: asyncio.Future[NoReturn]
        self._listed: dict[str, Listed] = {}
        self._batch: list[MarketEvent] = []
        self._subscribed = asyncio.Event()
        self._rival_until = 0.0

    async def run(self, sink: Sink) -> None:
        """Connect, subscribe and push events until cancelled.

        Raises FeedDisconnected when the connection is lost, when TWS has been cut off from IB, and when another login has the
        data; FeedRefused when no symbol is left.
        """
        self._sink = sink
        self._failure = asyncio.get_running_loop().create_future()
        self._stream = make_stream(self.config, self._batch.append)
        self.refused.clear()
        self._listed.clear()
        self._batch.clear()
        self._contracts.forget()
        try:
            await self._session.open()
            subscribing = asyncio.get_running_loop().create_task(self._subscribe_all(), name="ib subscribe")
            subscribing.add_done_callback(self._on_subscribed)
            try:
                await self._failure
            finally:
                subscribing.cancel()
                await asyncio.gather(subscribing, return_exceptions=True)
        finally:
            self._end()

    async def backfill(self, symbol: str, start: int, end: int) -> Iterable[MarketEvent]:
        """Return what happened to a symbol with start <= event_time < end (nanoseconds UTC), oldest first.

        It goes back `backfill` at most, and takes as long as IB's limits ask for.
        """
        await self._subscribed.wait()
        listed = self._listed.get(symbol)
        return [] if listed is None else await self._history.fetch(listed, start, end)

    # ------------------------------------------------------------------ subscribing

    async def _subscribe_all(self) -> None:
        await asyncio.sleep(max(0.0, self._rival_until - time.monotonic()))
        kind = MARKET_DATA_TYPES.index(self.config.market_data_type) + 1
        self._session.client.reqMarketDataType(kind)
        for symbol in self.symbols:
            try:
                listed = await self._contracts.find(symbol)
            except UnknownInstrument as error:
                self._refuse(symbol, str(error), UNKNOWN_SYMBOL)
                continue
            self._listed[symbol] = listed
            await self._subscribe(listed)
        self._watch.begin()
        self._subscribed.set()

    def _on_subscribed(self, subscribing: asyncio.Task[None]) -> None:
        error = None if subscribing.cancelled() else subscribing.exception()
        if error is not None:
            self._fail(error)

    async def _subscribe(self, listed: Listed) -> None:
        if self._stream.is_history:
            await self._pacer.wait(listed.contract.conId)
        client = self._session.client
        number = client.getReqId()
        self._stream.symbols[number] = listed.symbol
        self._stream.subscribe(client, number, listed.contract)

    def _refuse(self, symbol: str, why: str, code: str) -> None:
        self.refused[symbol] = why
        self._listed.pop(symbol, None)
        _log.error(f"{symbol} is left out: {why}")
        if len(self.refused) == len(set(self.symbols)):
            self._fail(FeedRefused("; ".join(f"{each}: {reason}" for each, reason in self.refused.items()), code=code))

    # ------------------------------------------------------------------ the session

    def _wire(self, ib: IB) -> None:
        self._stream.wire(self._session, ib)
        ib.updateEvent += self._session.guard(self._flush)

    def _on_alive(self) -> None:
        stalled = self._watch.complaint(self._listed.values()) if self._subscribed.is_set() else ""
        if stalled:
            self._session.lose(f"{stalled}; every subscription begins anew")
        else:
            self._sink.alive()

    def _flush(self) -> None:
        """Hand on what one read of the socket brought."""
        if self._batch:
            events, self._batch[:] = list(self._batch), []
            self._watch.heard(events)
            self._sink.push_many(events)

    def _on_code(self, number: int, code: int, text: str) -> None:
        action, why = action_of(code, names_order=False), sentence(code, text)
        symbol = self._stream.symbols.get(number)
        if action is Action.COMPETING or (symbol is not None and RIVAL in text.lower()):
            self._rival_until = time.monotonic() + RIVAL_SECONDS
            self._session.lose(f"{why}; log the other one out. The data are asked for again in {RIVAL_SECONDS:g} s")
        elif action is Action.RESTORED or (action is Action.AGAIN and symbol is not None):
            self._session.lose(f"{why}; every subscription begins anew")
        elif symbol is None:
            _log.warning(why) if action is Action.OUTAGE else _log.info(why)
        elif action is Action.PACING and TOO_SOON in text.lower():
            self._pacer.violated()
            self._session.lose(f"{why}; every subscription begins anew in {PENALTY_SECONDS:g} s")
        elif action in _REFUSALS:
            del self._stream.symbols[number]
            mistake, remedy = _REFUSALS[action]
            self._refuse(symbol, f"{why}; {remedy}", mistake)
        else:
            _log.warning(why, symbol=symbol)

    def _fail(self, error: BaseException) -> None:
        if not self._failure.done():
            self._failure.set_exception(error)

    def _end(self) -> None:
        self._subscribed.clear()
        self._session.close()
        if not self._failure.cancel() and not self._failure.cancelled():
            self._failure.exception()
