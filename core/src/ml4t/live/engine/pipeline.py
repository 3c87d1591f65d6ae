"""The way of an event: market state, resting orders, marks, forecasts, triggers, strategy. This is the hot path."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import repeat
from typing import Any

from ml4t.live.clock import Clock, DataClock
from ml4t.live.engine.agenda import Agenda
from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.bars import BarSynchroniser
from ml4t.live.engine.news import News, merged
from ml4t.live.engine.strategist import Strategist
from ml4t.live.engine.triggers import TriggerBoard
from ml4t.live.ledger import ForecastLedger
from ml4t.live.market import MarketState
from ml4t.live.model import Bar, MarketEvent
from ml4t.live.orders.desk import Desk
from ml4t.live.shadow.memory import MemoryVenue


class Pipeline:
    """Takes one event after the other through everything that wants to know of it, without a hop in between.

    On the data's time (a `DataClock`) the events move the clock, and what is due before an event happens before it. An
    instant, all events of one moment, ends with one call of the strategy for the symbols that changed.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        agenda: Agenda,
        barrier: Barrier,
        market: MarketState,
        desk: Desk,
        ledger: ForecastLedger,
        triggers: TriggerBoard,
        venue: MemoryVenue | None,
        strategist: Strategist | None,
        evolving: bool = False,
    ) -> None:
        self._clock = clock
        self._set_time = clock.advance if isinstance(clock, DataClock) else None
        self._agenda = agenda
        self._barrier = barrier
        self._apply = market.apply
        self._holdings = desk.portfolio.holdings
        self._mark = desk.mark
        self._resting = venue.resting if venue is not None else {}
        self._fill = venue.on_event if venue is not None else None
        self._next_due = ledger.next_due
        self._resolve = ledger.on_price
        self._askers = triggers.askers if triggers.listens else None
        self._tell = strategist.on_data if strategist is not None else None
        self._evolving = evolving
        self._group: dict[str, News] = {}
        self._group_time = 0
        self._now = 0
        self.bars: BarSynchroniser | None = None
        self.on_first_event: Callable[[int], None] | None = None
        self.moment = 0
        """The latest moment seen, nanoseconds UTC."""
        self._completed = 0

    @property
    def completed(self) -> int:
        """The latest moment of which nothing more can come: a restart on recorded data goes on after it."""
        return max(self._completed, self.moment - 1)

    @property
    def waits(self) -> bool:
        """True while no event may be processed, because something that was due before it is not done yet."""
        return self._barrier.outstanding > 0

    def take(self, events: deque[MarketEvent], limit: int) -> bool:  # noqa: PLR0912 - calls would cost a tenth of it
        """Take `limit` events from the left and process them; return True when it stopped before, at one that has to wait."""
        # Whatever is the same for every event is looked up once.
        barrier, apply, tell, bars, evolving = self._barrier, self._apply, self._tell, self.bars, self._evolving
        resting, holdings, next_due, askers = self._resting, self._holdings, self._next_due, self._askers
        next_event = events.popleft
        event: Any = None
        try:
            for _ in repeat(None, limit):
                if barrier.outstanding:
                    return True
                event = next_event()
                kind = event.__class__
                start = event.event_time
                moment = start + event.interval if kind is Bar else start
                if moment > self.moment and self._move_to(moment):
                    events.appendleft(event)
                    return True
                state = apply(event, self._now)
                if state is None:
                    continue
                symbol = state.symbol  # the same object every time, which a dictionary finds at once
                if resting and symbol in resting:
                    self._fill(event)  # type: ignore[misc]  # nothing rests without a venue
                price = state.price
                if price is None:
                    continue
                if symbol in holdings:
                    self._mark(symbol, price)
                if next_due and symbol in next_due and state.event_time >= next_due[symbol]:
                    self._resolve(symbol, price, state.event_time, self._now)
                if askers is not None:
                    ask = askers[symbol]
                    if ask is not None:
                        ask(event, moment)
                if tell is None:
                    continue
                if bars is not None:
                    bars.add(event)
                elif kind is not Bar or event.complete or evolving:
                    group = self._group
                    if start == self._group_time and symbol not in group:
                        group[symbol] = event
                    else:
                        self._gather(event, symbol)
        except (AttributeError, TypeError) as error:
            if not isinstance(event, MarketEvent):
                raise TypeError(f"a feed pushed {event!r}; a feed pushes Trade, Quote, Bar or Funding") from error
            raise
        return False

    def begin_batch(self) -> None:
        """Read the clock once for the events that follow, when it runs by itself."""
        if self._set_time is None:
            self._now = self._clock.now()

    def keep_up(self, now: int) -> None:
        """Do what is due by `now` on a clock that runs by itself."""
        while self._agenda.due <= now:
            self._agenda.run_next()

    def end_instant(self) -> None:
        """Hand the strategy what has gathered."""
        group = self._group
        if group:
            self._group = {}
            self._tell(self._group_time, group)  # type: ignore[misc]  # nothing gathers without a strategy

    def finish(self) -> bool:
        """Hand the strategy everything that is left: there is no more data. Return True when it has to be called again."""
        self.end_instant()
        if self._set_time is not None and self._catch_up(self.moment, self._set_time):
            return True
        if self.bars is not None:
            self.bars.finish()
        self._completed = self.moment
        return False

    def resume(self, after: int) -> None:
        """Go on after the moment `after`, of recorded data that an earlier run has processed up to there."""
        self._begin(after)
        self.moment = self._completed = after

    def release_bars(self, event_time: int, bars: dict[str, Bar]) -> None:
        """Hand the strategy the bars of one bar time."""
        if self._tell is not None:
            self._tell(event_time, bars)

    def _move_to(self, moment: int) -> bool:
        """Move to a later moment; return True when it has to wait.

        The strategy is told of an instant before anything later is known of the market.
        """
        set_time = self._set_time
        if self._group:
            self.end_instant()
        if not self.moment:
            self._begin(moment)
        elif set_time is not None:
            if (self._agenda.due <= moment or self._barrier.outstanding) and self._catch_up(moment, set_time):
                return True
            set_time(moment)
            self._now = moment
        self.moment = moment
        return False

    def _catch_up(self, moment: int, set_time: Callable[[int], None]) -> bool:
        """Do what is due up to a moment of recorded data; return True when that has to wait."""
        agenda, barrier = self._agenda, self._barrier
        while agenda.due <= moment and not barrier.outstanding:
            due = agenda.due
            self._completed = max(self.moment, due - 1)
            set_time(due)
            self._now = due
            agenda.run_next()
        return barrier.outstanding > 0

    def _begin(self, moment: int) -> None:
        if self._set_time is not None:
            self._set_time(moment)
            self._now = moment
        if self.on_first_event is not None:
            self.on_first_event(self._now)

    def _gather(self, event: MarketEvent, symbol: str) -> None:
        """Add an event to the instant, ending the one before when its time is another."""
        if event.event_time != self._group_time:
            if self._group:
                self.end_instant()
            self._group_time = event.event_time
        known = self._group.get(symbol)
        self._group[symbol] = event if known is None else merged(known, event)
