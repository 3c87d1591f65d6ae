"""From what an estimator predicts to a forecast."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import exp
from typing import Any

from ml4t.live.errors import LiveError
from ml4t.live.model import Direction, Forecast

_DIRECTIONS: Mapping[str, Direction] = {
    "1": Direction.UP, "true": Direction.UP, "up": Direction.UP,
    "0": Direction.DOWN, "-1": Direction.DOWN, "false": Direction.DOWN, "down": Direction.DOWN,
    "sideways": Direction.SIDEWAYS,
}  # fmt: skip


def directions_of(classes: Iterable[Any]) -> list[Direction]:
    """Return the direction that each class of a classifier stands for: 0 is down of two classes, and sideways of -1, 0, 1.

    Raises LiveError for classes that stand for none.
    """
    names = [_name(each) for each in classes]
    known = {**_DIRECTIONS, "0": Direction.SIDEWAYS} if "-1" in names else _DIRECTIONS
    found = [known.get(name) for name in names]
    directions = [each for each in found if each is not None]
    if len(set(directions)) != len(names):
        raise LiveError(f"the classes {', '.join(names)} are no directions; fit it with down, up and, if wanted, sideways")
    return directions


def points(predicted: Sequence[float], prices: Sequence[float], says: str) -> Iterator[dict[str, Any]]:
    """Yield what is said of each symbol by a price, given the last ones."""
    for value, price in zip(predicted, prices, strict=True):
        yield {"price": price_at(float(value), price, says)}


def odds(predicted: Sequence[Sequence[float]], directions: Sequence[Direction]) -> Iterator[dict[str, Any]]:
    """Yield the likeliest direction of each symbol, with its probability."""
    for row in predicted:
        best = max(range(len(directions)), key=lambda index: float(row[index]))
        yield {"direction": directions[best], "confidence": float(row[best])}


def quantiles(by_level: Mapping[float, Sequence[float]], prices: Sequence[float]) -> Iterator[dict[str, Any]]:
    """Yield the quantiles of each symbol's price.

    Estimators that were fitted one by one may cross; sorting them is the remedy of Chernozhukov, Fernández-Val and Galichon,
    Quantile and Probability Curves Without Crossing, Econometrica 78 (2010), and never makes them worse.
    """
    levels = sorted(by_level)
    for index, price in enumerate(prices):
        values = sorted(float(by_level[level][index]) for level in levels)
        found = {level: price_at(value, price, "return") for level, value in zip(levels, values, strict=True)}
        yield {"quantiles": found, **({"price": found[0.5]} if 0.5 in found else {})}


def forecasts(symbols: Sequence[str], horizon: int, said: Iterable[dict[str, Any]]) -> list[Forecast]:
    """Return the forecasts."""
    return [Forecast(symbol, horizon, **each) for symbol, each in zip(symbols, said, strict=True)]


def price_at(value: float, price: float, says: str) -> float:
    """Return the price that a prediction speaks of."""
    if says == "price":
        return value
    return price * (exp(value) if says == "log_return" else 1.0 + value)


def _name(value: Any) -> str:
    text = str(value).lower()
    return text.removesuffix(".0")
