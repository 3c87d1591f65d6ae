"""The cases, on ml4t-live. Run as a program with the case and its arguments, it prints one line of JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import ours_orders
import ours_plugins
import ours_tape
import structlog
from measure import ORDER_EVERY, PRICES, START, TICK, WARM_UP, Marks, flatness, import_cost, percentiles

from ml4t.live import BarAggregator, LiveEngine, LiveRiskConfig, Strategy, Trade
from ml4t.live.testing import ListFeed


def trades(count: int, symbols: int, apart: int = TICK) -> list[Trade]:
    """Return a walk over some symbols, round robin, `apart` nanoseconds from one trade to the next."""
    names = [f"S{n}" for n in range(symbols)]
    return [Trade(names[n % symbols], START + n * apart, PRICES[n * 7919 % 101], 1.0) for n in range(count)]


class Trader(Strategy):
    """Counts, and sends an order now and then."""

    def __init__(self, marks: Marks | None = None) -> None:
        self.calls = 0
        self.side = 1
        self.started = 0.0
        self._marks = marks

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        self.calls += 1
        if self.calls % ORDER_EVERY == 0:
            broker.submit_order(next(iter(data)), self.side)
            self.side = -self.side
            if self.calls == WARM_UP:
                self.started = time.process_time()
        if self._marks is not None:
            self._marks.see(self.calls)


class Watcher(Strategy):
    """Counts bars."""

    def __init__(self) -> None:
        self.bars = 0

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        self.bars += len(data)


def run_engine(strategy: Strategy, events: Sequence[Trade], bars: str | None = None) -> tuple[float, float]:
    """Run the engine over the events and return the CPU time before its start and after its end."""
    engine = LiveEngine(strategy, None, ListFeed(events), risk=LiveRiskConfig(max_orders_per_minute=None), bars=bars)

    async def main() -> tuple[float, float]:
        await engine.connect()
        gc.collect()
        gc.freeze()
        started = time.process_time()
        await engine.run()
        return started, time.process_time()

    return asyncio.run(main())


def events(symbols: int, count: int = 300_000) -> dict[str, float]:
    """Feed to strategy."""
    strategy = Trader()
    ended = run_engine(strategy, trades(WARM_UP + count, symbols))[1]
    if strategy.calls != WARM_UP + count:
        raise RuntimeError(f"{strategy.calls} calls for {WARM_UP + count} events")
    return {"per_cpu_second": count / (ended - strategy.started)}


def bars(symbols: int = 1, count: int = 500_000) -> dict[str, float]:
    """Ticks to 1-second bars in the engine, to a strategy that gets bars only."""
    strategy = Watcher()
    started, ended = run_engine(strategy, trades(count, symbols), bars="1s")
    return {"per_cpu_second": count / (ended - started), "bars": strategy.bars}


def aggregate(symbols: int = 1, count: int = 500_000) -> dict[str, float]:
    """Ticks to 1-second bars in the aggregator alone."""
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
    return {**percentiles(asked, entered, warm_up), "checks": checks}


def flat(count: int = 1_000_000) -> dict[str, float]:
    """First against last tenth."""
    marks = Marks(count // 10)
    run_engine(Trader(marks), trades(count, 10))
    return flatness(marks)


def importing() -> dict[str, float]:
    """Import what a live engine and a strategy need in a fresh process; `package` is the bare `import ml4t.live`."""
    package = import_cost("import ml4t.live")
    return {
        **import_cost("from ml4t.live import LiveEngine, LiveRiskConfig, Strategy"),
        "package_cpu_seconds": package["cpu_seconds"],
        "package_rss_mib": package["rss_mib"],
    }


def triggers(symbols: int = 1_000) -> dict[str, float]:
    """Market state and all five triggers."""
    import ours_triggers  # noqa: PLC0415 - the other cases do without the plugins

    return ours_triggers.triggers(symbols)


CASES = {
    "events": events,
    "bars": bars,
    "aggregate": aggregate,
    "orders": orders,
    "flat": flat,
    "import": importing,
    "gate": ours_orders.gate,
    "shadow-fsync": ours_orders.shadow_fsync,
    "flat-orders": ours_orders.flat_orders,
    "restart": ours_orders.restart,
    "triggers": triggers,
    "record": ours_tape.record,
    "plugins": ours_plugins.listing,
}

if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    result = CASES[sys.argv[1]](*(int(argument) for argument in sys.argv[2:]))
    print(json.dumps({**result, "version": version("ml4t-live")}))
