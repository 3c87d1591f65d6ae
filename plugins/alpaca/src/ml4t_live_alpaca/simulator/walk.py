"""Where simulated prices come from: a random walk, or a file."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from ml4t_live_alpaca.simulator.config import AlpacaSimulatorConfig

Print = tuple[str, float, float]
"""Symbol, price and size."""


def market_of(config: AlpacaSimulatorConfig, prices: dict[str, float], rng: random.Random) -> Iterator[Sequence[Print]]:
    """Return the market that a configuration names, one list of trades per tick."""
    return replayed(Path(config.replay)) if config.replay else random_walk(prices, config.volatility, rng)


def random_walk(prices: dict[str, float], volatility: float, rng: random.Random) -> Iterator[Sequence[Print]]:
    """Yield one trade per symbol for ever, each price a normal step from the last and on the grid of cents."""
    while True:
        trades = []
        for symbol, last in prices.items():
            price = max(0.01, last * (1.0 + rng.gauss(0.0, volatility)))
            prices[symbol] = price
            trades.append((symbol, round(price, 2), float(rng.randint(1, 500))))
        yield trades


def replayed(path: Path) -> Iterator[Sequence[Print]]:
    """Yield the trades of a CSV file with the columns symbol, price and optionally size, one line a tick."""
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            yield [(line["symbol"], float(line["price"]), float(line.get("size") or 1.0))]
