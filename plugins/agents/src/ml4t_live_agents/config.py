"""The options of the agents."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, ge, gt, in_, le, lt

from ml4t.live.config import Duration

MINUTE = 60_000_000_000
DAY = 1_440 * MINUTE


@frozen(kw_only=True)
class ModelBuilderConfig:
    """What is fitted, to how much of the past, and when again."""

    refit_on: tuple[str, ...] = ()
    """The triggers (of those in `on`) that make it fit again. None: it fits once per symbol, and again after a restart that
    has lost the fit."""

    candle: Duration = field(default=MINUTE, validator=gt(0))
    """The length of the candles whose returns are modelled; several go into one horizon."""

    lags: int = field(default=5, validator=and_(ge(1), le(50)))
    """From how many returns back the next one is predicted."""

    history: int = field(default=500, validator=gt(0))
    """How many of the last returns are fitted to; the market state keeps `[market] history` of them."""

    fewest: int = field(default=100, validator=ge(10))
    """With fewer returns it abstains."""

    ridge: float = field(default=20.0, validator=ge(0))
    """How strongly coefficients are drawn to zero, as a number of returns that would say zero."""

    says: Literal["distribution", "direction", "both"] = field(
        default="distribution", validator=in_(("distribution", "direction", "both"))
    )
    """A log-normal distribution of the price, a direction with its probability as confidence, or both."""

    def __attrs_post_init__(self) -> None:
        if self.fewest > self.history:
            raise ValueError("fewest is above history: it would never forecast; write a longer history")
        if self.fewest < 2 * self.lags:
            raise ValueError("fewest is below twice the lags: too little to fit to; write a larger fewest or fewer lags")


@frozen(kw_only=True)
class PerformanceCriticConfig:
    """What a model is disabled for, how weights follow from skill, and when a disabled one has another chance."""

    models: tuple[str, ...] = ()
    """The models that are judged; none means all that forecast."""

    disable_at: float = field(default=20.0, validator=gt(1))
    """The evidence that a model is worse than naive at which it is disabled: 20 errs with one in twenty, however often it is
    looked at."""

    shrink: float = field(default=50.0, validator=ge(0))
    """How far skill is drawn to zero, as a number of forecasts without overlap that would show none."""

    temperature: float = field(default=0.1, validator=gt(0))
    """A model that is better by this much skill weighs 2.7 times as much."""

    smallest_change: float = field(default=0.05, validator=ge(0))
    """A weight that changes by less is left as it is."""

    probation_after: Duration = field(default=7 * DAY, validator=gt(0))
    """How long a model is disabled before it is asked again; twice as long each further time."""

    probation_weight: float = field(default=0.25, validator=and_(gt(0), le(1)))
    """What a model weighs while it is on probation, whatever its scores."""


@frozen(kw_only=True)
class ExecutionAgentConfig:
    """Whom it follows, how far, and how much it trades."""

    max_value: float = field(validator=gt(0))
    """The largest position in one symbol, in money at the price of the decision; it never orders beyond it."""

    models: tuple[str, ...] = ()
    """The models that are followed; none means all that have a weight above 0."""

    cost: float = field(default=0.0005, validator=and_(ge(0), lt(1)))
    """What one trade costs besides the spread, as a fraction; a round trip is two."""

    full_size_at: float = field(default=0.005, validator=gt(0))
    """The expected return after costs (a fraction) at which `max_value` is used; below, a proportional part."""

    lot: float = field(default=1.0, validator=gt(0))
    """Quantities are multiples of this."""

    allow_short: bool = False
    """True sells short what is expected to fall; otherwise it is only sold."""

    min_left: float = field(default=0.25, validator=and_(ge(0), le(1)))
    """A forecast with a smaller part of its horizon left is not followed any more."""

    largest_move: float = field(default=0.2, validator=gt(0))
    """A forecast of a larger move (a fraction) is taken for an error and left out."""

    rebalance_at: float = field(default=0.2, validator=and_(ge(0), le(1)))
    """A position in the right direction is changed when it is off by this part of `max_value`, so that it does not churn."""

    rest: Duration = field(default=5 * MINUTE, validator=gt(0))
    """After an order that has changed nothing (refused, or on its way), the symbol is left alone for so long."""
