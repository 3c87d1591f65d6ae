"""What a forecast must say to be worth keeping."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import isfinite
from numbers import Integral, Real
from typing import Any

import attrs

from ml4t.live.model import Direction, Forecast


def checked(forecast: Forecast, model: str) -> Forecast:
    """Return the forecast in plain numbers.

    Raises ValueError, naming the model and the symbol, when it says nothing or what it says makes no sense.
    """
    try:
        if forecast.price is None and forecast.direction is None and not forecast.quantiles:
            raise ValueError("no price, direction or quantiles")
        return attrs.evolve(
            forecast,
            horizon=_horizon(forecast.horizon),
            price=None if forecast.price is None else _price("the price", forecast.price),
            direction=None if forecast.direction is None else _direction(forecast.direction),
            confidence=None if forecast.confidence is None else _confidence(forecast.confidence),
            quantiles=_quantiles(forecast.quantiles) if forecast.quantiles else None,
        )
    except ValueError as error:
        raise ValueError(f"{model} gave {error} for {forecast.symbol}") from None


def _horizon(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value <= 0:
        raise ValueError(f"the horizon {value!r}, which is no positive whole number of nanoseconds,")
    return int(value)


def _direction(value: Any) -> Direction:
    try:
        return Direction(value)
    except ValueError:
        raise ValueError(f"the direction {value!r}, which is none of {', '.join(Direction)},") from None


def _confidence(value: Any) -> float:
    confidence = _number("the confidence", value)
    if not 0.0 <= confidence <= 1.0:
        raise ValueError(f"the confidence {value!r}, which is not between 0 and 1,")
    return confidence


def _quantiles(given: Mapping[Any, Any]) -> dict[float, float]:
    if not isinstance(given, Mapping):
        raise ValueError(f"the quantiles {given!r}, which are no {{level: price}},")  # noqa: TRY004 - one kind of refusal
    levels = sorted((_number("the level", level), _price(f"the price at {level!r}", price)) for level, price in given.items())
    for level, _ in levels:
        if not 0.0 < level < 1.0:
            raise ValueError(f"a quantile at {level:g}, which is not inside 0 and 1,")
    for (low, below), (high, above) in pairwise(levels):
        if above < below:
            raise ValueError(f"quantiles that fall from {below:g} at {low:g} to {above:g} at {high:g}")
    return dict(levels)


def _price(what: str, value: Any) -> float:
    price = _number(what, value)
    if price <= 0:
        raise ValueError(f"{what} {value!r}, which is not above 0,")
    return price


def _number(what: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value):
        raise ValueError(f"{what} {value!r}, which is no finite number,")
    return float(value)
