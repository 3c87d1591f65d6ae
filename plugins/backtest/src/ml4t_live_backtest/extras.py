"""What a strategy gets besides bars while it runs live: quotes, signals of feature functions, and forecasts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from attrs import field, frozen
from msgspec import structs

from ml4t.live.contracts.market import MarketView
from ml4t.live.engine.news import News
from ml4t.live.errors import LiveError
from ml4t.live.ledger.outcome import centre_of
from ml4t.live.model import Bar, Direction, Forecast
from ml4t.live.times import NANOS
from ml4t_live_backtest.bars import BarHistory, Stamps
from ml4t_live_backtest.features import Function, Value, last_values
from ml4t_live_backtest.slices import Values

WHOLE = NANOS
"""The length of candles that takes bars of any length as they are: a bar that is longer than a candle is one."""

_SIGN = {Direction.UP: 1.0, Direction.DOWN: -1.0, Direction.SIDEWAYS: 0.0}


@frozen
class Extra:
    """What comes with a timestamp besides its bars."""

    values: Values | None = None
    """By asset what bars do not have: its `signals`, quotes, a price that is not the close."""
    columns: Mapping[str, Any] = field(factory=dict)
    """The context of a backtest."""
    faults: Sequence[Exception] = ()
    """What went wrong, to be reported once the timestamp is over."""


NO_EXTRA = Extra()


class Extras(Protocol):
    """Where they come from."""

    def candles_for(self, bars: int | None, history: int) -> Sequence[int]:
        """Return the candles that they are made of; see `ml4t.live.contracts.KeepsBars`."""
        ...

    def at(self, moment: int, timestamp: datetime, group: Mapping[str, News], context: Mapping[str, Any]) -> Extra:
        """Return what comes with the news of a moment; `timestamp` is how the strategy knows it, `context` that of ours."""
        ...


class SignalFault(LiveError):
    """A feature function has failed: its signal is absent until it works again."""


class LiveExtras:
    """Makes the signals of each bar, and reads quotes and forecasts off the context of the run.

    A function that fails for an asset leaves its signal out, and is reported when it begins to fail. What was known before
    a start are the candles of the run.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        *,
        history: int,
        stamp: Callable[[int], datetime],
        forecasts: Iterable[str] = (),
    ) -> None:
        self._functions = dict(functions)
        self._forecasts = tuple(forecasts)
        self._history = history
        self._stamps = Stamps(stamp)
        self._bars: dict[str, BarHistory] = {}
        self._signals: dict[str, dict[str, Value]] = {}
        self._failing: set[tuple[str, str]] = set()
        self._candles = WHOLE
        self._length: int | None = None

    def candles_for(self, bars: int | None, history: int) -> Sequence[int]:
        """Return the candles that hold what was before a start; see `ml4t.live.contracts.KeepsBars`."""
        if not self._functions:
            return ()
        if history < self._history:
            raise ValueError(
                f"[host] history = {self._history} is more than [market] history = {history} keeps over a restart; write "
                f"[market] history = {self._history}"
            )
        self._length = bars
        self._candles = bars or WHOLE
        return (self._candles,)

    def at(self, moment: int, _timestamp: datetime, group: Mapping[str, News], context: Mapping[str, Any]) -> Extra:
        """Return the signals and quotes of the assets that have news."""
        market: MarketView = context["market"]
        values: dict[str, dict[str, Any]] = {}
        failed: dict[str, list[tuple[str, Exception]]] = {}
        for asset, news in group.items():
            extra = _quotes(market, asset, moment if _is_bar(news) else None)
            if self._functions:
                bar = complete_bar(asset, news, moment)
                if bar is not None:
                    self._signals[asset] = self._computed(bar, market, failed)
                extra["signals"] = dict(self._signals.get(asset, ()))
            if self._forecasts:
                said = context["forecasts"].get(asset, ())
                extra.setdefault("signals", {}).update(forecast_signals(said, self._forecasts))
            if extra:
                values[asset] = extra
        return Extra(values or None, faults=[_fault(name, every) for name, every in failed.items()])

    def _computed(self, bar: Bar, market: MarketView, failed: dict[str, list[tuple[str, Exception]]]) -> dict[str, Value]:
        """Return the signals of a new bar, those that fail left out, and noted when they had not failed before."""
        asset, signals = bar.symbol, {}
        table = self._with(bar, market).table()
        for name, function in self._functions.items():
            try:
                signals.update(last_values(name, function, table))
            except Exception as error:  # noqa: BLE001 - a function's fault is its own
                if (name, asset) not in self._failing:
                    self._failing.add((name, asset))
                    failed.setdefault(name, []).append((asset, error))
            else:
                self._failing.discard((name, asset))
        return signals

    def _with(self, bar: Bar, market: MarketView) -> BarHistory:
        """Return the history of an asset with a new bar; the first one finds what was before it in the candles."""
        known = self._bars.get(bar.symbol)
        if known is None:
            known = self._bars[bar.symbol] = BarHistory(self._history, self._stamps)
            for candle in self._before(bar, market)[-self._history :]:
                known.add(candle)
        if bar.event_time > known.until:  # the same bar once more is a correction, which came too late for its signals
            known.add(bar)
        return known

    def _before(self, bar: Bar, market: MarketView) -> list[Bar]:
        """Return the candles that had ended when a bar began, as the bars that they were: a candle begins on its clock."""
        view = market.get(bar.symbol)
        closed = [] if view is None else view.candles(self._candles).closed
        past = [candle for candle in closed if candle.end_time <= bar.event_time]
        length = self._length
        return past if length is None else [structs.replace(each, event_time=each.end_time - length) for each in past]


