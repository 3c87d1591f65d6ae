"""A feed at work, alone or under the supervision of core, and what is heard of it."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from attrs import frozen

from ml4t.live.clock import Clock
from ml4t.live.config.settings import EngineSettings
from ml4t.live.contracts.feed import Feed
from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.inbox import Inbox
from ml4t.live.engine.parts import NamedFeed, Parts
from ml4t.live.engine.supervision import supervise_feeds
from ml4t.live.engine.supervisor import SupervisorFailed
from ml4t.live.journal import Also, RecordKind, StatePut
from ml4t.live.market import MarketState
from ml4t.live.model import Bar, Gap, MarketEvent, Trade
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.waiting import ANSWER_SECONDS, CONNECT_SECONDS, clock, found_dead, until, within
from ml4t.live.testing.rig import Address, FeedRig

PRICE = 100.0
GOING_ON_SECONDS = 0.1

_rng = random.Random(1)  # noqa: S311 - jitter, not secrets


@frozen
class Emitted:
    """What happened at the source."""

    symbol: str
    time: int
    price: float


class Ear:
    """The sink of a feed that runs alone."""

    def __init__(self, rig: FeedRig, feed: Feed) -> None:
        self.rig = rig
        self.feed = feed
        self.events: list[MarketEvent] = []
        self.running: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------ what the feed hands over

    def push(self, event: MarketEvent) -> None:
        """Take one event."""
        self.events.append(event)

    def push_many(self, events: Iterable[MarketEvent]) -> None:
        """Take a batch."""
        self.events.extend(events)

    async def ready(self) -> None:
        """There is always room."""

    def alive(self) -> None:
        """Do nothing: this sink has no patience to lose."""

    # ------------------------------------------------------------------ what a scenario does

    def emit(self, count: int, *symbols: str, size: float = 1.0) -> list[Emitted]:
        """Let `count` events happen per symbol, at prices that differ, and return them in order."""
        said = []
        for number in range(count):
            for symbol in symbols or self.rig.symbols[:1]:
                price = round(PRICE + number * 0.01, 2)
                said.append(Emitted(symbol, self.rig.source.emit(symbol, price, size), price))
        return said

    async def until(self, condition: Callable[[], object], what: str, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until `condition()` holds on a feed that goes on. Raises NotConformant, and what the feed ended with."""
        running = self.running
        await until(lambda: condition() or (running is not None and running.done()), what, seconds)
        if running is not None and running.done() and not condition():
            running.result()
            raise NotConformant(f"{what}: `run` has returned instead")

    async def until_subscribed(self, seconds: float = CONNECT_SECONDS) -> None:
        """Wait until the source has every symbol of the rig that the feed is to deliver."""
        wanted = set(self.feed.symbols) & set(self.rig.symbols)
        await self.until(lambda: wanted <= self.rig.source.subscriptions, f"{sorted(wanted)} have to be subscribed", seconds)

    async def until_heard(self, emitted: Sequence[Emitted], seconds: float = ANSWER_SECONDS) -> None:
        """Wait until all that was emitted has been heard."""
        try:
            await self.until(lambda: not self.missing(emitted), "everything that happened has to be heard", seconds)
        except NotConformant as error:
            missing = self.missing(emitted)
            raise NotConformant(f"{error}; {len(missing)} of {len(emitted)} are missing, the first {missing[0]}") from error

    def missing(self, emitted: Sequence[Emitted]) -> list[Emitted]:
        """Return what was emitted and has not been heard."""
        heard = {(event.symbol, event.event_time) for event in self.events}
        return [each for each in emitted if (each.symbol, each.time) not in heard]

    def check_once_and_in_order(self, emitted: Sequence[Emitted]) -> None:
        """Raise NotConformant unless what was emitted has been heard once, in the order of time, and nothing else."""
        for symbol in {each.symbol for each in emitted}:
            wanted = [each.time for each in emitted if each.symbol == symbol]
            heard = [event.event_time for event in self.events if event.symbol == symbol]
            if heard != sorted(heard):
                raise NotConformant(f"{symbol}: the events are not in the order of time")
            if len(set(heard)) != len(heard):
                raise NotConformant(f"{symbol}: {len(heard) - len(set(heard))} of {len(heard)} events were heard twice")
            if wanted != heard:
                raise NotConformant(f"{symbol}: {len(wanted)} events happened, and {len(heard)} were heard")


