"""What has traded in one contract: the touch, the last trade, and the five-second bars."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from ml4t_live_ib.simulator.venue.contract import Contract

BAR_SECONDS = 5
_REMEMBERED = 2 * 24 * 3600 // BAR_SECONDS
_TICKS_REMEMBERED = 50_000
_WAVES = 12


class PriceBar(NamedTuple):
    """A bar, labelled by its start in seconds since 1970 UTC."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    wap: float
    trades: int


class Tick(NamedTuple):
    """A trade and the touch that it left, at a second since 1970 UTC."""

    time: int
    price: float
    size: float
    bid: float
    ask: float


class Tape:
    """The market of one contract.

    What happened is remembered for two days; what was before its beginning is made up, the same for everybody who asks,
    and leads to the first price.
    """

    def __init__(self, contract: Contract, price: float, begin: int, seed: int) -> None:
        self.contract = contract
        self.begin = begin
        self.first = self.last = self.bid = self.ask = price
        self.size = 100.0
        self.second = 0
        """When the last trade was, seconds since 1970 UTC."""
        self.volume = 0.0
        self.bars: deque[PriceBar] = deque(maxlen=_REMEMBERED)
        self.ticks: deque[Tick] = deque(maxlen=_TICKS_REMEMBERED)
        self.rng = random.Random(f"{seed} {contract.con_id}")  # noqa: S311 - chance, not secrets
        waves = random.Random(f"{seed} past {contract.con_id}")  # noqa: S311
        self._waves = [(0.002 * 2 ** (n / 2), 60 * 2.6**n, waves.uniform(0, math.tau)) for n in range(_WAVES)]
        self._running: PriceBar | None = None

    def trade(self, price: float, size: float, second: int, spread: float = 0.0) -> None:
        """Let a trade happen; the touch follows it. `spread` is between bid and ask."""
        self.last, self.size, self.second = price, size, second
        self.bid, self.ask = self.contract.round(price - spread / 2), self.contract.round(price + spread / 2)
        self.volume += size
        self.ticks.append(Tick(second, price, size, self.bid, self.ask))
        start = second - second % BAR_SECONDS
        bar = self._running
        if bar is None or bar.time != start:
            self._running = PriceBar(start, price, price, price, price, size, price, 1)
            return
        volume = bar.volume + size
        wap = (bar.wap * bar.volume + price * size) / volume if volume else price
        self._running = PriceBar(start, bar.open, max(bar.high, price), min(bar.low, price), price, volume, wap, bar.trades + 1)

    def close_bar(self, start: int) -> PriceBar:
        """Close the bar that began at this second and return it; without trades it is flat and empty."""
        bar = self._running
        if bar is None or bar.time != start:
            bar = PriceBar(start, self.last, self.last, self.last, self.last, 0.0, self.last, 0)
        self.bars.append(bar)
        self._running = None
        return bar

    def history(self, first: int, end: int) -> Iterator[PriceBar]:
        """Yield the five-second bars that start in [first, end), in seconds since 1970 UTC."""
        for start in range(first - first % BAR_SECONDS, min(end, self.begin), BAR_SECONDS):
            yield self.past(start, BAR_SECONDS)
        for bar in self.bars:
            if first <= bar.time < end:
                yield bar

    def past(self, start: int, seconds: int) -> PriceBar:
        """Return a bar of the made-up past."""
        prices = [self._past_price(start + seconds * n / 4) for n in range(5)]
        volume = float(100 + hash((self.contract.con_id, start)) % 900) * seconds / BAR_SECONDS
        middle = self.contract.round(sum(prices) / 5)
        return PriceBar(start, prices[0], max(prices), min(prices), prices[-1], volume, middle, max(1, seconds // 2))

    def _past_price(self, second: float) -> float:
        # A sum of waves is a price that is known at any moment without walking there; it ends at the first price.
        move = sum(
            height * (math.sin(second * math.tau / length + phase) - math.sin(self.begin * math.tau / length + phase))
            for height, length, phase in self._waves
        )
        return self.contract.round(self.first * math.exp(move))
