"""Feeds at work: run, watched, reconnected, and their holes found and filled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.contracts.feed import Backfills, Feed
from ml4t.live.engine.inbox import Inbox
from ml4t.live.engine.parts import NamedFeed
from ml4t.live.engine.supervisor import Beacon
from ml4t.live.engine.waiting import first_of
from ml4t.live.errors import FeedDisconnected
from ml4t.live.journal import RecordKind
from ml4t.live.market import MarketState
from ml4t.live.model import Gap, MarketEvent
from ml4t.live.orders.desk import Recorder
from ml4t.live.times import NANOS

CHECKS_PER_SILENCE = 4


class Works(Protocol):
    """What a feed runner needs of the engine's works."""

    @property
    def clock(self) -> Clock:
        """The engine's time."""
        ...

    @property
    def market(self) -> MarketState:
        """The state of the market."""
        ...

    @property
    def record(self) -> Recorder:
        """The way into the journal."""
        ...

    @property
    def recorded(self) -> bool:
        """True when the data move the clock."""
        ...

    async def warm_up(self, feed: Feed) -> None:
        """Give the market state what an earlier run has processed."""
        ...


class FeedSink:
    """One feed's way into the inbox. It counts, so that silence is noticed without a clock call per event."""

    __slots__ = ("_push", "_push_many", "count", "ready")

    def __init__(self, inbox: Inbox) -> None:
        self._push = inbox.push
        self._push_many = inbox.push_many
        self.ready = inbox.ready
        self.count = 0

    def push(self, event: MarketEvent) -> None:
        """Take one event."""
        self.count += 1
        self._push(event)

    def push_many(self, events: Iterable[MarketEvent]) -> None:
        """Take a batch."""
        self.count += 1
        self._push_many(events)

    def alive(self) -> None:
        """Note that the source answered."""
        self.count += 1


class FeedRunner:
    """Runs one feed for as long as the supervisor wants it.

    A feed that delivers nothing and answers nothing for `silence_seconds` is taken to be lost. When a feed comes back, the
    time it was away is a gap per symbol: backfilled where the feed can, journalled either way. Silence means nothing in
    recorded data, and is not looked for there.
    """

    def __init__(self, named: NamedFeed, inbox: Inbox, works: Callable[[], Works | None], silence_seconds: float) -> None:
        self.name = named.name
        self.feed = named.feed
        self.runs = 0
        self._inbox = inbox
        self._works = works
        self._silence = silence_seconds
        self._lost_at: int | None = None

    async def run(self, beacon: Beacon) -> None:
        """Run the feed until its data end."""
        self.runs += 1
        beacon.ready()
        works = self._works()
        if works is not None and self._lost_at is not None:
            await self._fill_gap(works, self._lost_at)
            self._lost_at = None
        elif works is not None and self.runs == 1:
            await works.warm_up(self.feed)
        try:
            await self._watched()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._note_loss(error)
            raise

    async def _watched(self) -> None:
        sink = FeedSink(self._inbox)
        await first_of(self.feed.run(sink), self._until_silent(sink, self._silence))

    async def _until_silent(self, sink: FeedSink, seconds: float) -> None:
        count, quiet = sink.count, 0
        while quiet < CHECKS_PER_SILENCE:
            works = self._works()
            clock = works.clock if works is not None else SystemClock()
            await clock.sleep(seconds / CHECKS_PER_SILENCE)
            recorded = works is not None and works.recorded
            quiet = quiet + 1 if sink.count == count and not recorded else 0
            count = sink.count
        raise FeedDisconnected(f"nothing has been heard from {self.name} for {seconds:g} s")

    def _note_loss(self, error: BaseException) -> None:
        works = self._works()
        if works is not None:
            self._lost_at = works.clock.now()
            works.record(RecordKind.HEALTH, f"feed {self.name}", {"state": "lost", "why": str(error) or repr(error)})

    async def _fill_gap(self, works: Works, lost_at: int) -> None:
        end = works.clock.now()
        for symbol in self.feed.symbols:
            state = works.market.get(symbol)
            start = min(lost_at, state.event_time + 1) if state is not None and state.event_time else lost_at
            recovered: int | None = None
            if isinstance(self.feed, Backfills):
                events = [event for event in await self.feed.backfill(symbol, start, end) if event.event_time >= start]
                recovered = len(events)
                self._inbox.push_many(events)
            works.record(RecordKind.GAP, symbol, Gap(symbol, start, end, "disconnect", self.name, recovered))


class SymbolLiveness:
    """Notices symbols that have gone quiet while their feed has not, and says so once until they come back."""

    def __init__(self, market: MarketState, clock: Clock, record: Recorder, silence_seconds: float) -> None:
        self._market = market
        self._clock = clock
        self._record = record
        self._silence = round(silence_seconds * NANOS)
        self._quiet: dict[str, int] = {}

    @property
    def quiet(self) -> tuple[str, ...]:
        """The symbols that are quiet now."""
        return tuple(self._quiet)

    def look(self, _due: int = 0) -> None:
        """Compare every symbol's last event with the clock."""
        now = self._clock.now()
        for symbol, state in self._market.symbols.items():
            silent = now - state.seen_at > self._silence
            if silent and symbol not in self._quiet:
                self._quiet[symbol] = state.seen_at
                self._record(RecordKind.HEALTH, symbol, {"state": "quiet", "since": state.seen_at})
            elif not silent and symbol in self._quiet:
                since = self._quiet.pop(symbol)
                self._record(RecordKind.GAP, symbol, Gap(symbol, since, state.seen_at, "silence"))
