"""A forecast and what became of it."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen


class Direction(StrEnum):
    """Which way a price is expected to go, or went, against the reference price."""

    UP = "up"
    DOWN = "down"
    SIDEWAYS = "sideways"


class ForecastState(StrEnum):
    """Where a forecast stands."""

    OPEN = "open"
    RESOLVED = "resolved"
    LATE = "late"
    """A price came, but much later than the horizon: it is noted, and enters no score."""
    UNRESOLVABLE = "unresolvable"
    """No price came before the deadline."""


class HorizonIn(StrEnum):
    """What the length of a horizon is measured in."""

    TIME = "time"
    """Time as it passes. A horizon that falls in closed hours is resolved when the market is open again."""
    TRADING_TIME = "trading time"
    """Only the time in which the market is open counts."""
    SESSIONS = "sessions"
    """Trading days: `1d` ahead is the close of the next session, `2d` that of the one after it."""


class Family(StrEnum):
    """The families of distributions that a forecast may name."""

    NORMAL = "normal"
    """The price is normal: mean `location`, standard deviation `scale`."""
    LOGNORMAL = "lognormal"
    """The natural logarithm of the price is normal: mean `location`, standard deviation `scale`."""


@frozen
class Distribution:
    """The distribution of the price at the horizon."""

    location: float
    scale: float
    family: Family = Family.NORMAL


@frozen
class Forecast:
    """What a model said about one symbol at one horizon, frozen at issue.

    Forecasters fill in `symbol`, `horizon` and what they predict, one of these or several: `price`; `direction` with
    `confidence`, the probability that it is right; `quantiles` as {level: price}; `samples` of the price; its
    `distribution`. The engine stamps the rest, so a forecaster cannot backdate. `horizon` is in nanoseconds after
    `issued_at`, in `horizon_in`; `reference_price` is the last trusted price at issue, of `reference_time`, with the `bid`
    and `ask` of then where there are quotes.
    """

    symbol: str
    horizon: int
    price: float | None = None
    direction: Direction | None = None
    confidence: float | None = None
    quantiles: dict[float, float] | None = None
    model: str = ""
    version: str = ""
    forecast_id: str = ""
    issued_at: int = 0
    reference_price: float = 0.0
    reference_time: int = 0
    cause: str = ""
    """The id of the firing that asked for it."""
    samples: tuple[float, ...] | None = None
    distribution: Distribution | None = None
    trigger: str = ""
    """The trigger that asked for it."""
    regime: str = ""
    """The kind of regime at issue, of the longest candles that are no longer than the horizon; empty where none are kept."""
    inputs: str = ""
    """A digest of everything that the market view said about the symbol when the model was asked."""
    horizon_in: HorizonIn = HorizonIn.TIME
    due_at: int = 0
    """The moment it speaks of, nanoseconds UTC; 0 means `issued_at + horizon`."""
    bid: float | None = None
    ask: float | None = None
    naive_confidence: float | None = None
    """How often the named direction was right in the past, for this symbol and horizon: what the confidence must beat."""
    naive_scale: float | None = None
    """The standard deviation of past returns over this horizon: the scale of the naive distribution. None: none yet."""

    @property
    def due(self) -> int:
        """The moment it speaks of, nanoseconds UTC."""
        return self.due_at or self.issued_at + self.horizon


@frozen
class Resolution:
    """What happened to a forecast: the price at its horizon and the scores that follow from it.

    A score is None when the forecast did not say what it judges, and all are None without a price. Errors and `crps`,
    `pinball` are in price units; everything `naive_` is the score of predicting no change on the same forecast.
    """

    forecast_id: str
    state: ForecastState
    time: int
    price: float | None = None
    """The price, in the units of before every split since the forecast was issued."""
    price_time: int | None = None
    direction_hit: bool | None = None
    absolute_error: float | None = None
    naive_error: float | None = None
    brier: float | None = None
    """(confidence - hit) ** 2; 0.25 is what a confidence of one half gets."""
    log_score: float | None = None
    """-ln of the probability given to what happened (nats)."""
    clipped: bool = False
    """True when the log score would have been worse than its bound: the model was sure, and wrong."""
    pinball: float | None = None
    """Mean over the quantiles."""
    naive_pinball: float | None = None
    crps: float | None = None
    naive_crps: float | None = None
    log_density: float | None = None
    """-ln of the density that the distribution gave to the price, in units of the reference price (nats)."""
    naive_log_density: float | None = None
    pit: float | None = None
    """The probability that the forecast gave to prices up to this one: uniform when the model is calibrated."""
    covered: bool | None = None
    """Whether the price lay within the widest central interval (of a distribution or samples: the 80 % one)."""
    gain: float | None = None
    """The return of following it from issue to horizon with one unit, after costs."""
    cost: float | None = None
    """The costs in it, as a fraction."""
    split: float = 1.0
    """Shares that one share at issue has become."""
    block: int = 0
    """The number of the horizon that the forecast was issued in: those of one block share their luck."""
    why: str = ""
    """Why it is unresolvable."""
