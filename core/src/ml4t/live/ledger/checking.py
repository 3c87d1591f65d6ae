"""What a forecast must say to be worth keeping."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import isfinite
from numbers import Integral, Real
from typing import Any

import attrs

from ml4t.live.model import Direction, Distribution, Family, Forecast

FEWEST_SAMPLES, MOST_SAMPLES = 9, 10_000
"""With fewer there is no interval that says anything; more would only fill the disk."""

LARGEST_LOG, LARGEST_LOG_SCALE = 50.0, 10.0
"""Prices between 2e-22 and 5e21, and a standard deviation by a factor of 22,000: beyond it numbers overflow."""


def checked(forecast: Forecast, model: str) -> Forecast:
    """Return the forecast in plain numbers.

    Raises ValueError, naming the model and the symbol, when it says nothing or what it says makes no sense.
    """
    try:
        if not _says_something(forecast):
            raise ValueError("no price, direction, quantiles, samples or distribution")
        return attrs.evolve(
            forecast,
            horizon=_horizon(forecast.horizon),
            price=None if forecast.price is None else _price("the price", forecast.price),
            direction=None if forecast.direction is None else _direction(forecast.direction),
            confidence=None if forecast.confidence is None else _confidence(forecast.confidence),
            quantiles=_quantiles(forecast.quantiles) if forecast.quantiles else None,
            samples=None if forecast.samples is None else _samples(forecast.samples),
            distribution=None if forecast.distribution is None else _distribution(forecast.distribution),
        )
    except ValueError as error:
        raise ValueError(f"{model} gave {error} for {forecast.symbol}") from None


def checked_ratio(ratio: float) -> float:
    """Return how many shares one share has become. Raises ValueError for a number that cannot be that."""
    if not (isfinite(ratio) and ratio > 0):
        raise ValueError(f"a split of {ratio!r} for one; write 4 for four new shares for one old, 0.1 for one for ten")
    return float(ratio)


def _says_something(forecast: Forecast) -> bool:
    said = (forecast.price, forecast.direction, forecast.quantiles or None, forecast.samples, forecast.distribution)
    return any(each is not None for each in said)


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


def _samples(given: Any) -> tuple[float, ...]:
    """Return the samples in rising order, as the scores want them."""
    try:
        listed = list(given)
    except TypeError:
        raise ValueError(f"the samples {given!r}, which are no list of prices,") from None
    if not FEWEST_SAMPLES <= len(listed) <= MOST_SAMPLES:
        raise ValueError(f"{len(listed)} samples, which are not {FEWEST_SAMPLES} to {MOST_SAMPLES:,},")
    return tuple(sorted(_price(f"sample {place}", price) for place, price in enumerate(listed)))


def _distribution(given: Any) -> Distribution:
    if not isinstance(given, Distribution):
        raise ValueError(f"the distribution {given!r}, which is no Distribution,")  # noqa: TRY004 - one kind of refusal
    family = _family(given.family)
    location = _number("the location", given.location)
    if family is Family.LOGNORMAL and abs(location) > LARGEST_LOG:
        raise ValueError(f"the location {location!r}, which is no logarithm of a price,")
    scale = _price("the scale", given.scale)
    if family is Family.LOGNORMAL and scale > LARGEST_LOG_SCALE:
        raise ValueError(f"the scale {scale!r}, which is no standard deviation of the logarithm of a price,")
    return Distribution(location, scale, family)


def _family(value: Any) -> Family:
    try:
        return Family(value)
    except ValueError:
        raise ValueError(f"the family {value!r}, which is none of {', '.join(Family)},") from None


def _price(what: str, value: Any) -> float:
    price = _number(what, value)
    if price <= 0:
        raise ValueError(f"{what} {value!r}, which is not above 0,")
    return price


def _number(what: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value):
        raise ValueError(f"{what} {value!r}, which is no finite number,")
    return float(value)
