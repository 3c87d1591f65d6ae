"""A soak of the feed alone: `ml4t.live.testing.soak` wants a broker of the same vendor, and Databento takes no orders.

Trades happen without a pause while something fails every few moments, and at the end what was heard is compared with what
happened. `python data_soak.py 200000` runs as many by hand.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import time
import tracemalloc
from collections.abc import Callable

from attrs import define, field
from databento_rig import trades_rig

from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance.feed.ear import Heard, supervised
from ml4t.live.testing.soak.market import Ear, Market

BATCH = 40
LAG = 2_000
"""Trades that may be on their way while everything works."""
RESUME_SECONDS = 60.0


@define
class Report:
    """What a soak came to; `problems` is empty when nothing is wrong."""

    faults: list[tuple[str, float]] = field(factory=list)
    """What failed, and the seconds until a trade that happened afterwards was heard."""
    problems: list[str] = field(factory=list)
    messages: int = 0
    gaps: int = 0
    held: int = 0
    """Bytes that the adapter and the SDK allocated in the second half and still hold."""


async def soak(messages: int, *, quiet_seconds: float, seed: int = 1) -> Report:
    """Let so many trades happen, with a fault `quiet_seconds` after the last one has passed, on average."""
    rng = random.Random(seed)
    report = Report()
    async with trades_rig() as rig:
        with ChaosProxy(rig.source.address) as proxy:
            async with supervised(rig, address=proxy.address, silence_seconds=2.0) as heard:
                market = Market(rig, seed)
                trading = asyncio.create_task(_trade(market, heard, messages))
                while not trading.done():
                    await asyncio.wait([trading], timeout=rng.expovariate(1 / quiet_seconds))
                    if not trading.done():
                        report.faults.append(await _suffer(rig, proxy, market, heard, rng))
                    if market.count > messages // 2 and not tracemalloc.is_tracing():
                        tracemalloc.start()
                trading.result()
                ear = await _settled(market, heard)
                report.problems = market.problems(ear, heard.gaps)
                report.messages, report.gaps = market.count, len(heard.gaps)
                if tracemalloc.is_tracing():
                    heard.events.clear()
                    ear.times.clear()
                    report.held = _held()
                    tracemalloc.stop()
    return report


def _held() -> int:
    """Return how many bytes of the adapter and of the SDK are allocated, beside the events that have been let go."""
    gc.collect()
    patterns = {"*ml4t_live_databento/*": True, "*databento/live/*": True, "*/simulator/*": False}
    filters = [tracemalloc.Filter(wanted, pattern) for pattern, wanted in patterns.items()]
    return sum(each.size for each in tracemalloc.take_snapshot().filter_traces(filters).statistics("filename"))


async def _trade(market: Market, heard: Heard, messages: int) -> None:
    while market.count < messages:
        behind = market.count - len(heard.events)
        market.move(BATCH if behind < LAG else 1)
        await asyncio.sleep(0.01)


async def _suffer(rig: object, proxy: ChaosProxy, market: Market, heard: Heard, rng: random.Random) -> tuple[str, float]:
    """Let one thing go wrong, and wait until trades that happen afterwards are heard."""
    faults: dict[str, tuple[Callable[[], object], Callable[[], object] | None]] = {
        "FIN": (proxy.finish, None),
        "RST": (proxy.reset, None),
        "frozen": (proxy.freeze, lambda: (proxy.thaw(), proxy.reset())),
        "half open": (lambda: proxy.half_open(True), lambda: (proxy.half_open(False), proxy.reset())),
        "refused": (lambda: (proxy.refuse(True), proxy.reset()), lambda: proxy.refuse(False)),
        "cut in a record": (lambda: setattr(proxy.to_client, "cut_after", rng.randrange(400)), None),
        "the gateway closes": (rig.source.drop, None),
        "the gateway resets": (lambda: rig.source.drop(reset=True), None),
        "the gateway is mute": (lambda: rig.source.mute(True), lambda: (rig.source.mute(False), rig.source.drop())),
        "the gateway restarts": (rig.source.restart, None),
    }
    name = rng.choice(list(faults))
    begin, end = faults[name]
    began = time.monotonic()
    begin()
    if end is not None:
        await asyncio.sleep(rng.uniform(0.2, 2.0) * rig.patience)
        end()
    last = market.last()
    async with asyncio.timeout(RESUME_SECONDS):
        while not any(event.event_time > last.get(event.symbol, 0) for event in heard.events[-BATCH:]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return name, time.monotonic() - began


async def _settled(market: Market, heard: Heard) -> Ear:
    """Wait until the last trade of every symbol has been heard; return what was heard, by symbol."""
    ear = Ear()
    seen = 0
    async with asyncio.timeout(RESUME_SECONDS):
        while seen < len(heard.events) or not ear.has_all(market.last()):
            for event in heard.events[seen:]:
                ear.times[event.symbol].append(event.event_time)
            seen = len(heard.events)
            await asyncio.sleep(0.1)
    return ear


def main() -> None:
    """Run, and print."""
    began = time.monotonic()
    report = asyncio.run(soak(int(sys.argv[1]), quiet_seconds=float(sys.argv[2]) if len(sys.argv) > 2 else 3.0))
    print(f"{report.messages} trades, {len(report.faults)} faults, {report.gaps} gaps in {time.monotonic() - began:.0f} s")
    print(f"{report.held} bytes of the second half still held")
    for name in sorted({name for name, _ in report.faults}):
        seconds = sorted(took for each, took in report.faults if each == name)
        usual, longest = seconds[len(seconds) // 2], seconds[-1]
        print(f"{name:<22} {len(seconds):>3} times, trades again after {usual:.1f} s, at most {longest:.1f}")
    print("\n".join(report.problems) or "nothing lost, doubled or untold")
    sys.exit(1 if report.problems else 0)


if __name__ == "__main__":
    main()
