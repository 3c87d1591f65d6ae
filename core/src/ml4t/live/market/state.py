"""What is known of each symbol, O(1) per event and without numpy: a call into an array costs more than the arithmetic."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from math import inf, sqrt

from ml4t.live.model import Bar, Funding, MarketEvent, Quote, Trade
from ml4t.live.times import NANOS

HISTORY = 1_000
"""Points of price and volume history kept per symbol, unless told otherwise."""

VOLATILITY_SPAN = 60
"""Observations over which the exponentially weighted variance of returns forgets (alpha = 2 / (span + 1))."""

JUMP = 10.0
"""A print more than this factor away from the last price is believed only when the next one agrees with it."""

AHEAD = 3_600 * NANOS
"""An event stamped this much later than the engine's clock is refused: everything after it would look late."""

MOMENT = 4_096
"""Events of one moment that are kept. More of them is a source that repeats itself under one time."""

_ALPHA = 2.0 / (VOLATILITY_SPAN + 1)
_LOW, _HIGH = 1.0 / JUMP, JUMP


class SymbolState:
    """The state of one symbol; see `ml4t.live.contracts.SymbolView` for what the outside may rely on."""

    __slots__ = (
        "ask",
        "bar_start",
        "bar_time",
        "bid",
        "event_time",
        "funding_rate",
        "funding_time",
        "moment",
        "observed",
        "price",
        "prices",
        "quote_time",
        "seen_at",
        "suspect",
        "symbol",
        "trade_time",
        "variance",
        "volumes",
    )

    def __init__(self, symbol: str, history: int = HISTORY) -> None:
        self.symbol = symbol
        self.price: float | None = None
        self.event_time = 0
        self.seen_at = 0
        self.bid: float | None = None
        self.ask: float | None = None
        self.funding_rate: float | None = None
        self.variance: float | None = None
        self.trade_time = self.quote_time = self.bar_time = self.funding_time = 0
        self.bar_start = -1
        self.moment: list[Trade | Quote] = []
        """The trades and quotes of `event_time`: when others of that moment turn up, these are not to come again."""
        self.suspect: float | None = None
        """A print far from the last price that nothing has confirmed yet."""
        self.observed: float | None = None
        """The price that the next return starts from."""
        self.prices: deque[float] = deque(maxlen=history)
        self.volumes: deque[float] = deque(maxlen=history)

    @property
    def volatility(self) -> float | None:
        """Standard deviation of simple returns per observation, exponentially weighted over `VOLATILITY_SPAN`."""
        return None if self.variance is None else sqrt(self.variance)

    def add_to_moment(self, event: Trade | Quote) -> None:
        """Take in one more event of `event_time`."""
        if len(self.moment) < MOMENT:
            self.moment.append(event)

    def observe(self, price: float, size: float) -> None:
        """Take a price into the history and the variance."""
        before = self.observed
        if before is not None:
            change = price / before - 1.0
            variance = self.variance
            self.variance = change * change if variance is None else variance + _ALPHA * (change * change - variance)
        self.observed = price
        self.prices.append(price)
        self.volumes.append(size)

    def disbelieves(self, price: float) -> bool:
        """Return True for a price far from the last one, until two in a row agree on it.

        A jump that is believed (a split, a new unit) is no return: the variance goes on from its far side.
        """
        last = self.price
        suspect, self.suspect = self.suspect, None
        if last is None or _LOW < price / last < _HIGH:
            return False
        if suspect is None or not _LOW < price / suspect < _HIGH:
            self.suspect = price
            return True
        self.observed = None
        return False


class MarketState:
    """The state of all symbols.

    Prices that are not finite and positive, crossed quotes, prints that nothing confirms, and events that are late or
    from the future are refused before they touch anything, and counted in `refused` by reason.
    """

    def __init__(self, history: int = HISTORY) -> None:
        self._symbols: dict[str, SymbolState] = {}
        self._history = history
        self.refused: dict[str, int] = {}

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

    def apply(self, event: MarketEvent, now: int) -> SymbolState | None:
        """Take in one event at the engine's time `now`; return the symbol's state, or None when the event was refused."""
        state = self._symbols.get(event.symbol)
        if state is None:
            state = SymbolState(event.symbol, self._history)
        kind = event.__class__
        if kind is Trade:
            problem = _trade(state, event, now)  # type: ignore[arg-type]
        elif kind is Quote:
            problem = _quote(state, event, now)  # type: ignore[arg-type]
        elif kind is Bar:
            problem = _bar(state, event, now)  # type: ignore[arg-type]
        elif kind is Funding:
            problem = _funding(state, event, now)  # type: ignore[arg-type]
        else:
            raise TypeError(f"{event!r} is not a market event; a feed pushes Trade, Quote, Bar or Funding")
        if problem is not None:
            self.refused[problem] = self.refused.get(problem, 0) + 1
            return None
        if not state.seen_at:
            self._symbols[event.symbol] = state
        state.seen_at = now
        return state


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
    if when - now > AHEAD:
        return "future"
    last = state.price
    if (last is None or state.suspect is not None or not _LOW < price / last < _HIGH) and state.disbelieves(price):
        return "jump"
    state.trade_time = when
    if when >= state.event_time:
        if when > state.event_time:
            state.event_time = when
            state.moment = [event]
        else:
            state.add_to_moment(event)
        state.price = price
    state.observe(price, size)
    return None


def _quote(state: SymbolState, event: Quote, now: int) -> str | None:
    bid = event.bid
    ask = event.ask
    when = event.event_time
    if not 0.0 < bid <= ask < inf:
        return "quote"
    if when < state.quote_time:
        return "late"
    if when - now > AHEAD:
        return "future"
    mid = (bid + ask) * 0.5
    last = state.price
    if (last is None or state.suspect is not None or not _LOW < mid / last < _HIGH) and state.disbelieves(mid):
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
        state.observe(mid, 0.0)
    return None


def _bar(state: SymbolState, event: Bar, now: int) -> str | None:
    close = event.close
    start = event.event_time
    if not (0.0 < event.low <= close <= event.high < inf and event.low <= event.open <= event.high):
        return "price"
    if not 0.0 <= event.volume < inf:
        return "price"
    end = start + event.interval
    if end < state.bar_time:
        return "late"
    if start - now > AHEAD:
        return "future"
    if state.disbelieves(close):
        return "jump"
    state.bar_start = max(state.bar_start, start)
    # Of a bar still running all that is known is when it began; of a whole one, that its close is not after now.
    when = min(end, max(now, start)) if event.complete else start
    if when >= state.event_time:
        if when > state.event_time:
            state.moment = []
        state.event_time = when
        state.price = close
    if event.complete and end > state.bar_time:  # the same bar again is a correction, not an observation
        state.bar_time = end
        # A feed may send both prints and bars made of them; the prints are the history then.
        if not state.trade_time:
            state.observe(close, event.volume)
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
