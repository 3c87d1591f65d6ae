"""Going on with recorded data where an earlier run of the state directory stopped."""

from __future__ import annotations

from collections import deque
from itertools import islice, takewhile

from msgspec import structs

from ml4t.live.contracts.feed import Backfills, Feed
from ml4t.live.engine.pipeline import Pipeline
from ml4t.live.engine.triggers import TriggerBoard
from ml4t.live.engine.watch import known_at
from ml4t.live.market import MarketState
from ml4t.live.model import MarketEvent


class Resumption:
    """Keeps what is known up to the moment `after` (nanoseconds UTC) from being done again.

    Those events only refresh the memory: the market's, the triggers', and the bars that were running. A feed with a backfill
    gives them beforehand; one that knows nothing of resuming begins at its beginning, and they are picked out of its data.
    """

    def __init__(self, after: int, market: MarketState, triggers: TriggerBoard, pipeline: Pipeline) -> None:
        self.after = after
        self._market = market
        self._triggers = triggers
        self._pipeline = pipeline
        self._warmed: set[str] = set()
        self._over = False

    async def warm_up(self, feed: Feed) -> None:
        """Take the memory of a feed's symbols from its backfill, when it has one."""
        if not isinstance(feed, Backfills):
            return
        history: list[MarketEvent] = []
        for symbol in feed.symbols:
            history.extend(event for event in await feed.backfill(symbol, 0, self.after + 1) if known_at(event) <= self.after)
        for event in sorted(history, key=known_at):
            self._remember(event)
        self._warmed.update(feed.symbols)

    def take(self, events: deque[MarketEvent], limit: int) -> bool:
        """Take events from the left, and process those that are new; see `Pipeline.take`."""
        while limit and not self._pipeline.waits:
            new = sum(1 for _ in takewhile(self._is_new, islice(events, limit)))
            if new and not self._over:
                self._over = True
                self._triggers.recall_moments(self.after)
            if self._pipeline.take(events, new):
                return True
            limit -= new
            if limit:
                self._refresh(events.popleft())
                limit -= 1
        return limit > 0

    def _is_new(self, event: MarketEvent) -> bool:
        # What is no event is for the pipeline to refuse.
        return not isinstance(event, MarketEvent) or known_at(event) > self.after

    def _refresh(self, event: MarketEvent) -> None:
        if event.symbol not in self._warmed:
            self._remember(event)

    def _remember(self, event: MarketEvent) -> None:
        if self._market.apply(event, self.after) is not None:
            self._triggers.recall(event, known_at(event))
        if self._pipeline.bars is not None and self._is_in_running_bar(event):
            self._pipeline.bars.remember(structs.replace(event, backfilled=False))

    def _is_in_running_bar(self, event: MarketEvent) -> bool:
        bars = self._pipeline.bars
        return bars is not None and event.event_time >= self.after - self.after % bars.interval
