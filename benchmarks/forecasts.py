"""The ledger with many forecasts: time for each, memory, and how long the summary takes.

python benchmarks/forecasts.py [--forecasts 1000000]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from ml4t.live.clock import DataClock
from ml4t.live.journal import Journal
from ml4t.live.ledger import ForecastLedger
from ml4t.live.market import MarketState
from ml4t.live.model import Direction, Forecast, Trade
from ml4t.live.report import ReportReader
from ml4t.live.report.skill import GROUPS, skills

HOUR = 3_600 * 10**9
START = 1_700_000_000 * 10**9
SYMBOLS = [f"S{n}" for n in range(50)]
MODELS = [f"model{n}" for n in range(20)]


def resident() -> float:
    """MiB that the process has at most taken."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def forecast(symbol: str, price: float, rng: random.Random) -> Forecast:
    move = rng.gauss(0, 0.005)
    said = Direction.UP if move > 0 else Direction.DOWN
    return Forecast(symbol, HOUR, price=price * (1 + move), direction=said, confidence=0.5 + abs(rng.gauss(0, 0.1)) % 0.5)


def run(count: int, path: Path) -> dict[str, float]:
    clock, market, rng = DataClock(), MarketState(), random.Random(1)
    journal = Journal(path, clock, durability="none").open()
    ledger = ForecastLedger(market, journal.append)
    prices = dict.fromkeys(SYMBOLS, 100.0)
    steps = max(1, count // (len(SYMBOLS) * len(MODELS)))
    early = 0.0
    began, used = time.perf_counter(), time.process_time()
    for step in range(steps + 1):
        now = START + step * HOUR
        clock.advance(now)
        for symbol in SYMBOLS:
            prices[symbol] = price = prices[symbol] * (1 + rng.gauss(0, 0.01))
            market.apply(Trade(symbol, now, price, 1.0), now)
            if ledger.next_due.get(symbol, now + 1) <= now:
                ledger.on_price(symbol, price, now, now)
        journal.flush()  # as on live data, where the disk keeps up
        if step == steps // 5:
            early = resident()
        if step < steps:
            for model in MODELS:
                said = [forecast(symbol, prices[symbol], rng) for symbol in SYMBOLS]
                ledger.issue(said, model=model, version="1", cause=f"hourly::{now}", now=now)
    journal.close()
    seconds, used = time.perf_counter() - began, time.process_time() - used
    late = resident()
    done = steps * len(SYMBOLS) * len(MODELS)
    times = {}
    for by in ("", *GROUPS):
        begin = time.perf_counter()
        with ReportReader(path) as reader:
            lines = skills(reader, {}, by=by)
        times[f"summary {by}".strip()] = round(time.perf_counter() - begin, 3)
        assert sum(line.resolved for line in lines) == done or by == "regime", by
    begin = time.perf_counter()
    with ReportReader(path) as reader:
        restored = ForecastLedger(market, lambda *_, **__: 0)
        restored.restore(reader)
    return {
        "forecasts": done,
        "us each": round(seconds / done * 1e6, 1),
        "us of the processor each": round(used / done * 1e6, 1),
        "MiB after a fifth": round(early, 1),
        "MiB at the end": round(late, 1),
        "MiB on disk": round(path.stat().st_size / 2**20, 1),
        "restore": round(time.perf_counter() - begin, 3),
        **times,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forecasts", type=int, default=1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        json.dump(run(parser.parse_args().forecasts, Path(folder, "j.sqlite3")), sys.stdout, indent=2)
    print()
