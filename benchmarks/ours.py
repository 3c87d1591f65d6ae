"""The cases, on ml4t-live. Run as a program with the case and its arguments, it prints one line of JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import resource
import sys
import time
from collections.abc import Sequence
from typing import Any

import structlog

from ml4t.live import BarAggregator, LiveEngine, LiveRiskConfig, Strategy, Trade
from ml4t.live.testing import ListFeed

START = 1_700_000_000 * 10**9
TICK = 10**6  # a millisecond between two ticks
ORDER_EVERY = 1_000


def trades(count: int, symbols: int, apart: int = TICK) -> list[Trade]:
    """Return a walk over some symbols, round robin, `apart` nanoseconds from one trade to the next."""
    names = [f"S{n}" for n in range(symbols)]
    return [Trade(names[n % symbols], START + n * apart, 100.0 + (n * 7919 % 101) * 0.01, 1.0) for n in range(count)]


class Trader(Strategy):
    """Counts, and sends an order now and then."""

    def __init__(self) -> None:
        self.calls = 0
        self.side = 1

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        self.calls += 1
        if self.calls % ORDER_EVERY == 0:
            broker.submit_order(next(iter(data)), self.side)
            self.side = -self.side


class Marks(Strategy):
    """Notes the CPU time every so many events."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.calls = 0
        self.times: list[float] = []
        self.memory: list[int] = []

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        self.calls += 1
        if self.calls % ORDER_EVERY == 0:
            broker.submit_order(next(iter(data)), 1 if self.calls // ORDER_EVERY % 2 else -1)
        if self.calls % self.every == 0:
            self.times.append(time.process_time())
            self.memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def run_engine(strategy: Strategy, events: Sequence[Trade]) -> float:
    """Run the engine over the events and return the CPU seconds it took, everything included."""
    engine = LiveEngine(strategy, None, ListFeed(events), risk=LiveRiskConfig(max_orders_per_minute=None))

    async def main() -> float:
        await engine.connect()
        gc.collect()
        gc.freeze()
        started = time.process_time()
        await engine.run()
        return time.process_time() - started

    return asyncio.run(main())


def events(symbols: int, count: int = 300_000) -> dict[str, float]:
    """Feed to strategy."""
    strategy = Trader()
    seconds = run_engine(strategy, trades(count, symbols))
    if strategy.calls != count:
        raise RuntimeError(f"{strategy.calls} calls for {count} events")
    return {"per_cpu_second": count / seconds}


def bars(symbols: int = 1, count: int = 500_000) -> dict[str, float]:
    """Ticks to 1-second bars."""
    ticks = trades(count, symbols)
    aggregator = BarAggregator("1s")
    gc.collect()
    gc.freeze()
    made = 0
    started = time.process_time()
    for tick in ticks:
        made += len(aggregator.add(tick))
    seconds = time.process_time() - started
    return {"per_cpu_second": count / seconds, "bars": made}


def orders(count: int = 5_000, warm_up: int = 500) -> dict[str, float]:
    """Strategy, ten checks, journal hand-off, broker entry."""
    asked: list[int] = []
    entered: list[int] = []

    class Submitter(Strategy):
        def __init__(self) -> None:
            self.calls = 0

        def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
            self.calls += 1
            asked.append(time.perf_counter_ns())
            order = broker.submit_order("S0", 1 if self.calls % 2 else -1)
            if order.status == "rejected":
                raise RuntimeError(order.reason)

    limits = LiveRiskConfig(max_orders_per_minute=None, max_position_shares=1e9)
    engine = LiveEngine(Submitter(), None, ListFeed(trades(count + warm_up, 1, apart=3 * 10**9)), risk=limits)
    checks = 0

    async def main() -> None:
        nonlocal checks
        await engine.connect()
        core = engine.core
        if core is None or core.venue is None:
            raise RuntimeError("the engine did not build a shadow venue")
        submit = core.venue.submit

        def enter(order: Any) -> None:
            entered.append(time.perf_counter_ns())
            submit(order)

        core.venue.submit = enter  # type: ignore[method-assign]  # the measuring point: the broker's entry
        checks = len(core.desk.gate.names)
        gc.collect()
        gc.freeze()
        await engine.run()

    asyncio.run(main())
    took = sorted(after - before for before, after in zip(asked[warm_up:], entered[warm_up:], strict=True))
    return {"p50_us": took[len(took) // 2] / 1e3, "p99_us": took[len(took) * 99 // 100] / 1e3, "checks": checks}


def flat(count: int = 1_000_000) -> dict[str, float]:
    """First against last tenth."""
    tenth = count // 10
    strategy = Marks(tenth)
    run_engine(strategy, trades(count, 10))
    steps = [after - before for before, after in zip(strategy.times, strategy.times[1:], strict=False)]
    return {"last_over_first": steps[-1] / steps[0], "memory_growth_mib": (strategy.memory[-1] - strategy.memory[0]) / 1024}


CASES = {"events": events, "bars": bars, "orders": orders, "flat": flat}

if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(json.dumps(CASES[sys.argv[1]](*(int(argument) for argument in sys.argv[2:]))))
