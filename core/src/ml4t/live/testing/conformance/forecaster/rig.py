"""What a conformance run needs of a forecaster: the market that it is asked about, and the requests."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
from attrs import define, field
from attrs.validators import min_len

from ml4t.live.contracts.forecaster import Forecaster, ForecastRequest
from ml4t.live.contracts.market import NeedsCandles
from ml4t.live.ledger.past import PastScores
from ml4t.live.ledger.scoreboard import Scoreboard
from ml4t.live.market import MarketState
from ml4t.live.model import Firing, Quote, Trade
from ml4t.live.testing.conformance.part import PartRig
from ml4t.live.times import NANOS

TUESDAY = 1_709_650_800 * NANOS
"""2024-03-05 15:00 UTC, at which most markets are open."""
MINUTE = 60 * NANOS
REQUESTS = 5
"""How often it is asked, while the market goes on."""
BETWEEN = 20
"""Steps of the market between two requests."""
MODEL = "tried"
"""The name under which it is asked."""


@define(kw_only=True)
class ForecasterRig(PartRig):
    """A forecaster and the market that it is asked about.

    `forecaster` makes a new one, with its seed where it has one. Every symbol has walked at random for `history` steps of a
    minute, or of the shortest candle that it needs. `triggers` ask it in turn. `known` are further fields of a request, such as
    the scores that a critic reads, or the forecasts that an agent follows.
    """

    forecaster: Callable[[], Forecaster]
    symbols: Sequence[str] = field(default=("AAA", "BBB"), validator=min_len(1))
    horizons: Sequence[int] = (5 * MINUTE, 60 * MINUTE, 1_440 * MINUTE)
    triggers: Sequence[str] = ("hourly",)
    history: int = 500
    known: Callable[[int], Mapping[str, Any]] = lambda _: {}
    """Further fields of the request of a moment (nanoseconds UTC)."""
    budget_seconds: float = 30.0

    def requests(self, forecaster: Forecaster, horizon: int) -> Iterator[ForecastRequest]:
        """Yield requests; the market goes on between them."""
        market, step = market_for(forecaster)
        walks = {symbol: random.Random(f"walk of {symbol}") for symbol in self.symbols}  # noqa: S311 - chance, not secrets
        prices = dict.fromkeys(self.symbols, 100.0)
        for number in range(1, self.history + BETWEEN * REQUESTS):
            at = TUESDAY + number * step
            for symbol, walk in walks.items():
                prices[symbol] *= 1.0 + walk.gauss(0.0, 0.001)
                price = prices[symbol]
                market.apply(Quote(symbol, at - 1, price * 0.9999, price * 1.0001, 500.0, 500.0), at)
                market.apply(Trade(symbol, at, price, 100.0 + walk.random()), at)
            if number >= self.history and (number - self.history) % BETWEEN == 0:
                trigger = self.triggers[(number - self.history) // BETWEEN % len(self.triggers)]
                yield self.request(market, at, horizon, self.symbols, trigger)

    def request(self, market: MarketState, at: int, horizon: int, symbols: Sequence[str], trigger: str) -> ForecastRequest:
        """Return the request that a trigger makes."""
        asked = ForecastRequest(
            symbols=tuple(symbols),
            horizon=horizon,
            time=at,
            market=market,
            firing=Firing("it is time", "", trigger=trigger, time=at, firing_id=f"{trigger}::{at}"),
            live_mode=False,
            model=MODEL,
            cash=100_000.0,
            equity=100_000.0,
            scores=PastScores(Scoreboard()),
            weights={MODEL: 1.0},
        )
        return attrs.evolve(asked, **self.known(at))


def market_for(forecaster: Forecaster) -> tuple[MarketState, int]:
    """Return an empty market with the candles that a forecaster needs, and the step at which it goes on."""
    candles = tuple(forecaster.needs_candles) if isinstance(forecaster, NeedsCandles) else ()
    return MarketState(candles=candles), min(candles, default=MINUTE)
