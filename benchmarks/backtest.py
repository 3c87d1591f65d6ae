"""Measures the live engine with gate and journal beside the ml4t-backtest engine, on the same bars, and prints a table.

Both begin with the same table in memory and end with the last bar; the strategy submits an order every twentieth bar. Rows
per second of the processor's time, the one directly after the other in several rounds: quote the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from ml4t.backtest import BacktestConfig, DataFeed, Engine, Strategy

from ml4t.live import LiveEngine
from ml4t.live.config.settings import EngineSettings
from ml4t.live.risk.config import LiveRiskConfig
from ml4t_live_backtest.frames import FrameFeed, Stamps
from ml4t_live_backtest.strategy import HostedStrategy

CASES = ((1, 50_000), (10, 20_000), (100, 6_000))


class EveryTwentieth(Strategy):
    """Buys one, and sells it again."""

    def __init__(self) -> None:
        self.bars = 0

    def on_data(self, timestamp: datetime, data: Any, context: Any, broker: Any) -> None:
        """Submit an order every twentieth bar."""
        self.bars += 1
        if self.bars % 20 == 0:
            broker.submit_order("A0", 1 if self.bars % 40 else -1)


def table(assets: int, bars: int) -> pl.DataFrame:
    """Return minute bars of random walks."""
    rng = random.Random(1)
    prices, start, rows = [100.0] * assets, datetime(2020, 1, 1), []  # noqa: DTZ001 - as most backtest data are
    for number in range(bars):
        for asset in range(assets):
            before = prices[asset]
            close = prices[asset] = before * (1 + rng.gauss(0, 0.001))
            high, low = max(before, close) * 1.0005, min(before, close) * 0.9995
            rows.append((start + timedelta(minutes=number), f"A{asset}", before, high, low, close, 1_000.0))
    names = ["timestamp", "asset", "open", "high", "low", "close", "volume"]
    return pl.DataFrame(rows, schema=names, orient="row")


def theirs(frame: pl.DataFrame) -> int:
    """Run the backtest; return its fills."""
    return len(Engine(DataFeed(prices_df=frame), EveryTwentieth(), BacktestConfig(initial_cash=1e6)).run().fills)


def ours(frame: pl.DataFrame) -> int:
    """Run the live engine with the same configuration; return its fills."""
    hosted = HostedStrategy(EveryTwentieth(), BacktestConfig(initial_cash=1e6), stamp=Stamps(frame), remembers=False)
    with tempfile.TemporaryDirectory() as folder:
        settings = EngineSettings(durability="none", export_seconds=0.0)
        limits = LiveRiskConfig.without_limits("shadow")
        engine = LiveEngine(hosted, None, FrameFeed(frame), risk=limits, state_dir=folder, settings=settings)
        asyncio.run(engine.run())
    return len(hosted.result.fills)


def rate(run: Callable[[pl.DataFrame], int], frame: pl.DataFrame) -> tuple[float, int]:
    """Return rows per second of processor time, and the fills."""
    before = time.process_time()
    fills = run(frame)
    return frame.height / (time.process_time() - before), fills


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    print("assets   bars    backtest rows/s   live rows/s   ratio (lowest to highest)")
    for assets, bars in CASES:
        frame = table(assets, bars)
        pairs = [(rate(theirs, frame), rate(ours, frame)) for _ in range(rounds)]
        if any(one[1] != other[1] for one, other in pairs):
            raise SystemExit("the two engines do not fill the same orders")
        ratios = sorted(other[0] / one[0] for one, other in pairs)
        mine, live = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
        spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"{assets:6} {bars:6} {mine:16,.0f} {live:13,.0f}   {spread}")


if __name__ == "__main__":
    main()
