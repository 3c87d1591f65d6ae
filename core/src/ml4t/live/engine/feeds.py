"""Feeds at work: run, watched, reconnected, and their holes found and filled."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.contracts.feed import Backfills
from ml4t.live.engine.hole import Hole, Known
from ml4t.live.engine.inbox import Inbox
from ml4t.live.engine.merge import Lane
from ml4t.live.engine.parts import NamedFeed
from ml4t.live.engine.supervisor import Beacon
from ml4t.live.engine.warmup import WarmUp
from ml4t.live.errors import FeedDisconnected, FeedRefused
from ml4t.live.journal import RecordKind
from ml4t.live.market import MarketState
from ml4t.live.model import Gap, MarketEvent
from ml4t.live.orders.ports import Recorder
from ml4t.live.waiting import first_of

CHECKS_PER_SILENCE = 4

REJOIN_SECONDS = 5.0
"""How long a feed that has come back may be quiet before its hole is filled without knowing where it ends."""


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

    @property
    def past(self) -> WarmUp | None:
        """What takes the history that a live run begins with, None when none is wanted."""
        ...


class FeedGivenUp(FeedDisconnected):
    """A feed was lost more often in a row than it may be."""


class FeedSink:
    """One feed's way into the engine. It counts, so that silence is noticed without a clock call per event.

    While `held` is a list, events wait in it: what was missed has to come first, and where it ends has to be known.
    """

    __slots__ = ("_known", "_push", "_push_many", "_target", "count", "heard", "held", "ready")

    def __init__(self, target: Inbox | Lane, *, hold: bool = False) -> None:
        self._target = target
        self._push: Callable[[MarketEvent], None] = target.push
        self._push_many: Callable[[Iterable[MarketEvent]], None] = target.push_many
        self._known: dict[str, tuple[int, Known]] = {}
        self.ready = target.ready
        self.count = 0
        self.held: list[MarketEvent] | None = [] if hold else None
        self.heard = asyncio.Event()

    def push(self, event: MarketEvent) -> None:
        """Take one event."""
        self.count += 1
        if self.held is None:
            self._push(event)
        else:
            self.held.append(event)
            self.heard.set()

    def push_many(self, events: Iterable[MarketEvent]) -> None:
        """Take a batch."""
        self.count += 1
        if self.held is None:
            self._push_many(events)
        else:
            self.held.extend(events)
            self.heard.set()

    def alive(self) -> None:
        """Note that the source answered."""
        self.count += 1
        self.heard.set()

    def held_of(self, symbol: str) -> list[MarketEvent]:
        """Return the events of a symbol that are held now."""
        return [event for event in self.held or () if event.symbol == symbol]

    def release(self, recovered: Sequence[MarketEvent], new: Iterable[MarketEvent]) -> None:
        """Hand on what was recovered, oldest first, and then `new` in place of what is held; hold no more.

        What happens while the history is read comes twice: in it, and a moment later by itself. The second is left out.
        """
        self.held = None
        self._push_many([*recovered, *new])
        last = {event.symbol: event.event_time for event in recovered}
        for symbol, moment in last.items():
            same = (event for event in recovered if event.symbol == symbol and event.event_time == moment)
            self._known[symbol] = moment, Known(same)
        if self._known:
            self._push, self._push_many = self._push_unknown, self._push_many_unknown

    def _push_unknown(self, event: MarketEvent) -> None:
        """Hand on what the history did not have; once every symbol is past that, look no more."""
        moment, known = self._known.get(event.symbol, (None, None))
        if moment is not None and known is not None:
            if event.event_time < moment or (event.event_time == moment and known.take(event)):
                return
            if event.event_time > moment:
                self._forget(event.symbol)
        self._target.push(event)

    def _forget(self, symbol: str) -> None:
        del self._known[symbol]
        if not self._known:
            self._push, self._push_many = self._target.push, self._target.push_many

    def _push_many_unknown(self, events: Iterable[MarketEvent]) -> None:
        for event in events:
            self._push(event)


class FeedRunner:
    """Runs one feed for as long as the supervisor wants it.

    A feed that delivers nothing and answers nothing for `silence_seconds` is taken to be lost. When a feed comes back, the
    time it was away is a gap per symbol: backfilled where the feed can, up to its first new event, and journalled either
    way. It is given up when it was lost more than `attempts` times in a row without delivering anything; recorded data
    are given up at once, because reading them again would not help.
    """

    def __init__(
        self,
        named: NamedFeed,
        inbox: Inbox,
        works: Callable[[], Works | None],
        *,
        silence_seconds: float,
        attempts: int | None,
        lane: Lane | None = None,
    ) -> None:
        self.name = named.name
        self.feed = named.feed
        self._inbox = inbox
        self._lane = lane
        self._works = works
        self._silence = silence_seconds
        self._attempts = attempts
        self._lost_at: int | None = None
        self._failures = 0
        self._warm = False

    async def run(self, beacon: Beacon) -> None:
        """Run the feed until its data end."""
        beacon.ready()
        works = self._works()
        rejoins = works is not None and self._lost_at is not None
        beacon.at_work = not rejoins
        warms = works is not None and works.past is not None and not self._warm and isinstance(self.feed, Backfills)
        sink = FeedSink(self._lane or self._inbox, hold=rejoins or warms)
        try:
            watched = [self._data(sink), self._until_silent(sink, self._silence, beacon)]
            if works is not None and warms:
                watched.append(self._begin(works, sink, beacon))
            elif works is not None and self._lost_at is not None:
                watched.append(self._rejoin(works, sink, self._lost_at, beacon))
            await first_of(*watched)
            if works is not None and sink.held is not None:  # the data ended before that was done
                await self._warm_up(works, sink)
            elif works is not None and self._lost_at is not None:
                await self._fill_gaps(works, sink, self._lost_at)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._note_loss(error, delivered=sink.count > 0)
            raise
        if self._lane is not None:
            self._lane.end()

    async def _data(self, sink: FeedSink) -> None:
        data = self.feed.run(sink)
        if not inspect.isawaitable(data):
            raise TypeError(f"run of feed {self.name} returned {data!r} instead of something to await; write `async def run`")
        await data

    async def _until_silent(self, sink: FeedSink, seconds: float, beacon: Beacon) -> None:
        count, quiet = sink.count, 0
        while quiet < CHECKS_PER_SILENCE:
            works = self._works()
            clock = works.clock if works is not None else SystemClock()
            await clock.sleep(seconds / CHECKS_PER_SILENCE)
            recorded = works is not None and works.recorded
            quiet = quiet + 1 if sink.count == count and not recorded else 0
            beacon.at_work = beacon.at_work or not quiet
            count = sink.count
        raise FeedDisconnected(f"nothing has been heard from {self.name} for {seconds:g} s")

    def _note_loss(self, error: BaseException, *, delivered: bool) -> None:
        works = self._works()
        if works is not None:
            if self._lost_at is None:
                self._lost_at = works.clock.now()
            works.record(RecordKind.HEALTH, f"feed {self.name}", {"state": "lost", "why": str(error) or repr(error)})
        if not isinstance(error, Exception) or isinstance(error, FeedRefused):
            return
        if works is not None and works.recorded:
            raise FeedRefused(f"{self.name} cannot read its recorded data: {error!r}") from error
        self._failures = 1 if delivered else self._failures + 1
        if self._attempts is not None and self._failures > self._attempts:
            raise FeedGivenUp(f"{self.name} was lost {self._failures} times in a row, the last time: {error}") from error

    async def _begin(self, works: Works, sink: FeedSink, beacon: Beacon) -> None:
        """Take the history up to the feed's first events, then leave it to the feed."""
        await self._heard(works, sink)
        await self._warm_up(works, sink)
        beacon.at_work = beacon.at_work or sink.heard.is_set()
        await asyncio.get_running_loop().create_future()

    async def _rejoin(self, works: Works, sink: FeedSink, lost_at: int, beacon: Beacon) -> None:
        """Fill the hole once the feed delivers again, then leave it to the feed."""
        await self._heard(works, sink)
        await self._fill_gaps(works, sink, lost_at)
        beacon.at_work = sink.heard.is_set()  # a line that is silent may not be there yet
        await asyncio.get_running_loop().create_future()

    async def _heard(self, works: Works, sink: FeedSink) -> None:
        """Wait for the first event of a feed, and not for long: a quiet market has a history too."""
        with contextlib.suppress(TimeoutError):
            async with works.clock.timeout(min(REJOIN_SECONDS, self._silence / 2)):
                await sink.heard.wait()

    async def _warm_up(self, works: Works, sink: FeedSink) -> None:
        """Give the history of every symbol to the memory, up to its first new event.

        That of all at once: a compound trigger remembers the firings of several symbols, and forgets them as time goes on.
        """
        past = works.past
        if past is None:
            return
        events: list[MarketEvent] = []
        for symbol in self.feed.symbols:
            hole = Hole(None, past.start(symbol))
            history = await self._backfill(works, symbol, hole, sink) or ()
            held = sink.held_of(symbol)
            events += hole.missed(history, held, hole.end(held, works.clock.now()))
        count = past.take(events)
        works.record(RecordKind.HEALTH, f"feed {self.name}", {"state": "warmed up", "events": count})
        self._warm, self._lost_at = True, None
        sink.release((), sink.held or ())

    async def _fill_gaps(self, works: Works, sink: FeedSink, lost_at: int) -> None:
        await self._inbox.drained()  # what came before the loss says where the hole begins
        holes = {symbol: Hole(works.market.get(symbol), lost_at) for symbol in self.feed.symbols}
        recovered = {symbol: await self._backfill(works, symbol, hole, sink) for symbol, hole in holes.items()}
        events: list[MarketEvent] = []
        for symbol, hole in holes.items():
            held, history = sink.held_of(symbol), recovered[symbol]
            end = hole.end(held, works.clock.now())
            found = None if history is None else hole.missed(history, held, end)
            events.extend(found or ())
            count = None if found is None else len(found)
            works.record(RecordKind.GAP, symbol, Gap(symbol, min(hole.start, end), end, "disconnect", self.name, count))
        events.sort(key=lambda event: event.event_time)
        unheard = {symbol: hole.unheard() for symbol, hole in holes.items()}
        new = [event for event in sink.held or () if event.symbol not in unheard or unheard[event.symbol](event)]
        self._lost_at = None
        sink.release(events, new)

    async def _backfill(self, works: Works, symbol: str, hole: Hole, sink: FeedSink) -> list[MarketEvent] | None:
        """Return what was missed, None when the feed cannot say. Raises FeedDisconnected when its source is lost again."""
        if not isinstance(self.feed, Backfills):
            return None
        end = hole.end(sink.held_of(symbol), works.clock.now())
        try:
            return list(await self.feed.backfill(symbol, min(hole.start, end), end))
        except (FeedDisconnected, FeedRefused):
            raise
        except Exception as error:  # noqa: BLE001 - without its history a feed is still worth having
            works.record(RecordKind.HEALTH, f"feed {self.name}", {"state": "no backfill", "why": f"{symbol}: {error!r}"})
            return None
