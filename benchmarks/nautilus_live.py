"""The cases on a nautilus live node, alike for both of its versions; what differs is in the `peer` module."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import Any

from measure import ORDER_EVERY, SETTLE_SECONDS, WARM_UP, Marks, Window, flatness, percentiles


def live_cases(peer: ModuleType) -> dict[str, Callable[..., dict[str, Any]]]:
    """Return the cases over a module that has `shares`, `trades`, `trader`, `submitter` and `run_node`."""

    def fan_out(symbols: int, count: int, marks: Marks | None = None) -> float:
        """Push trades through a live node, a burst at a time, and return the CPU seconds."""
        instruments = peer.shares(symbols)
        ticks = peer.trades(WARM_UP + count, instruments)
        window = Window()
        caught_up = asyncio.Event()
        strategy = peer.trader(instruments, caught_up.set, marks)

        async def pump(feed: Any) -> None:
            await asyncio.sleep(SETTLE_SECONDS)
            push = feed.push
            for start in range(0, len(ticks), ORDER_EVERY):
                if start == WARM_UP:
                    window.begin()
                caught_up.clear()
                for tick in ticks[start : start + ORDER_EVERY]:
                    push(tick)
                await caught_up.wait()
            window.end()

        peer.run_node(strategy, instruments, pump, [], window)
        if strategy.calls != len(ticks) or strategy.fills != len(ticks) // ORDER_EVERY:
            raise RuntimeError(f"{strategy.calls} calls and {strategy.fills} fills for {len(ticks)} ticks")
        return window.seconds

    def events(symbols: int, count: int = 300_000) -> dict[str, Any]:
        """Feed to strategy."""
        return {"per_cpu_second": count / fan_out(symbols, count), "mode": "live"}

    def flat(count: int = 1_000_000) -> dict[str, Any]:
        """First against last tenth."""
        marks = Marks(count // 10)
        fan_out(10, count, marks)
        return {**flatness(marks), "mode": "live"}

    def orders(count: int = 5_000, warm_up: int = 500) -> dict[str, Any]:
        """Strategy, risk engine, execution client; the next tick comes when the order has been filled."""
        instruments = peer.shares(1)
        ticks = peer.trades(count + warm_up, instruments)
        asked: list[int] = []
        entered: list[int] = []
        window = Window()
        filled = asyncio.Event()
        strategy = peer.submitter(instruments, asked, filled.set)

        async def pump(feed: Any) -> None:
            await asyncio.sleep(SETTLE_SECONDS)
            window.begin()
            for tick in ticks:
                filled.clear()
                feed.push(tick)
                await filled.wait()
            window.end()

        peer.run_node(strategy, instruments, pump, entered, window)
        return {**percentiles(asked, entered, warm_up), "mode": "live"}

    return {"events": events, "flat": flat, "orders": orders}
