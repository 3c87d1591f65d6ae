"""Forecasters for processes of their own: a class in a module, as `process = true` needs it."""

from __future__ import annotations

import os
import signal
import threading

from ml4t.live.model import Direction, Forecast

MINUTE = 60 * 10**9


class Heavy:
    """Says where it computes; what it is told to do at one request, it does then."""

    version = "3"

    def __init__(self, at=None, then=""):
        self.at, self.then, self.count = at, then, 0

    def forecast(self, request):
        self.count += 1
        print("a model may print what it likes")
        if self.count == self.at:
            getattr(self, self.then)()
        view = request.market.get(request.symbols[0])
        own = request.scores.get((request.model, request.horizon))
        said = {0.5: float(os.getpid()), 0.6: float(os.getpid()) + (own.resolved if own else 0)}
        price = view.prices[-1]
        return [Forecast(symbol, request.horizon, price, Direction.UP, quantiles=said) for symbol in request.symbols]

    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def hang(self):
        threading.Event().wait()

    def fail(self):
        raise ValueError("the matrix is singular")

    def leave(self):
        raise SystemExit(3)


class Later(Heavy):
    async def forecast(self, request):
        return super().forecast(request)


class Studies:
    """Says what the market view tells it; `told` is what it has said in this process."""

    needs_candles = (MINUTE,)

    def __init__(self):
        self.told = []

    def forecast(self, request):
        market, first = request.market, request.symbols[0]
        view, candles = market.get(first), market.get(first).candles(MINUTE)
        regime = view.regime(request.horizon)
        said = [
            candles.count,
            candles.parkinson(5) or 0.0,
            candles.average_true_range(5) or 0.0,
            candles.volatility or 0.0,
            candles.volume,
            view.realised_volatility(10) or 0.0,
            sum(view.returns),
            market.correlation("A", "B", MINUTE, 20) or 0.0,
            market.calendar.day_end(request.time) / 1e18,
            0.0 if regime is None else regime.efficiency,
        ]
        self.told.append(said)
        return Forecast(first, request.horizon, view.price, samples=tuple(10.0 + value for value in said))


class Secret(Heavy):
    """Its answers cannot leave the process."""

    def forecast(self, request):
        return lambda: None
