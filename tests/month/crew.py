"""Twenty agents: good ones, strange ones and bad ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from street import BARS, SECOND, SYMBOLS

from ml4t.live import Direction, Distribution, Forecast, ForecasterSpec, OrderIntent, Weight
from ml4t.live.clock import Clock
from ml4t.live.contracts import ForecastRequest
from ml4t.live.model import Family, HorizonIn

HOUR = 3_600 * SECOND
MIX = SYMBOLS[:4] + SYMBOLS[150:153] + SYMBOLS[180:183]
"""Symbols of every kind, for those who are asked about the same ones again and again."""

Say = Callable[[ForecastRequest, str, float], Forecast | OrderIntent | None]


class Plain:
    """Says one thing of every symbol that it is asked about."""

    version = "1"

    def __init__(self, say: Say) -> None:
        self._say = say
        self.calls = 0

    def forecast(self, request: ForecastRequest) -> Any:
        self.calls += 1
        return [said for each in request.symbols if (said := self._say(request, each, _price(request, each))) is not None]


class Waits(Plain):
    """The same after some time; every `often`-th time after far too long."""

    def __init__(self, say: Say, clock: Clock, seconds: float, *, often: int = 0) -> None:
        super().__init__(say)
        self._clock, self._seconds, self._often = clock, seconds, often

    async def forecast(self, request: ForecastRequest) -> Any:
        said = super().forecast(request)
        hangs = self._often and self.calls % self._often == 0
        await self._clock.sleep(1e6 if hangs else self._seconds)
        return said


class Moody(Plain):
    """Raises at every third request."""

    def forecast(self, request: ForecastRequest) -> Any:
        said = super().forecast(request)
        if self.calls % 3 == 0:
            raise RuntimeError("not today")
        return said


class Crashes:
    """Raises always."""

    def forecast(self, request: ForecastRequest) -> Any:
        raise ZeroDivisionError("the model is gone")


class Garbage(Plain):
    """Answers what is no answer, in four ways, and between them one that is."""

    def forecast(self, request: ForecastRequest) -> Any:
        self.calls += 1
        symbol = request.symbols[0]
        return (
            ["up"],
            Forecast(symbol, request.horizon, price=-1.0),
            Forecast("NOBODY", request.horizon, price=1.0),
            [Forecast(symbol, request.horizon, price=_price(request, symbol)), 17],
            Forecast(symbol, request.horizon, price=_price(request, symbol)),
        )[self.calls % 5]


class Slow(Plain):
    """Computes for long."""

    def forecast(self, request: ForecastRequest) -> Any:
        sum(n * n for n in range(50_000))
        return super().forecast(request)


class Critic:
    """Takes one model out and in again in turn, and weighs another; it counts over restarts."""

    def __init__(self) -> None:
        self._count = 0

    def forecast(self, request: ForecastRequest) -> Any:
        self._count += 1
        weights = [Weight("drift", (self._count % 3) / 2, f"look {self._count}")]
        scored = request.scores.get(("naive", 2 * HOUR))
        if scored is not None and scored.resolved:
            weights.append(Weight("naive", 1.0 + self._count / 100, f"{scored.resolved} resolved"))
        return weights

    def state(self) -> Mapping[str, Any]:
        return {"count": self._count}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._count = state["count"]


class Counter(Plain):
    """Says how often it was asked, in the price, over restarts."""

    def forecast(self, request: ForecastRequest) -> Any:
        self.calls += 1
        return [Forecast(each, request.horizon, price=float(self.calls)) for each in request.symbols[:3]]

    def state(self) -> Mapping[str, Any]:
        return {"calls": self.calls}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.calls = state["calls"]


class Ensemble:
    """Says the weighted mean of what the others said."""

    def forecast(self, request: ForecastRequest) -> Any:
        said = []
        for symbol in request.symbols:
            open_ = [each for each in request.forecasts.get(symbol, ()) if each.price is not None]
            weight = sum(request.weights.get(each.model, 1.0) for each in open_)
            if weight:
                mean = sum(request.weights.get(each.model, 1.0) * (each.price or 0.0) for each in open_) / weight
                said.append(Forecast(symbol, request.horizon, price=mean))
        return said


def _price(request: ForecastRequest, symbol: str) -> float:
    price = request.market.price(symbol)
    assert price is not None
    return price


def _same(request: ForecastRequest, symbol: str, price: float) -> Forecast:
    return Forecast(symbol, request.horizon, price=price)


def _drift(request: ForecastRequest, symbol: str, price: float) -> Forecast:
    return Forecast(symbol, request.horizon, price=price * 1.001)


def _side(price: float) -> Direction:
    return (Direction.UP, Direction.DOWN, Direction.SIDEWAYS)[int(price * 100) % 3]


def _direction(request: ForecastRequest, symbol: str, price: float) -> Forecast:
    return Forecast(symbol, request.horizon, direction=_side(price), confidence=0.3 + int(price * 10) % 7 / 10)


def _quantiles(request: ForecastRequest, symbol: str, price: float) -> Forecast:
    return Forecast(symbol, request.horizon, quantiles={0.1: price * 0.98, 0.5: price, 0.9: price * 1.03})


def _samples(request: ForecastRequest, symbol: str, price: float) -> Forecast:
    return Forecast(symbol, request.horizon, samples=tuple(price * (1 + n / 500) for n in range(-7, 8)))


def _normal(request: ForecastRequest, symbol: str, price: float) -> Forecast:
    return Forecast(symbol, request.horizon, distribution=Distribution(price * 1.002, price * 0.02))


def _lognormal(request: ForecastRequest, symbol: str, price: float) -> Forecast:
    from math import log

    return Forecast(symbol, request.horizon, distribution=Distribution(log(price), 0.015, Family.LOGNORMAL))


def _order(request: ForecastRequest, symbol: str, price: float) -> OrderIntent:
    held = request.positions.get(symbol)
    return OrderIntent(symbol, -held.quantity if held is not None else 1.0 + int(price) % 3)


def _sometimes(request: ForecastRequest, symbol: str, price: float) -> Forecast | None:
    return _same(request, symbol, price) if int(price * 100) % 4 == 0 else None


class Mixed(Plain):
    """A forecast and an order at once, of all that it may say."""

    def forecast(self, request: ForecastRequest) -> Any:
        said: list[Any] = []
        for symbol in request.symbols:
            price = _price(request, symbol)
            said.append(
                attrs.evolve(_samples(request, symbol, price), price=price * 1.01, direction=_side(price), confidence=0.6)
            )
            said.append(_order(request, symbol, price))
        return said


def crew(clock: Clock) -> list[ForecasterSpec]:
    """Return the agents of one process."""

    def agent(name: str, forecaster: Any, on: str, hours: float, **rest: Any) -> ForecasterSpec:
        return ForecasterSpec(name, forecaster, frozenset(on.split(", ")), round(hours * HOUR), **rest)

    return [
        agent("naive", Plain(_same), "hourly", 2, symbols=MIX),
        agent("drift", Waits(_drift, clock, 0.5), "hourly", 3, symbols=MIX[:6]),
        agent("ensemble", Ensemble(), "before close, by hand", 1, symbols=MIX),
        agent("director", Plain(_direction), "moves", 5),
        agent("quantiles", Plain(_quantiles), "moves, stormy", 24),
        agent("samples", Plain(_samples), "before close", 30, symbols=MIX),
        agent("normal", Waits(_normal, clock, 0.2), "volume", 7),
        agent("lognormal", Plain(_lognormal), "stormy, falls", 49),
        agent("crashes", Crashes(), "hourly", 1, symbols=MIX[:1]),
        agent("moody", Moody(_same), "moves", 1),
        agent("hangs", Waits(_same, clock, 1.0, often=4), "hourly", 2, symbols=MIX[:2], budget_seconds=600.0),
        agent("garbage", Garbage(_same), "hourly", 1, symbols=MIX[:1]),
        agent("slow", Slow(_same), "morning", 4, symbols=BARS[:20]),
        agent("critic", Critic(), "before close", 1, symbols=MIX[:1]),
        agent("trader", Plain(_order), "moves", 1),
        agent("mixed", Mixed(_same), "both, falls", 6),
        agent("silent", Plain(_sometimes), "moves", 2),
        agent("thinker", Waits(_same, clock, 300.0), "hourly", 1, symbols=MIX, budget_seconds=900.0),
        agent("closes", Plain(_drift), "morning, by hand", 24, symbols=MIX, horizon_in=HorizonIn.SESSIONS),
        agent("counter", Counter(_same), "falls, before close", 9, symbols=MIX, horizon_in=HorizonIn.TRADING_TIME),
    ]
