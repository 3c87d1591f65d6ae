"""The history that a live run begins with: asked of the feeds, for the memory of the market and of the triggers alone."""

from __future__ import annotations

from collections.abc import Iterable

from ml4t.live.clock import Clock
from ml4t.live.engine.triggers import TriggerBoard
from ml4t.live.engine.watch import known_at
from ml4t.live.market import MarketState
from ml4t.live.model import MarketEvent


class WarmUp:
    """Takes history into a market state of its own, so that no price of the past is taken for one of now.

    `span` is how far back to go (nanoseconds). `market` takes the histories over; each counts from its symbol's next event on.
    """

    def __init__(self, market: MarketState, triggers: TriggerBoard, clock: Clock, span: int) -> None:
        self._market = market
        self._past = market.sleeping()
        self._triggers = triggers
        self._clock = clock
        self._span = span

    def start(self, symbol: str) -> int:
        """Return where the history of a symbol has to begin: where what is remembered of it ends, if that is not too old.

        Not behind that moment: there begins the bar that comes next.
        """
        return max(self._clock.now() - self._span, self._past.known_until(symbol))

    def take(self, events: Iterable[MarketEvent]) -> int:
        """Take events, in any order, but for those that are remembered; return how many were believed."""
        now, count = self._clock.now(), 0
        new = [event for event in events if known_at(event) > self._past.known_until(event.symbol)]
        for event in sorted(new, key=known_at):
            if self._past.apply(event, now) is not None:
                count += 1
                self._triggers.look_back(event, known_at(event), self._past)
        self._market.inherit(self._past)
        return count
