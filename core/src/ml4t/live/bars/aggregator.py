"""Bars of one length, made from trades, quotes or smaller bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ml4t.live.bars.accumulator import BEGINNING, Accumulator
from ml4t.live.model import Bar, Funding, MarketEvent, Quote, Trade
from ml4t.live.times import NANOS, format_duration, parse_duration

Source = Literal["auto", "trades", "quotes", "bars"]

NEVER = (1 << 63) - 1
"""The value of `due` while no bar is running."""

_KINDS: dict[str, type[MarketEvent] | None] = {"auto": None, "trades": Trade, "quotes": Quote, "bars": Bar}
_RANKS: dict[type[MarketEvent] | None, int] = {Funding: -1, None: 0, Quote: 1, Trade: 2, Bar: 2}
_NOTHING: tuple[Bar, ...] = ()


class BarAggregator:
    """Turns a stream of market events into bars whose starts are multiples of `interval` since 1970-01-01 UTC.

    Synchronous, and blind to every clock: time is what the events and `flush(now)` say. Prices must be finite (the engine
    refuses others before they come here).

    `interval` is in nanoseconds or a duration such as `"1m"`, `"90s"`, `"4h"`; `"1w"` starts on Thursdays, as 1970 did.

    `source` says what makes the bars of a symbol; events of another kind are counted in `ignored`:

    - `"trades"`: price and size of every trade;
    - `"quotes"`: the mid price, volume 0; a one-sided quote is ignored;
    - `"bars"`: smaller bars, whose interval must divide this one;
    - `"auto"`: per symbol, the first kind seen. Trades and bars outrank quotes: when a first trade follows quotes, the
      running bar of mids is thrown away and begun again from trades, so that no bar mixes the two. A backfilled bar
      decides nothing, because a history of bars often precedes live trades.

    Bars of this very interval, or of an unknown one (0), pass through unchanged. A complete one replaces what ticks have
    gathered for its interval. Backfilled bars fill holes in any kind of source: they count where no tick has been.
    Bars that the source itself keeps updating (`complete=False`) replace each other; a time-out does not complete them,
    the source or its next bar does.

    A completed bar is never reopened: whatever belongs to it, or repeats what it holds, is counted in `late` and dropped.
    Within the running bar, ticks count in the order in which they come.

    `flush_timeout_seconds` is how long after its end a bar waits for stragglers. In a replay, whose events are sorted, 0
    loses nothing: call `flush(time)` before `add` of the event that has come to `time`.

    `evolving=True` also returns the running bar, with `complete=False`, after every event that changed it.

    Raises ValueError when the interval, the source or the time-out makes no sense.
    """

    def __init__(
        self, interval: int | str, *, source: Source = "auto", flush_timeout_seconds: float = 2.0, evolving: bool = False
    ) -> None:
        self.interval = parse_duration(interval) if isinstance(interval, str) else interval
        if self.interval <= 0:
            raise ValueError(f"interval = {interval} is no time at all; give nanoseconds or a duration such as '1m'")
        if source not in _KINDS:
            raise ValueError(f"source = {source!r} is unknown; choose from {', '.join(_KINDS)}")
        if not 0 <= flush_timeout_seconds < float("inf"):
            raise ValueError(f"flush_timeout_seconds = {flush_timeout_seconds} must be zero or more seconds")
        self.late = 0
        """Events dropped because their time was already handed out or covered."""
        self.ignored = 0
        """Events of a kind that makes no bars here."""
        self.due = NEVER
        """Before this time (nanoseconds UTC) `flush` has nothing to do."""
        self._kind = _KINDS[source]
        self._timeout = round(flush_timeout_seconds * NANOS)
        self._evolving = evolving
        self._slots: dict[str, Accumulator] = {}

    def add(self, event: MarketEvent) -> Sequence[Bar]:
        """Take in one event and return the bars that it completed: usually none.

        Raises ValueError for a bar whose interval does not divide this aggregator's.
        """
        slot = self._slots.get(event.symbol)
        if slot is None or type(event) is not slot.kind:
            return self._add_unexpected(event, slot)
        if isinstance(event, Trade):
            price, size = event.price, event.size
        elif isinstance(event, Quote):
            bid, ask = event.bid, event.ask
            if not (bid > 0.0 and ask > 0.0):
                self.ignored += 1
                return _NOTHING
            price, size = (bid + ask) / 2, 0.0
        else:
            return self._add_bar(slot, event) if isinstance(event, Bar) else _NOTHING
        moment = event.event_time
        if not slot.floor <= moment < slot.end:
            return self._roll(slot, event, price, size)
        if price > slot.high:
            slot.high = price
        elif price < slot.low:
            slot.low = price
        slot.close = price
        slot.volume += size
        slot.last = moment
        slot.receive_time = event.receive_time
        if event.backfilled:
            slot.backfilled = True
        return (slot.to_bar(complete=False),) if self._evolving else _NOTHING

    def flush(self, now: int) -> Sequence[Bar]:
        """Return the bars whose end plus the time-out is not after `now` (nanoseconds UTC), oldest first, then by symbol."""
        if now < self.due:
            return _NOTHING
        done = []
        self.due = NEVER
        for slot in self._slots.values():
            if not slot.running or slot.evolves_at_source:
                continue
            deadline = slot.end + self._timeout
            if deadline <= now:
                done.append(slot.finish())
            elif deadline < self.due:
                self.due = deadline
        done.sort(key=_by_time)
        return done

    def close(self, now: int | None = None) -> Sequence[Bar]:
        """Return every running bar, because the data has ended.

        A bar is complete when its interval had ended by then: by `now` or by the latest event seen, whichever is later. One
        that was cut short comes with `complete=False`.
        """
        moment = max((slot.last + 1 for slot in self._slots.values()), default=BEGINNING)
        if now is not None and now > moment:
            moment = now
        done = [slot.finish(complete=slot.end <= moment) for slot in self._slots.values() if slot.running]
        self.due = NEVER
        done.sort(key=_by_time)
        return done

    def current(self, symbol: str) -> Bar | None:
        """Return the running bar of `symbol`, with `complete=False`; None when none is running."""
        slot = self._slots.get(symbol)
        return slot.to_bar(complete=False) if slot is not None and slot.running else None

    def _add_unexpected(self, event: MarketEvent, slot: Accumulator | None) -> Sequence[Bar]:
        """Take in the first event of a symbol, or one of another kind than makes its bars."""
        if slot is None:
            slot = self._slots[event.symbol] = Accumulator(event.symbol, self._kind)
        if isinstance(event, Bar) and event.backfilled:
            return self._add_bar(slot, event)
        kind = type(event)
        if self._kind is None and _RANKS[kind] > _RANKS[slot.kind]:
            if slot.running and slot.kind is Quote and event.event_time < slot.end:
                slot.discard()
            slot.kind = kind
        if kind is slot.kind:
            return self.add(event)
        self.ignored += 1
        return _NOTHING

    def _roll(self, slot: Accumulator, event: Trade | Quote, price: float, size: float) -> Sequence[Bar]:
        """Begin the next bar with a tick that lies outside of the running one."""
        moment = event.event_time
        if moment < slot.floor:
            self.late += 1
            return _NOTHING
        done = self._finished(slot)
        start = moment - moment % self.interval
        slot.begin(event, start, start + self.interval, price, size)
        self._expect(slot)
        return (*done, slot.to_bar(complete=False)) if self._evolving else done

    def _add_bar(self, slot: Accumulator, bar: Bar) -> Sequence[Bar]:
        """Take in a bar: whole, or a part of ours."""
        length = bar.interval
        if length in {0, self.interval}:
            return self._add_whole(slot, bar)
        if self.interval % length:
            raise ValueError(
                f"{bar.symbol}: bars of {format_duration(length)} cannot make bars of {format_duration(self.interval)}; "
                f"choose a multiple of {format_duration(length)}"
            )
        return self._add_part(slot, bar) if bar.complete else _NOTHING

    def _add_part(self, slot: Accumulator, bar: Bar) -> Sequence[Bar]:
        """Add a smaller bar, and complete ours when it was the last part."""
        start = bar.event_time
        if start < slot.floor or start <= slot.last:
            self.late += 1
            return _NOTHING
        done: tuple[Bar, ...] = _NOTHING
        if start < slot.end:
            slot.merge(bar)
        else:
            done = self._finished(slot)
            ours = start - start % self.interval
            slot.begin_with_bar(bar, ours, ours + self.interval)
            self._expect(slot)
        slot.floor = start + bar.interval
        slot.last = slot.floor - 1
        if slot.floor >= slot.end:
            return (*done, slot.finish())
        return (*done, slot.to_bar(complete=False)) if self._evolving else done

    def _add_whole(self, slot: Accumulator, bar: Bar) -> Sequence[Bar]:
        """Pass a bar of our own length through, or keep it as the running one while its source still changes it."""
        start = bar.event_time
        if start < slot.floor:
            self.late += 1
            return _NOTHING
        if not bar.complete and slot.kind is not Bar:
            self.ignored += 1
            return _NOTHING
        done = self._finished(slot) if start >= slot.end else _NOTHING
        if bar.complete:
            # The end of a bar of unknown length is unknown too: only its own time is taken.
            slot.shut(bar.end_time if bar.interval else start + 1)
            return (*done, bar)
        slot.begin_with_bar(bar, start, start + (bar.interval or self.interval))
        slot.evolves_at_source = True
        slot.last = start
        return (*done, bar) if self._evolving else done

    def _finished(self, slot: Accumulator) -> tuple[Bar, ...]:
        return (slot.finish(),) if slot.running else _NOTHING

    def _expect(self, slot: Accumulator) -> None:
        """Have `flush` look at this bar when it is over."""
        deadline = slot.end + self._timeout
        self.due = min(self.due, deadline)


def _by_time(bar: Bar) -> tuple[int, str]:
    return bar.event_time, bar.symbol
