"""The contract of a forecaster, or agent."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol, runtime_checkable

from attrs import frozen

from ml4t.live.contracts.market import MarketView
from ml4t.live.model import Firing, Forecast


@frozen
class ForecastRequest:
    """What a forecaster is asked.

    `time` is the moment of asking and `horizon` how far ahead to look, both in nanoseconds; `symbols` are those wanted;
    `live_mode` is True unless the data are recorded ones.
    """

    symbols: Sequence[str]
    horizon: int
    time: int
    market: MarketView
    firing: Firing | None = None
    live_mode: bool = True


@runtime_checkable
class Forecaster(Protocol):
    """A model that predicts.

    `forecast` may be a coroutine function or a plain one; a plain one is run off the loop when time is real. It is given
    a time budget; an exception or a time-out is counted and disables only this forecaster once its budget is spent.
    """

    def forecast(
        self, request: ForecastRequest
    ) -> Forecast | Sequence[Forecast] | None | Awaitable[Forecast | Sequence[Forecast] | None]:
        """Return a forecast for each wanted symbol that it has an opinion on; nothing counts as an abstention."""
        ...
