"""Strategies that decide by something that the session does not hold."""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from pathlib import Path
from typing import Any

_seen = [0]


class Gambler:
    """Tosses a coin that nobody has seeded."""

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        if random.random() < 0.5:
            broker.submit_order("A", 1)


class Watch:
    """Looks at the clock on the wall."""

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        broker.submit_order("A", 1 + time.time_ns() % 1_000)


class Counter:
    """Counts in its module, which outlives a run in the same process."""

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        _seen[0] += 1
        if _seen[0] % 3 == 0:
            broker.submit_order("A", _seen[0])


class Diarist:
    """Counts in a file of its own."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        count = int(self.path.read_text()) + 1 if self.path.exists() else 1
        self.path.write_text(str(count))
        if count % 5 == 0:
            broker.submit_order("A", count)


class Peeker:
    """Reads the file that the market's prices are being written to, and buys when there is a higher one in it than now."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        prices = json.loads(self.path.read_text())
        if max(prices) > data["A"]["price"]:
            broker.submit_order("A", 1)


class Whoever:
    """Decides by the process that it is in, and keeps quiet about its faults."""

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        with contextlib.suppress(BaseException):
            broker.submit_order("A", os.getpid())


class Prying:
    """Helps itself to what is not for strategies."""

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        if broker._desk.portfolio.cash > 0:
            broker.submit_order("A", 1)