class Heard(Ear):
    """What comes of a feed under supervision: events behind the inbox, and what the journal would be told.

    It is the engine's works as far as the supervision of feeds needs them.
    """

    recorded = False
    past = None

    def __init__(self, rig: FeedRig, feed: Feed) -> None:
        super().__init__(rig, feed)
        self.clock: Clock = clock
        self.market = MarketState()
        self.gaps: list[Gap] = []
        self.losses: list[str] = []
        self.inbox = Inbox(asyncio.get_running_loop(), lambda _: None, Barrier(), on_gap=self.gaps.append, on_error=self._fail)
        self.inbox.attach(self)
        self._failure: BaseException | None = None

    def work(self, events: deque[MarketEvent], limit: int) -> None:
        """Take events from the left."""
        for _ in range(limit):
            event = events.popleft()
            self.market.apply(event, clock.now())
            self.events.append(event)

    def record(
        self,
        kind: RecordKind,
        subject: str,
        body: object,
        *,
        state: Sequence[StatePut] = (),
        on_durable: Callable[[], None] | None = None,
        also: Sequence[Also] = (),
    ) -> int:
        """Keep gaps and losses."""
        if isinstance(body, Gap):
            self.gaps.append(body)
        elif kind is RecordKind.HEALTH and isinstance(body, dict) and body.get("state") == "lost":
            self.losses.append(str(body.get("why")))
        return 0

    async def until_lost(self, seconds: float, *, count: int = 1) -> None:
        """Wait until the feed has been lost so often."""
        await self.until(lambda: len(self.losses) >= count, "the loss of the source has to be noticed", seconds)

    async def until_back(self) -> list[Emitted]:
        """Let things happen until some of every symbol are heard, and return them.

        It counts as subscribed as long as the source has not noticed the end of a connection that was lost; and in a market
        where nothing happens a feed that is lost a second time, because the machine was held up, has nothing to join again by.
        """
        said = self.emit(1, *self.rig.symbols)
        wanted, began = set(self.rig.symbols), said[0].time

        async def go_on() -> None:
            while True:
                await clock.sleep(GOING_ON_SECONDS)
                said.extend(self.emit(1, *self.rig.symbols))

        going_on = asyncio.get_running_loop().create_task(go_on(), name="market")
        seconds = max(CONNECT_SECONDS, found_dead(self.rig.patience))
        try:
            what = "what happens has to be heard again"
            await self.until(lambda: wanted <= {each.symbol for each in self.events if each.event_time >= began}, what, seconds)
        finally:
            going_on.cancel()
        return said

    def _fail(self, error: BaseException) -> None:
        self._failure = error


@asynccontextmanager
async def alone(rig: FeedRig, *symbols: str, address: Address | None = None, feed: Feed | None = None) -> AsyncIterator[Ear]:
    """Run a feed, of the rig's symbols unless others are named, until it is subscribed and then until the end of the block."""
    ear = Ear(rig, feed or rig.feed(symbols or rig.symbols, address=address))
    ear.running = asyncio.get_running_loop().create_task(ear.feed.run(ear), name="feed")
    try:
        await ear.until_subscribed()
        yield ear
    finally:
        ear.running.cancel()
        await within(asyncio.gather(ear.running, return_exceptions=True), "the feed that was cancelled")


@asynccontextmanager
async def supervised(rig: FeedRig, *, address: Address | None = None, silence_seconds: float = 600.0) -> AsyncIterator[Heard]:
    """Run a feed of the rig's symbols as the engine does: reconnected, and its holes found and filled."""
    heard = Heard(rig, rig.feed(rig.symbols, address=address))
    settings = EngineSettings(
        silence_seconds=silence_seconds, reconnect_first_seconds=0.05, reconnect_max_seconds=0.5, reconnect_attempts=None
    )
    parts = Parts(name="conformance", mode="shadow", feeds=(NamedFeed(name="main", feed=heard.feed),), engine=settings)
    supervisor = supervise_feeds(parts, heard.inbox, lambda: heard, clock, _rng, lambda _: None)
    await supervisor.start()
    heard.running = asyncio.get_running_loop().create_task(_watch(supervisor.wait()), name="supervised feed")
    try:
        await heard.until_subscribed()
        yield heard
    finally:
        await within(supervisor.stop(), "the feed that was stopped", CONNECT_SECONDS)
        heard.inbox.close()
        await asyncio.gather(heard.running, return_exceptions=True)


async def _watch(ended: Awaitable[None]) -> None:
    try:
        await ended
    except SupervisorFailed as error:
        if error.error is not None:
            raise error.error from error
        raise


def price_of(event: MarketEvent) -> float:
    """Return the price that an event tells: a bar's is its close."""
    if isinstance(event, Trade):
        return event.price
    if isinstance(event, Bar):
        return event.close
    raise NotConformant(f"a trade or a bar was to come, and {event!r} came")
