"""A run over recorded data, for a process of its own that the tests stop and kill: `engine_session.py STATE FEED DURABILITY`.

It writes a line per portion of data to its standard output. Everything it decides follows from the market and the books,
so that a run that was interrupted has to end as one that was not.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path
from typing import Any

from engine_kit import MINUTE, SECOND, limits, trade

from ml4t.live import LiveEngine
from ml4t.live.config.settings import EngineSettings
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.model import Direction, Firing, Forecast
from ml4t.live.testing import ListFeed
from ml4t.live.triggers.compound import AllOf, Then
from ml4t.live.triggers.config import WithinConfig

SYMBOLS = ("A", "B", "C")
COUNT = 4_000
PORTION = 20


def events() -> list[Any]:
    """Trades of three symbols, a few seconds apart and often at once."""
    rng = random.Random("session")
    prices = dict.fromkeys(SYMBOLS, 100.0)
    made, at = [], 0
    while len(made) < COUNT:
        at += rng.choice((1, 2, 5, 20, 70)) * SECOND
        for symbol in SYMBOLS:
            if rng.random() < 0.6:
                prices[symbol] = round(prices[symbol] * (1 + rng.gauss(0, 0.002)), 4)
                made.append(trade(symbol, at, prices[symbol], rng.randint(1, 9)))
    return made


class Crossing:
    """Buys above and sells below the average of the last prices."""

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        for symbol in data:
            prices = list(context["market"].get(symbol).prices)[-20:]
            if len(prices) < 20:
                continue
            average = sum(prices) / 20
            position = broker.get_position(symbol)
            held = position.quantity if position else 0.0
            if broker.get_pending_orders(symbol):
                continue
            if prices[-1] > average * 1.001 and held <= 0:
                broker.submit_order(symbol, 2)
                broker.submit_order(symbol, 1_000)  # more than the limits allow
            elif prices[-1] < average * 0.999 and held >= 0:
                broker.submit_order(symbol, -2 if len(prices) % 2 else -1, order_type="limit", limit_price=prices[-1] * 0.9)


class Round:
    """Fires when the price is near a whole number."""

    def on_event(self, event: Any, market: Any) -> Firing | None:
        return Firing(reason="round") if abs(event.price - round(event.price)) < 0.01 else None


class Drift:
    """Fires when a price has gone one percent from where it fired last."""

    def __init__(self) -> None:
        self.start: dict[str, float] = {}

    def on_event(self, event: Any, market: Any) -> Firing | None:
        start = self.start.setdefault(event.symbol, event.price)
        if abs(event.price / start - 1) < 0.01:
            return None
        self.start[event.symbol] = event.price
        return Firing(reason=f"{start} to {event.price}", values={"volatility": market.get(event.symbol).volatility})

    def state(self, symbol: str) -> dict[str, float]:
        return {"start": self.start[symbol]}

    def restore(self, symbol: str, state: dict[str, float]) -> None:
        self.start[symbol] = state["start"]


class Every:
    """Fires every seven minutes."""

    def next_time(self, after: int) -> int:
        return (after // (7 * MINUTE) + 1) * 7 * MINUTE


class Model:
    """Predicts the average."""

    async def forecast(self, request: Any) -> list[Forecast]:
        await asyncio.sleep(0)
        prices = {symbol: list(request.market.get(symbol).prices)[-10:] for symbol in request.symbols}
        return [Forecast(s, request.horizon, price=sum(p) / len(p), direction=Direction.UP) for s, p in prices.items()]


class Feed(ListFeed):
    """A list that is told in small portions."""

    async def run(self, sink: Any) -> None:
        after = self.resume_after or 0
        new = [event for event in self._events if event.event_time > after]
        for start in range(0, len(new), PORTION):
            sink.push_many(new[start : start + PORTION])
            await sink.ready()
            os.write(1, b"%d\n" % (start + PORTION))
            await asyncio.sleep(0)


class Forgetful:
    """The same, that has never heard of resuming, and has no history either."""

    historical = True
    symbols = SYMBOLS

    def __init__(self, made: Any) -> None:
        self._feed = Feed(made)

    async def run(self, sink: Any) -> None:
        await self._feed.run(sink)


def make(state: Path, feed: str, durability: str) -> LiveEngine:
    """Return the engine of the session."""
    made = events()
    return LiveEngine(
        Crossing(),
        None,
        Feed(made) if feed == "feed" else Forgetful(made),
        risk=limits(max_order_value=50_000.0),
        triggers=[
            TriggerSpec("round", Round(), cooldown=MINUTE),
            TriggerSpec("every", Every()),
            TriggerSpec("drift", Drift(), cooldown=MINUTE, warmup=50),
            TriggerSpec("both", AllOf(WithinConfig(of=("drift", "round"), within=5 * MINUTE))),
            TriggerSpec("then", Then(WithinConfig(of=("every", "drift"), within=2 * MINUTE))),
        ],
        forecasters=[
            ForecasterSpec("model", Model(), frozenset({"round", "every", "both", "then"}), horizon=5 * MINUTE),
            ForecasterSpec("other", Model(), frozenset({"every"}), horizon=20 * MINUTE, symbols=("A",)),
        ],
        bars="1m",
        state_dir=state,
        settings=EngineSettings(durability=durability),
    )


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1]), sys.argv[2], sys.argv[3]).run())
