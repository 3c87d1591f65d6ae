"""A hole in the data of one symbol: where it begins and ends, and what belongs into it.

Several things can happen at one moment, of which some were heard and some were not, at either end of a hole. They are told
apart by what they say: a trade by its number, one without a number by price and size, a bar by its length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ml4t.live.market import SymbolState
from ml4t.live.model import Bar, Funding, MarketEvent, Quote, Trade


class Known:
    """Events that are known, each as often as it happened."""

    def __init__(self, events: Iterable[MarketEvent]) -> None:
        self._left = Counter(map(_identity, events))

    def take(self, event: MarketEvent) -> bool:
        """Return whether `event` is one of them; one that happened once is found once."""
        what = _identity(event)
        if not self._left[what]:
            return False
        self._left[what] -= 1
        return True


class Hole:
    """What may have been missed of a symbol since the last moment that is known of it, or since its feed was lost.

    `state` is what is known of the symbol, None before its first event. What the feed has delivered since it came back is
    `held` below, and is of this symbol alone.
    """

    def __init__(self, state: SymbolState | None, lost_at: int) -> None:
        known = 0 if state is None else state.event_time
        # A bar is known up to its end, and that is where the next one begins.
        self.start = known or lost_at
        self._floor = known
        self._heard = [] if state is None else [*state.moment]

    def unheard(self) -> Callable[[MarketEvent], bool]:
        """Return what tells whether an event that is held was not heard before the hole; to be asked once of each, in order."""
        known = Known(self._heard)
        return lambda event: event.event_time >= self._floor and not known.take(event)

    def end(self, held: Iterable[MarketEvent], now: int) -> int:
        """Return where the hole ends: behind the first moment of what is new, at the start of a bar; without any, behind `now`.

        That may be before `start` for a symbol that was never heard: the bar that ran while the line was lost begins before.
        """
        first = min(filter(self.unheard(), held), key=lambda event: event.event_time, default=None)
        end = now + 1 if first is None else first.event_time + (not isinstance(first, Bar))
        return max(self._floor, end)

    def missed(self, history: Iterable[MarketEvent], held: Iterable[MarketEvent], end: int) -> list[MarketEvent]:
        """Return what of the history was heard neither before the hole nor after it."""
        known = Known([*self._heard, *(event for event in filter(self.unheard(), held) if event.event_time < end)])
        return [event for event in history if self.start <= event.event_time < end and not known.take(event)]


def _identity(event: MarketEvent) -> tuple[Any, ...]:
    match event:
        case Trade():
            what: tuple[Any, ...] = (event.trade_id,) if event.trade_id else (event.price, event.size)
        case Quote():
            what = (event.bid, event.ask, event.bid_size, event.ask_size)
        case Bar():
            what = (event.interval, event.complete)
        case Funding():
            what = (event.rate,)
    return event.event_time, type(event), *what
