"""The price of a symbol with everything that happened to it: firings, trades, and forecasts at their horizons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field, frozen

from ml4t.live.journal import RecordKind, TrackedForecast
from ml4t.live.ledger.outcome import centre_of
from ml4t.live.model import Fill, OrderSide
from ml4t.live.report.reader import ReportReader
from ml4t.live.report.sampling import Axis, Line, Point, Spots

DRAWN = 12
"""Symbols that have a chart; the tables have them all."""
MODELS = 4
"""Models (each at one horizon) whose forecasts are drawn."""
TRIGGERS = 6
"""Triggers whose firings are drawn."""


@frozen
class Trades:
    """The fills of one side in one column of a chart: their number, quantity and average price."""

    time: int
    side: OrderSide
    count: int
    quantity: float
    price: float


@frozen
class Firings:
    """The firings of a trigger, as stretches of time in which there were some."""

    trigger: str
    count: int
    spans: tuple[tuple[int, int], ...]


@frozen
class Predictions:
    """The prices that a model saw coming, at the moments they were to come; of several in one column, the mean."""

    model: str
    horizon: int
    count: int
    points: tuple[Point, ...]


@frozen
class SymbolChart:
    """What is drawn of one symbol. Times are nanoseconds UTC."""

    symbol: str
    prices: tuple[Point, ...]
    observed: int
    """How many prices the line stands for."""
    trades: tuple[Trades, ...]
    firings: tuple[Firings, ...]
    predictions: tuple[Predictions, ...]


@define
class _Sum:
    """Things of one column."""

    count: int = 0
    weight: float = 0.0
    total: float = 0.0
    time: int = 0

    def add(self, time: int, value: float, weight: float = 1.0) -> None:
        self.count += 1
        self.weight += weight
        self.total += weight * value
        self.time = time

    @property
    def mean(self) -> float:
        return self.total / self.weight


@define
class _Sheet:
    """A chart that is being made."""

    axis: Axis
    models: tuple[tuple[str, int], ...]
    triggers: tuple[str, ...]
    prices: Line
    trades: dict[tuple[int, OrderSide], _Sum] = field(factory=dict)
    firings: dict[str, Spots] = field(factory=dict)
    predictions: dict[tuple[str, int], dict[int, _Sum]] = field(factory=dict)

    def add_forecast(self, tracked: TrackedForecast) -> None:
        forecast, outcome = tracked.forecast, tracked.resolution
        self.prices.add(forecast.reference_time, forecast.reference_price)
        if outcome is not None and outcome.price is not None and outcome.price_time is not None:
            self.prices.add(outcome.price_time, outcome.price / outcome.split)
        key, centre = (forecast.model, forecast.horizon), centre_of(forecast)
        if centre is not None and key in self.models:
            sums = self.predictions.setdefault(key, {})
            sums.setdefault(self.axis.place(forecast.due), _Sum()).add(forecast.due, centre)

    def add_fill(self, fill: Fill) -> None:
        self.prices.add(fill.time, fill.price)
        key = (self.axis.place(fill.time), fill.side)
        self.trades.setdefault(key, _Sum()).add(fill.time, fill.price, fill.quantity)

    def add_firing(self, trigger: str, time: int) -> None:
        if trigger in self.triggers:
            self.firings.setdefault(trigger, Spots(self.axis)).add(time)

    def chart(self, symbol: str) -> SymbolChart:
        trades = [
            Trades(each.time, side, each.count, each.weight, each.mean) for (_, side), each in sorted(self.trades.items())
        ]
        predictions = [
            Predictions(
                model,
                horizon,
                sum(each.count for each in sums.values()),
                tuple((each.time, each.mean) for _, each in sorted(sums.items())),
            )
            for (model, horizon), sums in sorted(self.predictions.items())
        ]
        firings = [
            Firings(name, self.firings[name].count, tuple(self.firings[name].spans()))
            for name in self.triggers
            if name in self.firings
        ]
        return SymbolChart(
            symbol, tuple(self.prices.points()), self.prices.count, tuple(trades), tuple(firings), tuple(predictions)
        )


class ChartRoom:
    """Makes the charts of some symbols in one pass over each kind of record."""

    def __init__(self, axis: Axis, symbols: Iterable[str], models: Iterable[tuple[str, int]], triggers: Iterable[str]) -> None:
        shown = tuple(models)[:MODELS], tuple(triggers)[:TRIGGERS]
        self._sheets = {symbol: _Sheet(axis, *shown, Line(axis)) for symbol in symbols}

    def add_forecast(self, tracked: TrackedForecast) -> None:
        """Take in a forecast: what it saw coming, and the prices that it and its outcome name."""
        sheet = self._sheets.get(tracked.forecast.symbol)
        if sheet is not None:
            sheet.add_forecast(tracked)

    def read(self, journal: ReportReader) -> None:
        """Take in everything else: fills, firings, and the candles that a live run keeps."""
        for fill in journal.every_fill():
            if fill.symbol in self._sheets:
                self._sheets[fill.symbol].add_fill(fill)
        for record in journal.records(RecordKind.FIRING):
            self._add_firing(record.body, record.time)
        for symbol, state in journal.state("market").items():
            if symbol in self._sheets:
                _add_candles(self._sheets[symbol].prices, state)

    def charts(self) -> tuple[SymbolChart, ...]:
        """Return the charts, in the order in which the symbols were given."""
        return tuple(sheet.chart(symbol) for symbol, sheet in self._sheets.items())

    def _add_firing(self, body: Mapping[str, Any], recorded_at: int) -> None:
        symbol = body.get("symbol")
        # A firing without a symbol concerns them all.
        sheets = self._sheets.values() if not symbol else filter(None, [self._sheets.get(symbol)])
        at, price = body.get("time") or recorded_at, (body.get("values") or {}).get("price")
        for sheet in sheets:
            sheet.add_firing(body["trigger"], at)
            if symbol and price is not None:
                sheet.prices.add(at, price)


def busiest_symbols(journal: ReportReader, turnover: Mapping[str, float]) -> list[str]:
    """Return all symbols of a session: those with most turnover first, then by forecasts, then by firings."""
    forecasts, firings = journal.forecasts_by_symbol(), journal.firings_by_symbol()
    symbols = turnover.keys() | forecasts.keys() | firings.keys()
    return sorted(symbols, key=lambda s: (-turnover.get(s, 0.0), -forecasts.get(s, 0), -firings.get(s, 0), s))


def _add_candles(prices: Line, state: Mapping[str, Any]) -> None:
    for series in state.get("candles", {}).values():
        for start, _, high, low, close, _, interval in series["closed"]:
            for price in (low, high, close):
                prices.add(start + interval, price)
