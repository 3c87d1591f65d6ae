"""A month of a market of 200 symbols, and a bad line to it: everything that happens follows from the seed and the step."""

from __future__ import annotations

import math
import random
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs

from ml4t.live.clock import Clock
from ml4t.live.contracts import Sink
from ml4t.live.errors import FeedDisconnected
from ml4t.live.model import Bar, MarketEvent, Quote, Trade
from ml4t.live.times import NANOS

SECOND, MINUTE, HOUR, DAY = NANOS, 60 * NANOS, 3_600 * NANOS, 86_400 * NANOS
FIRST_DAY = date(2026, 1, 5)
DAYS = 30
CLOSED = {date(2026, 1, 19)}
START = int(datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp()) * NANOS
CALM_DAYS = 2
"""Days at the beginning on which nothing goes wrong, so that warm-up is counted from whole data."""

SYMBOLS = tuple(f"S{n:03}" for n in range(200))
BARS, TRADES, QUOTES = SYMBOLS[:150], SYMBOLS[150:180], SYMBOLS[180:]
"""What is delivered of each: bars, prints, prints with quotes."""


def sessions() -> list[tuple[int, int]]:
    """Return the opens and closes of the New York exchange in this month, typed out: 9:30 to 16:00 in winter."""
    found = []
    for number in range(DAYS):
        day = FIRST_DAY + timedelta(days=number)
        if day.weekday() < 5 and day not in CLOSED:
            midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * NANOS
            found.append((midnight + 14 * HOUR + 30 * MINUTE, midnight + 21 * HOUR))
    return found


def trading_time(since: int, until: int) -> int:
    """Return how much of a stretch of time the market was open."""
    return sum(max(0, min(until, close) - max(since, open_)) for open_, close in sessions())


@attrs.frozen
class Outage:
    """A stretch without data. `how` it begins: the line is cut, or it hangs; `history` is what a backfill knows of it."""

    start: int
    end: int
    how: str = "cut"
    history: str = "whole"

    def lacks(self, symbol: str) -> bool:
        """Return whether the history has nothing of a symbol: it is lost for good."""
        return self.history == "lost" or (self.history == "half" and int(symbol[1:]) % 2 == 1)