def complete_bar(asset: str, news: News, moment: int) -> Bar | None:
    """Return the news of a moment as the complete bar that they are, or have among them; None when there is none."""
    if isinstance(news, Bar):
        return news if news.complete else None
    if isinstance(news, dict) and news.get("complete"):
        return Bar(asset, moment, *(news[name] for name in ("open", "high", "low", "close", "volume")))
    return None


def _is_bar(news: News) -> bool:
    return isinstance(news, Bar) or (isinstance(news, dict) and "open" in news)


def _quotes(market: MarketView, asset: str, begun: int | None) -> dict[str, Any]:
    """Return the quote of an asset; beside a bar only one from after the bar had `begun`."""
    view = market.get(asset)
    if view is None or view.bid is None or view.ask is None:
        return {}
    if begun is not None and view.quote_time < begun:
        return {}
    return {"bid": view.bid, "ask": view.ask, "mid": (view.bid + view.ask) / 2.0}


def forecast_signals(said: Iterable[Forecast], names: Iterable[str]) -> dict[str, float]:
    """Return what forecasters have said last of an asset, by their names; those that have said nothing are left out.

    A forecast of a price is that price, or its median. One of a direction alone is its confidence, above zero for up and
    below for down, with 1 where it names none; sideways is 0.
    """
    newest: dict[str, Forecast] = {}
    for forecast in sorted(said, key=lambda each: each.issued_at):
        newest[forecast.model] = forecast
    return {name: value for name in names if name in newest and (value := _number(newest[name])) is not None}


def _number(forecast: Forecast) -> float | None:
    centre = centre_of(forecast)
    if centre is not None or forecast.direction is None:
        return centre
    return _SIGN[forecast.direction] * (1.0 if forecast.confidence is None else forecast.confidence)


def _fault(name: str, failed: Sequence[tuple[str, Exception]]) -> SignalFault:
    asset, error = failed[0]
    others = f" and of {len(failed) - 1} more" if len(failed) > 1 else ""
    fault = SignalFault(f"the signal {name} of {asset}{others} is absent: {type(error).__name__}: {error}")
    fault.__cause__ = error
    return fault
