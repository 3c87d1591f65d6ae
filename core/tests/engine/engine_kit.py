"""What the engine's tests are written with: events, strategies that remember, runs, and what the journal says of them."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import attrs

from ml4t.live import LiveEngine, LiveRiskConfig
from ml4t.live.config.settings import EngineSettings
from ml4t.live.journal import JournalReader, verify
from ml4t.live.model import Bar, Trade
from ml4t.live.portfolio import Portfolio
from ml4t.live.testing import ListFeed
from ml4t.live.times import NANOS, to_nanoseconds

SECOND = NANOS
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_735_776_000 * SECOND  # 2025-01-02
PATIENCE = 30.0
"""Seconds that a test waits for something that should happen; a run that takes so long has failed."""

NO_LIMITS = dict.fromkeys(
    (
        "max_position_value",
        "max_positions",
        "max_total_exposure",
        "max_order_value",
        "max_orders_per_minute",
        "max_open_orders",
        "max_daily_loss",
        "max_drawdown_pct",
        "max_price_deviation_pct",
        "max_data_staleness_seconds",
        "dedup_window_seconds",
    )
)


def limits(**given: Any) -> LiveRiskConfig:
    """Return limits that refuse nothing but what `given` says."""
    return LiveRiskConfig(**NO_LIMITS | given)


def trade(symbol: str, at: int, price: float = 100.0, size: float = 1.0) -> Trade:
    """Return a trade `at` nanoseconds after START."""
    return Trade(symbol, START + at, price, size)


def bar(symbol: str, at: int, open_: float, close: float | None = None, interval: int = MINUTE, **rest: Any) -> Bar:
    """Return a bar that starts `at` nanoseconds after START."""
    close = open_ if close is None else close
    return Bar(symbol, START + at, open_, max(open_, close), min(open_, close), close, 10.0, interval, **rest)


class Diary:
    """A strategy that notes every call and does what `act(diary, data, broker)` says."""

    def __init__(self, act: Any = None) -> None:
        self.act = act
        self.calls: list[tuple[int, dict[str, Any]]] = []
        self.orders: list[Any] = []
        self.hooks: list[str] = []

    def on_start(self, broker: Any) -> None:
        self.hooks.append("start")

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        self.calls.append((to_nanoseconds(timestamp) - START, {symbol: dict(values) for symbol, values in data.items()}))
        self.context = context
        if self.act is not None:
            self.act(self, data, broker)

    def on_end(self, broker: Any) -> None:
        self.hooks.append("end")

    def prices(self) -> list[tuple[int, dict[str, float]]]:
        """What it was told, as times after START and prices."""
        return [(at, {symbol: values["price"] for symbol, values in data.items()}) for at, data in self.calls]


@attrs.define
class Story:
    """What a journal tells."""

    records: list[Any]
    orders: dict[str, Any]
    fills: list[Any]
    states: dict[str, dict[str, Any]]

    def of(self, kind: str) -> list[Any]:
        """The records of a kind."""
        return [record for record in self.records if record.kind == kind]

    def bodies(self, kind: str) -> list[Any]:
        """The bodies of the records of a kind."""
        return [record.body for record in self.of(kind)]

    @property
    def watermark(self) -> int:
        """How far the recorded data were processed."""
        return self.states["progress"]["moment"]


def read(journal: Path) -> Story:
    """Read a journal that must be sound."""
    assert verify(journal) == []
    with JournalReader(journal) as reader:
        buckets = ("account", "position", "progress", "risk", "trigger", "firing")
        return Story(
            list(reader.records()),
            {order.order_id: order for order in reader.orders()},
            reader.fills(),
            {bucket: reader.state(bucket) for bucket in buckets},
        )


def check_books(story: Story, cash: float = 100_000.0) -> None:
    """The books in a journal are what its fills add up to, and nothing in it happened twice."""
    executions = [(fill.venue, fill.account, fill.execution_id) for fill in story.fills]
    assert len(set(executions)) == len(executions)
    assert len(story.of("fill")) == len(executions), "a fill was journalled twice"
    intents = [record.subject for record in story.of("intent")]
    assert len(set(intents)) == len(intents), "an order was intended twice"
    folded = Portfolio(cash)
    for fill in story.fills:
        folded.apply(fill)
    held = {symbol: line["quantity"] for symbol, line in story.states["position"].items()}
    assert held == {symbol: position.quantity for symbol, position in folded.positions.items()}
    if story.fills:
        assert abs(story.states["account"]["books"]["cash"] - folded.cash) < 1e-6
    filled: dict[str, float] = {}
    for fill in story.fills:
        filled[fill.order_id] = filled.get(fill.order_id, 0.0) + fill.quantity
    for order_id, quantity in filled.items():
        assert abs(story.orders[order_id].filled_quantity - quantity) < 1e-9


async def run_list(strategy: Any, events: Any, folder: Path, *, feed: Any = None, **options: Any) -> LiveEngine:
    """Run a strategy over a list of recorded events."""
    feed = feed or ListFeed(events, symbols=options.pop("symbols", None))
    settings = EngineSettings(**options.pop("engine", {}))
    risk = options.pop("risk", None) or limits()
    engine = LiveEngine(strategy, None, feed, risk=risk, state_dir=folder, settings=settings, **options)
    async with asyncio.timeout(PATIENCE):
        await engine.run()
    return engine


def replay(strategy: Any, events: Any, folder: Path, **options: Any) -> Story:
    """Run a strategy over a list of recorded events, and return what the journal tells."""
    engine = asyncio.run(run_list(strategy, events, folder, **options))
    return read(engine.state_folder.journal)


async def until(condition: Any, what: str = "it") -> None:
    """Wait on a loop that turns until `condition()`."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the conditions of tests have no events
            await asyncio.sleep(0.002)
    assert condition(), f"{what} did not happen within {PATIENCE} s"


def wait_for(condition: Any, what: str = "it") -> Any:
    """Block until `condition()` is true, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE} s"
        time.sleep(0.005)
    return found


class Market:
    """A live feed that trades until told to end."""

    historical = False
    symbols = ("A",)

    def __init__(self):
        self.end = asyncio.Event()
        self.clock = None

    async def run(self, sink):
        n = 0
        while not self.end.is_set():
            sink.push(Trade("A", self.clock.now(), 100.0 + n % 5, 1.0))
            n += 1
            await asyncio.sleep(0.002)