def outages(step: int) -> list[Outage]:
    """Return what happens to the line; every end lies in the middle of a step."""
    days = sessions()

    def at(day: int, hours: float, lasting: float, how: str = "cut", history: str = "whole") -> Outage:
        start = days[day][0] + round(hours * HOUR) + step // 4
        end = start + round(lasting * HOUR)
        return Outage(start, end // step * step + step // 2, how, history)

    return [
        at(2, 1.0, 1.5),
        at(6, 2.0, 2.0, history="half"),
        at(8, 0.5, 1.0),
        at(9, 3.0, 3.0, "hang"),
        at(10, 6.0, 2.0),
        at(12, 1.0, 0.7, history="lost"),
        at(13, 2.0, 26.0),
        at(15, 1.0, 2.0, "hang"),
        at(16, 3.0, 1.2, history="half"),
        at(18, 0.2, 0.8),
        at(19, 4.0, 1.1, history="lost"),
    ]


class Market:
    """What happened: for every symbol and step a price and a volume."""

    def __init__(self, seed: int, step_minutes: int) -> None:
        self.seed = seed
        self.step = step = step_minutes * MINUTE
        self.times = [moment for open_, close in sessions() for moment in range(open_ + step, close + 1, step)]
        self.outages = outages(step)
        self._calm_until = sessions()[CALM_DAYS][0]
        self.prices = {symbol: self._path(symbol) for symbol in SYMBOLS}
        self.volumes = {symbol: self._volume(symbol) for symbol in SYMBOLS}
        self._dropped = {symbol: self._some(symbol, "dropped", 0.004) for symbol in SYMBOLS}
        self._delayed = {symbol: self._some(symbol, "delayed", 0.01) for symbol in SYMBOLS}

    def _path(self, symbol: str) -> array[float]:
        rng = random.Random(f"{self.seed} {symbol} prices")
        width = 0.0035 * math.sqrt(self.step / (30 * MINUTE))
        price, prices, per_day = rng.uniform(20.0, 200.0), array("d"), len(self.times) // len(sessions())
        for _ in sessions():
            wild = rng.choice((0.6, 0.8, 1.0, 1.0, 2.5))
            for _ in range(per_day):
                price *= math.exp(rng.gauss(0.0, width * wild))
                prices.append(price)
        return prices

    def _volume(self, symbol: str) -> array[float]:
        rng = random.Random(f"{self.seed} {symbol} volumes")
        return array("d", (1_000.0 * math.exp(rng.gauss(0.0, 0.3)) * rng.choice((1,) * 60 + (5,)) for _ in self.times))

    def _some(self, symbol: str, what: str, share: float) -> frozenset[int]:
        rng = random.Random(f"{self.seed} {symbol} {what}")
        chosen = (n for n in range(len(self.times)) if rng.random() < share)
        return frozenset(n for n in chosen if self.times[n] > self._calm_until)

    def events(self, symbol: str, number: int) -> list[MarketEvent]:
        """Return what a step brought of a symbol."""
        moment, price, size = self.times[number], self.prices[symbol][number], self.volumes[symbol][number]
        if symbol in _KIND_BARS:
            open_ = self.prices[symbol][max(number - 1, 0)]
            high, low = max(open_, price) * 1.0005, min(open_, price) * 0.9995
            return [Bar(symbol, moment - self.step, open_, high, low, price, size, self.step, source="street")]
        trade = Trade(symbol, moment, price, size, source="street")
        if symbol in _KIND_TRADES:
            return [trade]
        return [Quote(symbol, moment - SECOND, price * 0.9996, price * 1.0006, 5.0, 5.0, source="street"), trade]

    def delayed(self, symbol: str, number: int) -> bool:
        """Return whether a step comes with the next one."""
        return number in self._delayed[symbol] and number not in self._dropped[symbol]

    def dropped(self, symbol: str, number: int) -> bool:
        """Return whether a step comes too late to be of use: behind the next one."""
        return number in self._dropped[symbol]

    def comes_late(self, symbol: str, moment: int, until: int) -> bool:
        """Return whether what happened at a moment came with the step after it, and that is later than `until`."""
        number = bisect_left(self.times, moment)
        return self.delayed(symbol, number) and self.times[number] + self.step > until

    def known(self, symbol: str, number: int) -> bool:
        """Return whether a step is in the history."""
        moment = self.times[number]
        lost = any(o.start <= moment < o.end and o.lacks(symbol) for o in self.outages)
        return not lost and not self.dropped(symbol, number)

    def tape(self, symbol: str) -> Iterator[tuple[int, float, float, MarketEvent]]:
        """Iterate over what can be known of a symbol, as moment, price, volume and event."""
        for number in range(len(self.times)):
            if self.known(symbol, number):
                for event in self.events(symbol, number):
                    yield (*told(event), event)


_KIND_BARS, _KIND_TRADES = frozenset(BARS), frozenset(TRADES)


def told(event: MarketEvent) -> tuple[int, float, float]:
    """Return moment, price and volume of an event; a bar is known at its end."""
    if isinstance(event, Bar):
        return event.event_time + event.interval, event.close, event.volume
    if isinstance(event, Quote):
        return event.event_time, (event.bid + event.ask) / 2, 0.0
    assert isinstance(event, Trade)
    return event.event_time, event.price, event.size


class Street:
    """The feed: live on the engine's clock. `cuts` are the moments at which the run is ended by somebody else.

    On every step it may repeat what it has said, send nonsense, and bring some symbols late.
    """

    historical = False
    symbols = SYMBOLS

    def __init__(self, market: Market, clock: Clock, cuts: Sequence[int], heartbeat: float) -> None:
        self._market = market
        self._clock = clock
        self._rng = random.Random(f"{market.seed} line {clock.now()}")
        self._cuts = sorted([*cuts, *(outage.start for outage in market.outages)])
        self._heartbeat = heartbeat
        self._hung: set[int] = set()
        self.refused_backfills = 0

    async def run(self, sink: Sink) -> None:
        """Deliver until the month is over."""
        market, clock = self._market, self._clock
        late: list[MarketEvent] = []
        for number in range(bisect_right(market.times, clock.now() + SECOND), len(market.times)):
            await self._wait(sink, market.times[number])
            late = self._deliver(sink, number, late)

    async def _wait(self, sink: Sink, until: int) -> None:
        while (now := self._clock.now()) < until:
            outage = self._outage(now)
            if outage is not None and outage.how == "cut":
                raise FeedDisconnected("the line was cut")
            if outage is not None:
                self._hung.add(outage.start)
                await self._clock.sleep(30 * DAY / NANOS)
            sink.alive()
            begins = [cut for cut in (o.start for o in self._market.outages) if now < cut]
            await self._clock.sleep(min(until - now, min(begins, default=until) - now, self._heartbeat * NANOS) / NANOS)

    def _outage(self, now: int) -> Outage | None:
        for outage in self._market.outages:
            over = outage.start in self._hung if outage.how == "hang" else now >= outage.end
            if outage.start <= now + SECOND and not over and now < outage.end + DAY:
                return outage
        return None

    def _deliver(self, sink: Sink, number: int, late: list[MarketEvent]) -> list[MarketEvent]:
        market, rng = self._market, self._rng
        on_time, behind, delayed = list(late), [], []
        for symbol in SYMBOLS:
            events = market.events(symbol, number)
            if market.dropped(symbol, number):
                continue
            if market.delayed(symbol, number) and not self._cut_before(number + 1):
                delayed += events
                continue
            on_time += events
            if number and market.dropped(symbol, number - 1):
                behind += market.events(symbol, number - 1)
        on_time += behind
        if market.times[number] > sessions()[CALM_DAYS][0]:
            on_time += self._noise(number, rng)
        sink.push_many(on_time)
        return delayed

    def _noise(self, number: int, rng: random.Random) -> list[MarketEvent]:
        market, noise = self._market, []
        if rng.random() < 0.1 and number:  # it says the step before again, and of some bars this one
            on_time = [s for s in SYMBOLS if not market.delayed(s, number) and not market.dropped(s, number)]
            again = [s for s in on_time if not market.delayed(s, number - 1)]
            noise += [event for s in again for event in market.events(s, number - 1)]
            noise += [event for s in again if s in BARS[:20] for event in market.events(s, number)]
        if rng.random() < 0.2:
            symbol, moment = rng.choice(TRADES), market.times[number]
            said = ((moment, math.nan), (moment, -1.0), (moment + DAY, 50.0))
            noise += [Trade(symbol, at, price, 1.0) for at, price in said]
        return noise

    def _cut_before(self, number: int) -> bool:
        times = self._market.times
        if number >= len(times):
            return True
        return bisect_left(self._cuts, times[number - 1]) != bisect_right(self._cuts, times[number] + self._market.step)

    async def backfill(self, symbol: str, start: int, end: int) -> list[MarketEvent]:
        """Return what happened in a stretch of time, as far as anybody knows. Raises OSError where that cannot be asked."""
        market, now = self._market, self._clock.now()
        for outage in market.outages:
            recent = outage.start <= now < outage.end + market.step
            if recent and outage.history == "half" and outage.lacks(symbol):
                self.refused_backfills += 1
                raise OSError("the history does not answer")
        first, last = bisect_left(market.times, start), bisect_right(market.times, min(end + market.step, now))
        found: list[Any] = []
        for number in range(first, last):
            if market.known(symbol, number):
                found += [_backfilled(e) for e in market.events(symbol, number) if start <= e.event_time < end]
        return found


def _backfilled(event: Any) -> MarketEvent:
    """Return an event as a history gives it."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return type(event)(**fields | {"backfilled": True})
