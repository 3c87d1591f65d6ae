"""What happens at the source, and what is heard of it."""

from __future__ import annotations

import random
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping

from ml4t.live.contracts.market import MarketView
from ml4t.live.model import Firing, Gap, MarketEvent
from ml4t.live.testing.soak.plan import SoakRig

PRICE = 100.0

Times = defaultdict[str, "array[int]"]
"""When events of a symbol happened, in nanoseconds: packed, so that what a soak remembers is not taken for the adapter's."""


def _times() -> array[int]:
    return array("q")


class Ear:
    """A trigger that never fires: it sees every event that the engine processes, once the engine has made sure of it."""

    def __init__(self) -> None:
        self.times: Times = defaultdict(_times)

    def on_event(self, event: MarketEvent, market: MarketView) -> Firing | None:
        """Take note of an event."""
        self.times[event.symbol].append(event.event_time)
        return None

    def heard_after(self, last: Mapping[str, int]) -> bool:
        """True when something has been heard that happened after the `last` event of its symbol."""
        return any(times and times[-1] > last.get(symbol, 0) for symbol, times in self.times.items())

    def has_all(self, last: Mapping[str, int]) -> bool:
        """True when the `last` event of every symbol has been heard."""
        return all(max(self.times[symbol][-1:], default=0) >= moment for symbol, moment in last.items())


class Market:
    """Prices that walk at random, and a note of everything that happened."""

    def __init__(self, rig: SoakRig, seed: int) -> None:
        self._rig = rig
        self._rng = random.Random(f"market {seed}")  # noqa: S311 - a market, not secrets
        self._prices = dict.fromkeys(rig.symbols, PRICE)
        self.times: Times = defaultdict(_times)
        self.count = 0

    def move(self, count: int) -> None:
        """Let so many events happen."""
        for _ in range(count):
            symbol = self._rng.choice(list(self._rig.symbols))
            # Back to where it was, so that the cash of the account lasts.
            price = round(self._prices[symbol] + self._rng.gauss(0, 0.05) - 0.01 * (self._prices[symbol] - PRICE), 2)
            self._prices[symbol] = price
            self.times[symbol].append(self._rig.source.emit(symbol, price))
            self.count += 1

    def last(self) -> dict[str, int]:
        """Return when the last event of every symbol happened."""
        return {symbol: times[-1] for symbol, times in self.times.items()}

    def ahead_of(self, ear: Ear) -> int:
        """Return how many events have happened after the last one that was heard of their symbol."""
        return sum(
            len(times) - bisect_right(times, max(ear.times[symbol][-1:], default=0)) for symbol, times in self.times.items()
        )

    def missed(self, ear: Ear) -> int:
        """Return how much of what happened was never heard."""
        return sum(len(set(times) - set(ear.times[symbol])) for symbol, times in self.times.items())

    def problems(self, ear: Ear, gaps: Iterable[Gap]) -> list[str]:
        """Return what was heard twice or out of order, and what was missed without a gap that tells of it."""
        told: dict[str, list[Gap]] = defaultdict(list)
        for gap in gaps:
            told[gap.symbol].append(gap)
        found = []
        for symbol, times in self.times.items():
            heard = list(ear.times[symbol])
            if heard != sorted(heard):
                found.append(f"{symbol}: events were processed out of the order of time")
            if len(set(heard)) != len(heard):
                found.append(f"{symbol}: {len(heard) - len(set(heard))} of {len(heard)} events were processed twice")
            missed = sorted(set(times) - set(heard))
            untold = [time for time in missed if not any(gap.start <= time < gap.end for gap in told[symbol])]
            if untold:
                found.append(f"{symbol}: {len(untold)} events are missing and no gap tells of them, the first {untold[0]}")
            if invented := set(heard) - set(times):
                found.append(f"{symbol}: {len(invented)} events were processed that never happened, the first {min(invented)}")
        return found
