"""Measures how fast messages of TWS become events of the engine: `python benchmarks/ib_feed.py`.

Frames are written beforehand and come over a loopback socket through the SDK. Counted is the CPU time of the client's thread
alone; the simulator that sends them has another. Each kind is measured three times: with the adapter, and with a callback in
its place that does nothing, which is what the SDK's own reading and decoding takes. The best of the rounds counts.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog

from ml4t.live.model import MarketEvent
from ml4t_live_ib.feed import IBDataFeed
from ml4t_live_ib.simulator import SimulatorConfig, TwsSimulator
from ml4t_live_ib.simulator.protocol import ticks
from ml4t_live_ib.simulator.venue.tape import PriceBar, Tape

GOAL = 50_000
ROUNDS = 3
START = 1_700_000_000
CALLBACKS = {"bars": ["realtimeBar"], "trades": ["tickByTickAllLast"], "quotes": ["priceSizeTick"]}


class Sink:
    """Counts events."""

    def __init__(self) -> None:
        self.count = 0

    def push_many(self, events: Iterable[MarketEvent]) -> None:
        """Take a batch."""
        self.count += len(list(events))

    def alive(self) -> None:
        """Nothing waits for a sign of life."""


def frames(kind: str, number: int, count: int, tape: Tape) -> bytes:
    """Return `count` messages of a kind, as TWS sends them."""
    write: dict[str, Callable[[int], bytes]] = {
        "bars": lambda n: ticks.real_time_bar(
            number, PriceBar(START + 5 * n, 100.25, 100.75, 100.0, 100.5 + n % 100 / 100, 1_200.0, 100.4, 37)
        ),
        "trades": lambda n: ticks.tick_by_tick(number, "Last", tape, START + n),
        "quotes": lambda n: ticks.tick_price(number, 1 + n % 2, 100.0 + n % 100 / 100, 300.0),
    }
    return b"".join(map(write[kind], range(count)))


async def measure(tws: TwsSimulator, kind: str, count: int, *, decode_only: bool) -> float:
    """Return how many CPU seconds the client's thread takes for `count` messages."""
    feed, sink, seen = IBDataFeed(symbols=["AAPL"], data=kind, port=tws.address[1]), Sink(), [0]
    running = asyncio.get_running_loop().create_task(feed.run(sink))  # type: ignore[arg-type]
    while not tws.subscriptions:  # noqa: ASYNC110 - until the simulator's thread knows of it
        await asyncio.sleep(0.01)
    (subscription,) = tws._tws.data.subscriptions
    if decode_only:
        for callback in CALLBACKS[kind]:

            def nothing(*_: Any) -> None:
                seen[0] += 1

            setattr(feed._session.ib.wrapper, callback, nothing)
    tape = tws._tws.market.tape(subscription.contract)
    data = frames(kind, subscription.request_id, count, tape)
    gc.collect()
    begun = time.thread_time()
    tws._call(lambda: subscription.session.send_data(data))
    while seen[0] + sink.count < count:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    taken = time.thread_time() - begun
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    while tws.connections:  # noqa: ASYNC110 - the next round's subscription has to be the only one
        await asyncio.sleep(0.01)
    return taken


def main() -> None:
    """Print one line for each kind of data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="messages per round")
    count = parser.parse_args().count
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    print(f"{'messages per CPU second':<26}{'SDK + adapter':>16}{'SDK alone':>16}{'adapter alone':>16}{'SDK share':>12}")
    for kind in CALLBACKS:
        with TwsSimulator(SimulatorConfig(interval=0, pacing=False)) as tws:
            whole, sdk = (
                min(asyncio.run(measure(tws, kind, count, decode_only=decode_only)) for _ in range(ROUNDS))
                for decode_only in (False, True)
            )
        own = count / max(whole - sdk, 1e-9)
        verdict = "goal" if count / whole >= GOAL else "missed"
        print(f"{kind:<26}{count / whole:>16,.0f}{count / sdk:>16,.0f}{own:>16,.0f}{sdk / whole:>12.0%}  {verdict}")


if __name__ == "__main__":
    main()
