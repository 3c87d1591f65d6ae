"""Tables of random bars: gaps in price, halts, assets that come late, quotes, signals, clocks of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import polars as pl
from attrs import field, frozen

from ml4t_live_backtest.parity import Recording

QUOTES = {"bid_col": "bid", "ask_col": "ask", "bid_size_col": "bid_size", "ask_size_col": "ask_size", "vwap_col": "vwap"}

NEW_YORK = ZoneInfo("America/New_York")

CLOCKS = {
    "daily": (datetime(2024, 2, 26), timedelta(days=1)),  # noqa: DTZ001 - as backtest data often are
    "daily, aware": (datetime(2024, 2, 26, tzinfo=UTC), timedelta(days=1)),
    "minutes": (datetime(2024, 3, 8, 14, 30), timedelta(minutes=1)),  # noqa: DTZ001 - as above
    "hours over the change to summer time": (datetime(2024, 3, 9, 18, tzinfo=UTC), timedelta(hours=1)),
    "half hours over the end of a session": (datetime(2024, 3, 7, 14, 30, tzinfo=UTC), timedelta(minutes=30)),
    "hours over the change to winter time": (datetime(2024, 11, 2, 18, tzinfo=UTC), timedelta(hours=1)),
}


@frozen(kw_only=True)
class Market:
    """What a random table is like; `seed` decides the rest."""

    seed: int = 0
    bars: int = 40
    assets: int = 1
    clock: str = field(default="daily")
    volatility: float = 0.01
    gaps: bool = False
    """Prices jump between bars, now and then by a lot."""
    halts: bool = False
    """Rows are missing."""
    late: bool = False
    """Assets appear one after the other."""
    quotes: bool = False
    signals: bool = False
    context: bool = False
    spread_out: bool = False
    """A price of a few cents and one of thousands."""

    def recording(self) -> Recording:
        """Return the tables."""
        rows = list(self._rows(Random(self.seed)))
        prices = pl.DataFrame(rows, infer_schema_length=None)
        if "summer" in self.clock:
            prices = prices.with_columns(pl.col("timestamp").dt.convert_time_zone(NEW_YORK.key))
        keys = prices.select("timestamp", "asset")
        random = Random(self.seed + 1)
        signals = context = None
        if self.signals:
            signals = keys.with_columns(
                pl.Series("signal", [random.choice((-1.0, 0.0, 1.0, 0.4)) for _ in rows]),
                pl.Series("atr", [random.uniform(0.5, 2.0) for _ in rows]),
                pl.Series("exit_signal", [random.choice((-1.0, 1.0)) for _ in rows]),
            )
        if self.context:
            times = keys.select(pl.col("timestamp").unique(maintain_order=True))
            context = times.with_columns(pl.Series("vix", [random.uniform(10.0, 40.0) for _ in range(times.height)]))
        return Recording(prices, signals, context, QUOTES if self.quotes else {})

    def _rows(self, random: Random) -> Iterator[dict[str, object]]:
        start, step = CLOCKS[self.clock]
        last = [50.0 * (1 + index) for index in range(self.assets)]
        if self.spread_out:
            last = [0.05 * 400.0**index for index in range(self.assets)]
        for number in range(self.bars):
            for index in range(self.assets):
                if self.late and number < index * self.bars // 4:
                    continue
                if self.halts and index + number and random.random() < 0.2:
                    continue
                yield {"timestamp": start + number * step, "asset": f"A{index}", **self._bar(random, last, index)}

    def _bar(self, random: Random, last: list[float], index: int) -> dict[str, float]:
        jump = random.gauss(0.0, self.volatility)
        if self.gaps:
            jump = random.choice((jump, 8.0 * jump, 0.0))
        opened = max(last[index] * (1.0 + max(-0.25, min(jump, 0.25))), 0.01)  # beyond that no live engine believes a bar
        close = max(opened * (1.0 + max(-0.1, min(random.gauss(0.0, self.volatility), 0.1))), 0.01)
        high = max(opened, close) * (1.0 + abs(random.gauss(0.0, self.volatility / 2)))
        low = min(opened, close) * (1.0 - min(abs(random.gauss(0.0, self.volatility / 2)), 0.5))
        if random.random() < 0.5:  # on ticks, so that orders meet bars exactly
            opened, high, low, close = (round(each, 2) for each in (opened, high, low, close))
        last[index] = close
        bar = {"open": opened, "high": high, "low": low, "close": close, "volume": float(random.choice((0, 7, 150, 10_000)))}
        if self.quotes:
            half = close * random.choice((0.0, 0.001, 0.01))
            sizes = {"bid_size": float(random.randint(1, 300)), "ask_size": float(random.randint(1, 300))}
            bar |= {"bid": close - half, "ask": close + half, "vwap": (opened + close + high + low) / 4, **sizes}
        return bar
