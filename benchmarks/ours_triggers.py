"""What market state and triggers cost, per event and in the engine."""

from __future__ import annotations

import asyncio
import gc
import time

from measure import START, WARM_UP

from ml4t.live import LiveEngine, LiveRiskConfig, Strategy, Trade
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.testing import ListFeed
from ml4t.live.times import NANOS
from ml4t_live_trigger_manual.config import ManualConfig
from ml4t_live_trigger_manual.trigger import Manual
from ml4t_live_trigger_price_move.config import PriceMoveConfig
from ml4t_live_trigger_price_move.trigger import PriceMove
from ml4t_live_trigger_time.config import TimeTriggerConfig
from ml4t_live_trigger_time.trigger import TimeTrigger
from ml4t_live_trigger_volatility.config import VolatilityConfig
from ml4t_live_trigger_volatility.trigger import Volatility
from ml4t_live_trigger_volume_spike.config import VolumeSpikeConfig
from ml4t_live_trigger_volume_spike.trigger import VolumeSpike

MINUTE = 60 * NANOS
ROUNDS = 5


def five() -> list[TriggerSpec]:
    """Return one trigger of each kind."""
    return [
        TriggerSpec("time", TimeTrigger(TimeTriggerConfig(every=MINUTE))),
        TriggerSpec("move", PriceMove(PriceMoveConfig(threshold=0.02))),
        TriggerSpec("spike", VolumeSpike(VolumeSpikeConfig(multiple=3.0))),
        TriggerSpec("wild", Volatility(VolatilityConfig(threshold=0.02))),
        TriggerSpec("hand", Manual(ManualConfig())),
    ]


class Counter(Strategy):
    """Counts, and notes when the warm-up is over."""

    def __init__(self) -> None:
        self.calls = 0
        self.started = 0.0

    def on_data(self, timestamp: object, data: object, context: object, broker: object) -> None:
        self.calls += 1
        if self.calls == WARM_UP:
            self.started = time.process_time()


def triggers(symbols: int = 1_000, count: int = 300_000) -> dict[str, float]:
    """All five triggers on every symbol: events per CPU-second of the engine, and what state and triggers take of an event."""
    made = ticks(WARM_UP + count, symbols)
    strategy = Counter()
    engine = engine_of(strategy, made)

    async def main() -> float:
        await engine.connect()
        gc.collect()
        gc.freeze()
        await engine.run()
        return time.process_time()

    seconds = asyncio.run(main()) - strategy.started
    return {"per_cpu_second": count / seconds, "us_per_event": alone(made)}


def alone(made: list[Trade]) -> float:
    """Return the microseconds that market state and triggers take of an event, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        engine = engine_of(None, made)

        async def main(engine: LiveEngine = engine) -> float:
            await engine.connect()
            core = engine.core
            if core is None:
                raise RuntimeError("the engine did not build its works")
            apply, asker, now = core.market.apply, core.triggers.asker, made[-1].event_time
            gc.collect()
            gc.freeze()
            began = time.process_time()
            bound = core.triggers.bound
            for event in made:
                apply(event, now)
                ask = bound.get(event.symbol) or asker(event.symbol)
                if ask is not None:
                    ask(event, event.event_time)
            took = time.process_time() - began
            await engine.stop()
            return took

        best = min(best, asyncio.run(main()))
    return best / len(made) * 1e6


def engine_of(strategy: Strategy | None, made: list[Trade]) -> LiveEngine:
    """Return an engine over some ticks with all five triggers."""
    return LiveEngine(strategy, None, ListFeed(made), risk=LiveRiskConfig(), triggers=five())


def ticks(count: int, symbols: int) -> list[Trade]:
    """Return trades round robin, each symbol's a second apart."""
    apart = NANOS // symbols
    names = [f"S{n}" for n in range(symbols)]
    return [Trade(names[n % symbols], START + n * apart, 100.0 + n * 7919 % 101 * 0.01, 1.0) for n in range(count)]
