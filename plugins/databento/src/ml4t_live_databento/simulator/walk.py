"""Where simulated prices come from: a random walk, or a file."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from ml4t_live_databento.simulator.config import DatabentoSimulatorConfig

Print = tuple[str, float, float]
"""Symbol, price and size."""


def market_of(config: DatabentoSimulatorConfig, rng: random.Random) -> Iterator[Sequence[Print]]:
    """Return the market that a configuration names, one list of trades per tick."""
    if config.replay:
        return _replayed(Path(config.replay))
    return _random_walk(dict.fromkeys(config.symbols, config.price), config.volatility, rng)


def _random_walk(prices: dict[str, float], volatility: float, rng: random.Random) -> Iterator[Sequence[Print]]:
    while True:
        for symbol, last in prices.items():
            prices[symbol] = max(0.02, last * (1.0 + rng.gauss(0.0, volatility)))
        yield [(symbol, round(price, 2), float(rng.randint(1, 500))) for symbol, price in prices.items()]


def _replayed(path: Path) -> Iterator[Sequence[Print]]:
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            yield [(line["symbol"], float(line["price"]), float(line.get("size") or 1.0))]
