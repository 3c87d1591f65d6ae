"""The state of the market: O(1) per event and without numpy, because a call into an array costs more than the arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Any

from ml4t.live.market.correlation import PairCorrelation
from ml4t.live.market.symbol import HIGH, LOW, SampledState, SymbolState
from ml4t.live.model import Bar, Funding, MarketEvent, Quote, Trade
from ml4t.live.sessions import ALWAYS, Calendar
from ml4t.live.times import NANOS

HISTORY = 1_000
"""Points of price and volume history kept per symbol, unless told otherwise."""

AHEAD = 3_600 * NANOS
"""An event stamped this much later than the engine's clock is refused: everything after it would look late."""


class MarketState:
    """The state of all symbols.

    Prices that are not finite and positive, crossed quotes, prints that nothing confirms, and events that are late or
    from the future are refused before they touch anything, and counted in `refused` by reason.

    `candles` are the lengths (nanoseconds) of the candles that are kept of every symbol; `calendar` says where a trading day
    ends, for what is usual at a time of day.
    """

    def __init__(self, history: int = HISTORY, candles: Iterable[int] = (), calendar: Calendar = ALWAYS) -> None:
        self._symbols: dict[str, SymbolState] = {}
        self._history = history
        self._intervals = tuple(sorted(set(candles)))
        self._asleep: dict[str, SymbolState] = {}
        self._known: dict[str, int] = {}
        self._pairs: dict[tuple[str, str, int, int], PairCorrelation] = {}
        self.calendar = calendar
        self.refused: dict[str, int] = {}
        self.on_refused: Callable[[str, int, MarketEvent], None] = _tell_nobody
        """Called with the reason, how often that was one by now, and the event."""

    @property
    def symbols(self) -> Mapping[str, SymbolState]:
        """The symbols heard of so far."""
        return self._symbols

    def get(self, symbol: str) -> SymbolState | None:
        """Return a symbol's state, None before its first event."""
        return self._symbols.get(symbol)

    def price(self, symbol: str) -> float | None:
        """Return the last trusted price, None before the first."""
        state = self._symbols.get(symbol)
        return None if state is None else state.price

    def correlation(self, first: str, second: str, interval: int, window: int) -> float | None:
        """Return the correlation of two symbols' returns over the last `window` candles that both have.

        None while there are fewer than three, when one does not move, and before both were heard of. Raises LookupError when
        no candles of `interval` (nanoseconds) are kept.
        """
        key = (first, second, interval, window)
        pair = self._pairs.get(key)
        if pair is None:
            states = self._symbols.get(first), self._symbols.get(second)
            if states[0] is None or states[1] is None:
                return None
            pair = self._pairs[key] = PairCorrelation(states[0].candles(interval), states[1].candles(interval), window)
        return pair.value

    def remember(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Take back the history of a symbol from before a restart: it counts from the symbol's next event on."""
        self._asleep[symbol] = self._new(symbol)
        self._asleep[symbol].restore(state)
        self._known[symbol] = state["at"]

    def sleeping(self) -> MarketState:
        """Return a state that begins with the same histories as this one, and is apart from it."""
        other = MarketState(self._history, self._intervals, self.calendar)
        self.lull(other)
        return other

    def lull(self, other: MarketState) -> None:
        """Let another state remember the histories that sleep here."""
        for symbol, state in self._asleep.items():
            other.remember(symbol, state.state() | {"at": self._known[symbol]})

    def part(self, symbols: Iterable[str]) -> MarketState:
        """Return a state of some symbols alone, which shares theirs with this one."""
        part = MarketState(self._history, self._intervals, self.calendar)
        part._symbols = {symbol: self._symbols[symbol] for symbol in symbols if symbol in self._symbols}
        return part

    def known_until(self, symbol: str) -> int:
        """Return up to when the history of a symbol goes that is taken back (nanoseconds UTC), -1 without one."""
        return self._known.get(symbol, -1)

    def inherit(self, other: MarketState) -> None:
        """Take over the histories of another state, such as one warmed up; each counts from its symbol's next event on."""
        for symbol, state in other.symbols.items():
            if symbol not in self._symbols:
                state.forget_moment()
                self._asleep[symbol] = state

    def apply(self, event: MarketEvent, now: int) -> SymbolState | None:
        """Take in one event at the engine's time `now`; return the symbol's state, or None when the event was refused."""
        state = self._symbols.get(event.symbol)
        if state is None:
            state = self._asleep.pop(event.symbol, None) or self._new(event.symbol)
        take = _TAKE.get(event.__class__)
        if take is None:
            raise TypeError(f"{event!r} is not a market event; a feed pushes Trade, Quote, Bar or Funding")
        problem = take(state, event, now)
        if problem is not None:
            count = self.refused[problem] = self.refused.get(problem, 0) + 1
            self.on_refused(problem, count, event)
            if not state.seen_at and state.count:
                self._asleep[event.symbol] = state
            return None
        if not state.seen_at:
            self._symbols[event.symbol] = state
        state.seen_at = now
        if state.backfilled is not event.backfilled:
            state.backfilled = event.backfilled
        return state

    def _new(self, symbol: str) -> SymbolState:
        if not self._intervals:
            return SymbolState(symbol, self._history)
        return SampledState(symbol, self._history, self._intervals, self.calendar)


def _tell_nobody(problem: str, count: int, event: MarketEvent) -> None:
    """Do nothing."""


# Each of these returns why it refuses an event, or None when it has taken it in. A price older than the one known (a
# quote that comes after a later trade) is taken in, but is not the last price.


def _trade(state: SymbolState, event: Trade, now: int) -> str | None:
    price = event.price
    size = event.size
    when = event.event_time
    if not (0.0 < price < inf and 0.0 <= size < inf):  # NaN fails every comparison
        return "price"
    if when < state.trade_time:
        return "late"
    if when > now and when - now > AHEAD:
        return "future"
    last = state.price
    if (last is None or state.suspect is not None or not LOW < price / last < HIGH) and state.disbelieves(price):
        return "jump"
    state.trade_time = when
    if when >= state.event_time:
        if when > state.event_time:
            state.event_time = when
            state.moment = [event]
        else:
            state.add_to_moment(event)
        state.price = price
    state.observe(when, price, size)
    return None


def _quote(state: SymbolState, event: Quote, now: int) -> str | None:
    bid = event.bid
    ask = event.ask
    when = event.event_time
    if not 0.0 < bid <= ask < inf:
        return "quote"
    if when < state.quote_time:
        return "late"
    if when > now and when - now > AHEAD:
        return "future"
    mid = (bid + ask) * 0.5
    last = state.price
    if (last is None or state.suspect is not None or not LOW < mid / last < HIGH) and state.disbelieves(mid):
        return "jump"
    state.quote_time = when
    state.bid = bid
    state.ask = ask
    if when >= state.event_time:
        if when > state.event_time:
            state.event_time = when
            state.moment = [event]
        else:
            state.add_to_moment(event)
        state.price = mid
    # Mids enter the history only where nothing trades: mixing them with prints would halve the volatility.
    if not state.trade_time and not state.bar_time:
        state.observe(when, mid, 0.0)
    return None


def _bar(state: SymbolState, event: Bar, now: int) -> str | None:
    close = event.close
    low = event.low
    high = event.high
    if not (0.0 < low <= close <= high < inf and low <= event.open <= high and 0.0 <= event.volume < inf):
        return "price"
    start = event.event_time
    end = start + event.interval
    if end < state.bar_time:
        return "late"
    if start > now and start - now > AHEAD:
        return "future"
    last = state.price
    if (last is None or state.suspect is not None or not LOW < close / last < HIGH) and state.disbelieves(close):
        return "jump"
    if start > state.bar_start:  # noqa: PLR1730 - `max` takes a fifth of the time of all this
        state.bar_start = start
    # Of a bar still running all that is known is when it began; of a whole one, that its close is not after now.
    when = start
    if event.complete:
        when = end if end <= now else max(start, now)
        if end > state.bar_time:  # the same bar again is a correction, not an observation
            state.bar_time = end
            # A feed may send both prints and bars made of them; the prints are the history then.
            if not state.trade_time:
                state.observe(end, close, event.volume, event)
    if when >= state.event_time:
        if when > state.event_time and state.moment:
            state.moment = []
        state.event_time = when
        state.price = close
    return None


def _funding(state: SymbolState, event: Funding, now: int) -> str | None:
    if not -inf < event.rate < inf:
        return "funding"
    if event.event_time < state.funding_time:
        return "late"
    if event.event_time - now > AHEAD:
        return "future"
    state.funding_time = event.event_time
    state.funding_rate = event.rate
    return None


_TAKE: Mapping[type, Callable[[SymbolState, Any, int], str | None]] = {
    Trade: _trade,
    Quote: _quote,
    Bar: _bar,
    Funding: _funding,
}
