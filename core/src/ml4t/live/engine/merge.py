"""Several recorded feeds in one order of time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from ml4t.live.engine.inbox import Inbox
from ml4t.live.engine.watch import known_at
from ml4t.live.model import MarketEvent

AHEAD = 2_000
"""Events that a feed may be ahead of the others before `ready` holds it."""


class Lane:
    """One feed's way into the merge."""

    def __init__(self, merge: Merge) -> None:
        self.waiting: deque[MarketEvent] = deque()
        self.ended = False
        self._merge = merge
        self._room = asyncio.Event()
        self._room.set()

    def push(self, event: MarketEvent) -> None:
        """Take one event."""
        self.push_many((event,))

    def push_many(self, events: Iterable[MarketEvent]) -> None:
        """Take a batch."""
        self.waiting.extend(events)
        self._merge.move()

    async def ready(self) -> None:
        """Wait until the feed is not far ahead of the others, and the inbox has room."""
        await self._room.wait()
        await self._merge.inbox.ready()

    def end(self) -> None:
        """Say that nothing more comes: the others need not wait for this one."""
        self.ended = True
        self._room.set()
        self._merge.move()

    def tell_room(self) -> None:
        """Hold the feed, or let it go on."""
        if len(self.waiting) < AHEAD:
            self._room.set()
        elif not self.ended:
            self._room.clear()


class Merge:
    """Passes on the earliest event of all feeds, as soon as every feed that has not ended has one to compare.

    On recorded data the order of time is the truth; how fast each feed reads its file must not show.
    """

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self._lanes: list[Lane] = []

    def lane(self) -> Lane:
        """Return a way in for one more feed. Ask for all of them before the first feed runs."""
        lane = Lane(self)
        self._lanes.append(lane)
        return lane

    def move(self) -> None:
        """Pass on what is certain; of events of one moment, those of the feed that was named first come first."""
        done: list[MarketEvent] = []
        lanes = self._lanes
        while all(lane.waiting or lane.ended for lane in lanes):
            heads = [(known_at(lane.waiting[0]), n) for n, lane in enumerate(lanes) if lane.waiting]
            if not heads:
                break
            heads.sort()
            waiting = lanes[heads[0][1]].waiting
            limit = heads[1] if len(heads) > 1 else None
            while waiting and (limit is None or (known_at(waiting[0]), heads[0][1]) < limit):
                done.append(waiting.popleft())
        for lane in lanes:
            lane.tell_room()
        self.inbox.push_many(done)
