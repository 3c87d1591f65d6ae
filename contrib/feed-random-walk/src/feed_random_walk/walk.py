"""One walk: the events of one symbol, a function of the options and the seed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from math import exp
from random import Random

from feed_random_walk.config import RandomWalkConfig
from ml4t.live.model import Bar, Trade
from ml4t.live.times import to_nanoseconds

SOURCE = "random-walk"
_MOVES_PER_BAR = 4
_FARTHEST = 20.0
"""The largest logarithm of price / start_price: an endless walk must not leave the numbers that a float can hold."""


def walk(config: RandomWalkConfig, symbol: str, *, backfilled: bool = False) -> Iterator[Trade | Bar]:
    """Yield the events of `symbol`, oldest first."""
    start = to_nanoseconds(config.start)
    times = count(start, config.step) if config.count is None else range(start, start + config.count * config.step, config.step)
    # A string seeds the same way in every process, unlike the hash of a tuple.
    random = Random(f"{config.seed}/{symbol}")  # noqa: S311 - prices, not keys
    if config.kind == "bar":
        return _bars(config, symbol, iter(times), random, backfilled)
    return _trades(config, symbol, iter(times), random, backfilled)


def _trades(config: RandomWalkConfig, symbol: str, times: Iterator[int], random: Random, backfilled: bool) -> Iterator[Trade]:
    prices = _prices(config.start_price, config.volatility, random)
    for time, price in zip(times, prices, strict=False):
        yield Trade(symbol, time, price, float(random.randint(1, 100)), source=SOURCE, backfilled=backfilled)


def _bars(config: RandomWalkConfig, symbol: str, times: Iterator[int], random: Random, backfilled: bool) -> Iterator[Bar]:
    prices = _prices(config.start_price, config.volatility / _MOVES_PER_BAR**0.5, random)
    path = [config.start_price]
    for time in times:
        path = [path[-1], *islice(prices, _MOVES_PER_BAR)]
        volume = float(random.randint(100, 10_000))
        prices_of_bar = (path[0], max(path), min(path), path[-1])
        yield Bar(symbol, time, *prices_of_bar, volume, interval=config.step, source=SOURCE, backfilled=backfilled)


def _prices(start: float, volatility: float, random: Random) -> Iterator[float]:
    logarithm = 0.0
    while True:
        logarithm = max(-_FARTHEST, min(_FARTHEST, logarithm + random.gauss(0.0, volatility)))
        yield start * exp(logarithm)
