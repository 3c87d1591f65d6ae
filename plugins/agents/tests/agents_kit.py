"""What the tests of the agents are written with: recorded prices, triggers, and runs of the real engine over them."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise
from math import exp

import attrs

from ml4t.live import ForecasterSpec, LiveEngine, LiveRiskConfig, TriggerSpec
from ml4t.live.config.settings import EngineSettings
from ml4t.live.journal import JournalReader, verify
from ml4t.live.model import Direction, Firing, Forecast, Quote, Trade
from ml4t.live.testing import ListFeed

MINUTE = 60 * 10**9
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_767_571_200 * 10**9  # 2026-01-05T00:00Z, a Monday


class Every:
    """Fires at each event of a moment that is a multiple of `interval`."""

    def __init__(self, interval):
        self.interval = interval

    def on_event(self, event, market):
        return Firing(reason="it was time") if (event.event_time - START) % self.interval == 0 else None


class Script:
    """A model that says the return that `of(symbol, minute)` gives."""

    version = "1"

    def __init__(self, of, confidence=None):
        self.of, self.confidence, self.asked = of, confidence, []

    def forecast(self, request):
        minute = (request.time - START) // MINUTE
        self.asked.append(minute)
        said = []
        for symbol in request.symbols:
            change = self.of(symbol, minute)
            if change is not None:
                direction = Direction.UP if change > 0 else Direction.DOWN
                price = request.market.price(symbol) * (1 + change)
                said.append(Forecast(symbol, request.horizon, price, direction, self.confidence))
        return said


def ticks(prices, symbol="A", step=MINUTE):
    """Return a trade for each price, a `step` apart."""
    return [Trade(symbol, START + n * step, price, 100.0) for n, price in enumerate(prices)]


def quotes(prices, spread, symbol="A"):
    """Return a quote around each price."""
    return [Quote(symbol, START + n * MINUTE, p - spread / 2, p + spread / 2, 100.0, 100.0) for n, p in enumerate(prices)]


def autoregressive(count, seed, coefficient=0.6, deviation=0.001):
    """Return prices whose returns lean on the return before."""
    rng, price, move, prices = random.Random(seed), 100.0, 0.0, []
    for _ in range(count):
        prices.append(price)
        move = coefficient * move + rng.gauss(0.0, deviation)
        price *= exp(move)
    return prices


def walk(count, seed, deviation=0.001):
    return autoregressive(count, seed, 0.0, deviation)


def returns_to_come(prices, steps=1):
    """Return the change from each price to the one some steps later."""
    return [after / before - 1 for before, after in zip(prices, prices[steps:], strict=False)] + [0.0] * steps


def moves(prices):
    return [after / before - 1 for before, after in pairwise(prices)]


@attrs.define
class Told:
    """What the journal of a run tells."""

    records: list
    forecasts: list
    orders: list
    fills: list
    state: dict

    def of(self, kind, subject=None):
        return [r for r in self.records if r.kind == kind and subject in {None, r.subject}]


def run(folder, specs, events, triggers, **options):
    """Run recorded events through the real engine, with forecasters and no strategy; return what its journal tells."""
    engine = LiveEngine(
        None,
        None,
        ListFeed(events),
        risk=options.pop("risk", LiveRiskConfig(max_data_staleness_seconds=None)),
        triggers=[TriggerSpec(name, trigger) for name, trigger in triggers.items()],
        forecasters=specs,
        state_dir=folder,
        settings=EngineSettings(durability="none"),
        **options,
    )

    async def go():
        async with asyncio.timeout(60):
            await engine.run()

    asyncio.run(go())
    journal = engine.state_folder.journal
    assert verify(journal) == []
    with JournalReader(journal) as reader:
        state = {bucket: reader.state(bucket) for bucket in ("weight", "forecaster", "position")}
        return Told(list(reader.records()), reader.forecasts(), reader.orders(), reader.fills(), state)


def spec(name, forecaster, *on, horizon=MINUTE, **rest):
    return ForecasterSpec(name, forecaster, frozenset(on or {"minutely"}), horizon=horizon, **rest)
