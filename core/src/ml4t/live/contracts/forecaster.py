"""The contract of a forecaster, or agent."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from attrs import field, frozen

from ml4t.live.contracts.market import MarketView
from ml4t.live.model import Firing, Forecast, HorizonIn, OrderSide, OrderType, Position


@frozen
class PastScore:
    """How good one model's forecasts over one horizon (nanoseconds) have been so far; None where nothing can be said yet.

    Intervals are of 95 % and allow for overlap. `e_value` is evidence of skill that may be looked at as often as one likes:
    from 20 on there is skill, at the 5 % level. `gain` is the mean return of following a forecast, after costs.
    """

    model: str
    horizon: int
    issued: int = 0
    resolved: int = 0
    hit_rate: float | None = None
    hit_low: float | None = None
    hit_high: float | None = None
    skill: float | None = None
    skill_low: float | None = None
    skill_high: float | None = None
    e_value: float | None = None
    calibrated: bool | None = None
    gain: float | None = None


@frozen
class OrderIntent:
    """An order that an agent wants sent. It passes the same checks as every other.

    Without `side` the sign of `quantity` is the direction. It is due to the firing that asked, unless `reason` says otherwise.
    """

    symbol: str
    quantity: float
    side: OrderSide | str | None = None
    order_type: OrderType | str = OrderType.MARKET
    limit_price: float | None = None
    stop_price: float | None = None
    reason: str = ""


@frozen
class ForecastRequest:
    """What a forecaster is asked.

    `time` is the moment of asking and `horizon` how far ahead to look, both in nanoseconds, the latter counted in
    `horizon_in`; `symbols` are those wanted; `live_mode` is True unless the data are recorded ones. `positions` are those of
    the moment of asking, with `cash` and `equity`; `scores` are the past scores of all models, to be asked
    for by name and horizon: `request.scores["drift", request.horizon]`. `model` is the name of the one that is asked.
    """

    symbols: Sequence[str]
    horizon: int
    time: int
    market: MarketView
    firing: Firing | None = None
    live_mode: bool = True
    model: str = ""
    horizon_in: HorizonIn = HorizonIn.TIME
    positions: Mapping[str, Position] = field(factory=dict)
    cash: float = 0.0
    equity: float = 0.0
    scores: Mapping[tuple[str, int], PastScore] = field(factory=dict)


Answer = Forecast | OrderIntent | Sequence[Forecast | OrderIntent] | None


@runtime_checkable
class Forecaster(Protocol):
    """A model that predicts, an agent that trades, or both.

    `forecast` may be a coroutine function or a plain one; a plain one is run off the loop when time is real, and in a process
    of its own when the configuration says `process = true`. It is given a time budget; an exception or a time-out is counted,
    is followed by a pause that doubles, and disables only this forecaster when it happens too often in a row. A `version`
    attribute, if there is one, tells the forecasts of one version from those of another.
    """

    def forecast(self, request: ForecastRequest) -> Answer | Awaitable[Answer]:
        """Return forecasts of the wanted symbols that it has an opinion on, orders that it wants sent, or both.

        Nothing counts as an abstention.
        """
        ...
