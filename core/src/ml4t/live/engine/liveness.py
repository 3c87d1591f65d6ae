"""Symbols that have gone quiet while their feed has not."""

from __future__ import annotations

from collections.abc import Sequence

from ml4t.live.clock import Clock
from ml4t.live.journal import RecordKind
from ml4t.live.market import MarketState
from ml4t.live.model import Gap
from ml4t.live.orders.ports import Recorder
from ml4t.live.sessions import ALWAYS, Calendar
from ml4t.live.times import NANOS


class SymbolLiveness:
    """Notices symbols that are quiet while their feed is not, and says so once until they come back.

    Only time in which the market is open counts.
    """

    def __init__(
        self,
        market: MarketState,
        clock: Clock,
        record: Recorder,
        silence_seconds: float,
        symbols: Sequence[str] = (),
        calendar: Calendar = ALWAYS,
    ) -> None:
        self._calendar = calendar
        self._market = market
        self._clock = clock
        self._record = record
        self._silence = round(silence_seconds * NANOS)
        self._symbols = symbols
        self._quiet: dict[str, int] = {}
        self._began = clock.now()

    @property
    def quiet(self) -> tuple[str, ...]:
        """The symbols that are quiet now."""
        return tuple(self._quiet)

    def look(self, _due: int = 0) -> None:
        """Compare every symbol's last event with the clock; one that was never heard of is quiet since the beginning."""
        now = self._clock.now()
        for symbol in dict.fromkeys((*self._symbols, *self._market.symbols)):
            state = self._market.get(symbol)
            seen_at = state.seen_at if state is not None and state.seen_at else self._began
            silent = now - seen_at > self._silence and self._calendar.open_time(seen_at, now) > self._silence
            if silent and symbol not in self._quiet:
                self._quiet[symbol] = seen_at
                self._record(RecordKind.HEALTH, symbol, {"state": "quiet", "since": seen_at})
            elif not silent and symbol in self._quiet:
                since = self._quiet.pop(symbol)
                self._record(RecordKind.GAP, symbol, Gap(symbol, since, seen_at, "silence"))
