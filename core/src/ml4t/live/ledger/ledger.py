"""Forecasts from issue to resolution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from heapq import heappop, heappush

import attrs

from ml4t.live.contracts.market import MarketView
from ml4t.live.journal import RecordKind, StatePut
from ml4t.live.ledger.checking import checked
from ml4t.live.ledger.scores import Score
from ml4t.live.model import Direction, Forecast, ForecastState, Resolution
from ml4t.live.orders.ports import Recorder
from ml4t.live.times import NANOS

LATE = 4 * 86_400 * NANOS
"""A price this much later than the horizon resolves the forecast as late: longer than any long weekend."""

KNOWN = 100_000
"""Ids of forecasts that are remembered, so that none is issued twice."""

SIDEWAYS = 0.0005
"""A move smaller than this fraction of the reference price counts as sideways."""


class ForecastLedger:
    """Stamps, stores and resolves forecasts.

    A forecast is stamped with the engine's time and the last trusted price, so it cannot be backdated, and is resolved by
    the first price at or after its horizon. The same model asked by the same firing for the same symbol and horizon is the
    same forecast, however often a restart repeats it: the last `KNOWN` are remembered, resolved or not.
    """

    def __init__(self, market: MarketView, record: Recorder) -> None:
        self._market = market
        self._record = record
        self._open: dict[str, list[tuple[int, str, Forecast]]] = {}
        self._known: dict[str, None] = {}
        self.next_due: dict[str, int] = {}
        """The earliest horizon per symbol with open forecasts: looking here is all that a tick costs."""
        self.scores: dict[tuple[str, str, int], Score] = {}

    @property
    def open_count(self) -> int:
        """How many forecasts wait for their horizon."""
        return sum(len(heap) for heap in self._open.values())

    def issue(self, forecasts: Sequence[Forecast], *, model: str, version: str, cause: str, now: int) -> list[Forecast]:
        """Stamp, store and return the forecasts that are new.

        Raises ValueError for one that makes no sense, or of a symbol without a price; then none of them is issued.
        """
        issued = []
        for stamped in [self._stamp(forecast, model, version, cause, now) for forecast in forecasts]:
            if stamped.forecast_id in self._known:
                continue
            self._score(stamped).issued += 1
            self._put(stamped)
            self._record(RecordKind.FORECAST, stamped.forecast_id, stamped, state=self._line(stamped))
            issued.append(stamped)
        return issued

    def on_price(self, symbol: str, price: float, time: int, now: int) -> None:
        """Resolve what is due with a price of `time` (nanoseconds UTC)."""
        heap = self._open.get(symbol, [])
        while heap and heap[0][0] <= time:
            forecast = heappop(heap)[2]
            resolution = resolve(forecast, price, time, now)
            self._score(forecast).add(forecast, resolution)
            self._record(RecordKind.RESOLUTION, forecast.forecast_id, resolution, state=self._line(forecast))
        if heap:
            self.next_due[symbol] = heap[0][0]
        else:
            self._open.pop(symbol, None)
            self.next_due.pop(symbol, None)

    def restore(
        self,
        forecasts: Sequence[Forecast],
        scores: Mapping[str, Mapping[str, float]],
        resolved: Iterable[str] = (),
    ) -> None:
        """Take back the score sums, the open forecasts, and the ids of those `resolved` lately (oldest first)."""
        for forecast_id in resolved:
            self._remember(forecast_id)
        for forecast in forecasts:
            self._put(forecast)
        for name, state in scores.items():
            model, rest = name.split("|", 1)
            symbol, horizon = rest.rsplit("|", 1)
            self.scores[model, symbol, int(horizon)] = Score.from_state(state)

    def by_model(self) -> dict[str, Score]:
        """Return the scores of each model over all its symbols and horizons."""
        totals: dict[str, Score] = {}
        for (model, _, _), score in self.scores.items():
            totals[model] = totals.get(model, Score()).plus(score)
        return totals

    def _stamp(self, forecast: Forecast, model: str, version: str, cause: str, now: int) -> Forecast:
        state = self._market.get(forecast.symbol)
        if state is None or state.price is None:
            raise ValueError(f"{model} spoke of {forecast.symbol}, of which no price has been seen")
        forecast = checked(forecast, model)
        # The firing says when the question was asked; without one, the engine's time does.
        identity = repr((model, version, forecast.symbol, forecast.horizon, cause or now))
        return attrs.evolve(
            forecast,
            model=model,
            version=version,
            forecast_id="f" + blake2b(identity.encode(), digest_size=10).hexdigest(),
            issued_at=now,
            reference_price=state.price,
            reference_time=state.event_time,
            cause=cause,
        )

    def _put(self, forecast: Forecast) -> None:
        heap = self._open.setdefault(forecast.symbol, [])
        heappush(heap, (forecast.due, forecast.forecast_id, forecast))
        self._remember(forecast.forecast_id)
        self.next_due[forecast.symbol] = heap[0][0]

    def _remember(self, forecast_id: str) -> None:
        self._known[forecast_id] = None
        if len(self._known) > KNOWN:
            del self._known[next(iter(self._known))]

    def _line(self, forecast: Forecast) -> Sequence[StatePut]:
        return (StatePut("score", _name(forecast), attrs.asdict(self._score(forecast))),)

    def _score(self, forecast: Forecast) -> Score:
        return self.scores.setdefault((forecast.model, forecast.symbol, forecast.horizon), Score())


def resolve(forecast: Forecast, price: float, price_time: int, now: int) -> Resolution:
    """Return what `price` makes of a forecast: the direction against the price at issue, the error, and the naive error."""
    change = price / forecast.reference_price - 1.0
    went = Direction.SIDEWAYS if abs(change) < SIDEWAYS else Direction.UP if change > 0 else Direction.DOWN
    return Resolution(
        forecast_id=forecast.forecast_id,
        state=ForecastState.LATE if price_time - forecast.due > LATE else ForecastState.RESOLVED,
        time=now,
        price=price,
        price_time=price_time,
        direction_hit=None if forecast.direction is None else forecast.direction is went,
        absolute_error=None if forecast.price is None else abs(price - forecast.price),
        naive_error=abs(price - forecast.reference_price),
    )


def _name(forecast: Forecast) -> str:
    return f"{forecast.model}|{forecast.symbol}|{forecast.horizon}"
