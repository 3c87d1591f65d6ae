"""A market state that notes what it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ml4t.live.market import MarketState
from ml4t.live.market.symbol import SymbolState
from ml4t.live.model import MarketEvent
from ml4t.live.sessions import Calendar
from ml4t.live.tape.frames import EVENT, PAST, Kind
from ml4t.live.tape.tape import Tape


class TapedMarket(MarketState):
    """The state of all symbols, whose every change goes on a tape: told again in that order, it is the same state."""

    def __init__(self, tape: Tape, history: int, candles: Iterable[int], calendar: Calendar, *, past: bool = False) -> None:
        super().__init__(history, candles, calendar)
        self._tape = tape
        self._note = tape.note
        self._past = past
        self._kind = PAST if past else EVENT

    def apply(self, event: MarketEvent, now: int) -> SymbolState | None:
        """Take in one event; see `MarketState.apply`."""
        state = MarketState.apply(self, event, now)
        self._note((self._kind, now, event))
        return state

    def remember(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Take back the history of a symbol; see `MarketState.remember`."""
        super().remember(symbol, state)
        if not self._past:
            self._note((Kind.REMEMBER, symbol, state))

    def sleeping(self) -> MarketState:
        """Return a state that begins with the same histories, whose changes go on the tape as those of the past."""
        self._note((Kind.SLEEP,))
        other = TapedMarket(self._tape, self._history, self._intervals, self.calendar, past=True)
        self.lull(other)
        return other

    def inherit(self, other: MarketState) -> None:
        """Take over the histories of another state; see `MarketState.inherit`."""
        super().inherit(other)
        self._note((Kind.INHERIT,))
