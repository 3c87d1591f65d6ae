"""What a price makes of a forecast."""

from __future__ import annotations

from math import exp
from typing import Any

from ml4t.live.ledger import formulas
from ml4t.live.ledger.normal import quantile
from ml4t.live.ledger.scores import NOMINAL, central_levels
from ml4t.live.model import Direction, Distribution, Family, Forecast, ForecastState, Resolution

SIDEWAYS = 0.0005
"""A move smaller than this fraction of the reference price counts as sideways."""


def direction_of(change: float) -> Direction:
    """Return what a return (a fraction) is called."""
    return Direction.SIDEWAYS if abs(change) < SIDEWAYS else Direction.UP if change > 0 else Direction.DOWN


def resolve(
    forecast: Forecast,
    price: float,
    price_time: int,
    now: int,
    *,
    block: int = 0,
    late: bool = False,
    cost: float = 0.0,
    split: float = 1.0,
) -> Resolution:
    """Return what `price` makes of a forecast, by every score that it can be judged by.

    `block` is the number of the horizon that it was issued in; `split` is how many shares one share at issue has become:
    the price is brought back to the units of then. `cost` is the fraction of the traded value that each of the two trades of
    following it costs besides the spread.
    """
    price *= split
    scores: dict[str, Any] = {"naive_error": abs(price - forecast.reference_price)}
    if forecast.price is not None:
        scores["absolute_error"] = abs(price - forecast.price)
    if forecast.direction is not None:
        scores |= _direction(forecast, forecast.direction, price)
    if forecast.quantiles:
        scores |= _quantiles(forecast, forecast.quantiles, price)
    if forecast.samples is not None:
        scores |= _samples(forecast, forecast.samples, price)
    if forecast.distribution is not None:
        scores |= _distribution(forecast, forecast.distribution, price)
    side = side_of(forecast)
    if side is not None:
        scores |= _gain(forecast, side, price, cost)
    return Resolution(
        forecast_id=forecast.forecast_id,
        state=ForecastState.LATE if late else ForecastState.RESOLVED,
        time=now,
        price=price,
        price_time=price_time,
        split=split,
        block=block,
        **scores,
    )


def naive_distribution(forecast: Forecast) -> Distribution | None:
    """Return the random walk's distribution: centred on the reference price, as wide as past returns; None before any."""
    if forecast.naive_scale is None:
        return None
    return Distribution(forecast.reference_price, forecast.reference_price * forecast.naive_scale)


def side_of(forecast: Forecast) -> int | None:
    """Return which way following a forecast goes: 1 buys, -1 sells, 0 does nothing; None when it does not say."""
    if forecast.direction is not None:
        return {Direction.UP: 1, Direction.DOWN: -1, Direction.SIDEWAYS: 0}[forecast.direction]
    centre = centre_of(forecast)
    if centre is None:
        return None
    return (centre > forecast.reference_price) - (centre < forecast.reference_price)


def centre_of(forecast: Forecast) -> float | None:
    """Return the price that a forecast names, or its median; None when it has neither."""
    if forecast.price is not None:
        return forecast.price
    distribution, samples = forecast.distribution, forecast.samples
    if distribution is not None:
        return distribution.location if distribution.family is Family.NORMAL else exp(distribution.location)
    if samples is not None:
        return (samples[(len(samples) - 1) // 2] + samples[len(samples) // 2]) / 2.0
    return (forecast.quantiles or {}).get(0.5)


def _direction(forecast: Forecast, said: Direction, price: float) -> dict[str, Any]:
    hit = said is direction_of(price / forecast.reference_price - 1.0)
    if forecast.confidence is None:
        return {"direction_hit": hit}
    score, clipped = formulas.log_score(forecast.confidence, hit)
    return {
        "direction_hit": hit,
        "brier": formulas.brier(forecast.confidence, hit),
        "log_score": score,
        "clipped": clipped,
    }


def _quantiles(forecast: Forecast, quantiles: dict[float, float], price: float) -> dict[str, Any]:
    losses = [formulas.pinball(level, value, price) for level, value in quantiles.items()]
    found: dict[str, Any] = {"pinball": sum(losses) / len(losses)}
    naive = naive_distribution(forecast)
    if naive is not None:
        values = ((level, naive.location + naive.scale * quantile(level)) for level in quantiles)
        found["naive_pinball"] = sum(formulas.pinball(level, value, price) for level, value in values) / len(losses)
    pair = central_levels(forecast)
    if pair is not None:
        found["covered"] = quantiles[pair[0]] <= price <= quantiles[pair[1]]
    return found


def _samples(forecast: Forecast, samples: tuple[float, ...], price: float) -> dict[str, Any]:
    first, last = formulas.central_slots(len(samples), NOMINAL)
    return {
        "crps": formulas.crps_samples(samples, price),
        "naive_crps": _naive_crps(forecast, price),
        "pit": formulas.pit_samples(samples, price),
        "covered": first <= formulas.rank_of(samples, price) <= last,
    }


def _distribution(forecast: Forecast, distribution: Distribution, price: float) -> dict[str, Any]:
    naive = naive_distribution(forecast)
    density, clipped = formulas.log_density(distribution, price, forecast.reference_price)
    place = formulas.pit(distribution, price)
    tail = (1.0 - NOMINAL) / 2.0
    return {
        "crps": formulas.crps(distribution, price),
        "naive_crps": _naive_crps(forecast, price),
        "log_density": density,
        "naive_log_density": None if naive is None else formulas.log_density(naive, price, forecast.reference_price)[0],
        "clipped": clipped,
        "pit": place,
        "covered": tail <= place <= 1.0 - tail,
    }


def _naive_crps(forecast: Forecast, price: float) -> float | None:
    naive = naive_distribution(forecast)
    return None if naive is None else formulas.crps(naive, price)


def _gain(forecast: Forecast, side: int, price: float, cost: float) -> dict[str, Any]:
    spread = 0.0
    if forecast.bid is not None and forecast.ask is not None:
        spread = (forecast.ask - forecast.bid) / forecast.reference_price
    costs = abs(side) * (spread + 2.0 * cost)
    return {"gain": side * (price / forecast.reference_price - 1.0) - costs, "cost": costs}
