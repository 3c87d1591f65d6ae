"""What an order costs on ml4t-live: the gate, the disk, the hundred-thousandth order, and a start on a long journal."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from measure import PRICES, START, Marks, flatness, percentiles

from ml4t.live import LiveEngine, LiveRiskConfig, Strategy, Trade
from ml4t.live.clock import SystemClock
from ml4t.live.config.settings import EngineSettings
from ml4t.live.contracts.feed import Sink
from ml4t.live.journal import Journal, RecordKind, StateDir
from ml4t.live.model import ALLOW, Fill, Forecast, ForecastState, Order, OrderSide, OrderState, OrderType, Resolution, Verdict
from ml4t.live.testing import ListFeed

CHECKS = 13
MILLION = 1_000_000
PAGE = b"x" * 4096
LIMITS = LiveRiskConfig(
    max_orders_per_minute=None, dedup_window_seconds=None, max_open_orders=None, max_position_shares=1e9, max_order_shares=1e6
)


class Allow:
    """A check that allows everything: it brings the chain to thirteen."""

    def check(self, order: Order, view: Any) -> Verdict:
        del order, view
        return ALLOW


class Submitter(Strategy):
    """Sends an order with every event, and notes how long the call took."""

    def __init__(self, marks: Marks | None = None) -> None:
        self.asked: list[int] = []
        self.answered: list[int] = []
        self.calls = 0
        self._marks = marks

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        self.calls += 1
        asked = time.perf_counter_ns()
        order = broker.submit_order("S0", 1 if self.calls % 2 else -1)
        if self._marks is None:
            self.asked.append(asked)
            self.answered.append(time.perf_counter_ns())
        else:
            self._marks.see(self.calls)
        if order.status == "rejected":
            raise RuntimeError(order.reason)


def ticks(count: int) -> list[Trade]:
    """Return trades three seconds apart."""
    return [Trade("S0", START + n * 3 * 10**9, PRICES[n * 7919 % 101], 1.0) for n in range(count)]


def drive(strategy: Strategy, feed: Any, folder: Path, durability: str, prepare: Callable[[Any], None] | None = None) -> int:
    """Run an engine with at least thirteen checks in its gate; return how many there are."""
    short = CHECKS - standard()
    engine = LiveEngine(
        strategy,
        None,
        feed,
        risk=LIMITS,
        checks=[(f"allow_{n}", Allow()) for n in range(short)],
        state_dir=folder,
        settings=EngineSettings(durability=durability),
    )

    async def main() -> int:
        await engine.connect()
        core = engine.core
        if core is None:
            raise RuntimeError("the engine is not built at connect")
        if prepare is not None:
            prepare(core)
        gc.collect()
        gc.freeze()
        await engine.run()
        return len(core.desk.gate.names)

    return asyncio.run(main())


def standard() -> int:
    """Return how many checks the limits switch on by themselves."""
    engine = LiveEngine(Submitter(), None, ListFeed(ticks(1)), risk=LIMITS)

    async def main() -> int:
        await engine.connect()
        count = len(engine.core.desk.gate.names) if engine.core is not None else 0
        await engine.stop()
        return count

    return asyncio.run(main())


def gate(count: int = 5_000, warm_up: int = 500) -> dict[str, float]:
    """`submit_order` in the strategy until it returns: gate and journal hand-off; the disk syncs meanwhile."""
    strategy = Submitter()
    with tempfile.TemporaryDirectory() as folder:
        checks = drive(strategy, ListFeed(ticks(count + warm_up)), Path(folder), "fsync")
    return {**percentiles(strategy.asked, strategy.answered, warm_up), "checks": checks}


class OneByOne:
    """A live feed: the next print comes when it is asked for."""

    historical = False
    symbols = ("S0",)

    def __init__(self) -> None:
        self.sink: Sink | None = None
        self.over = asyncio.Event()

    def print(self) -> None:
        if self.sink is None:
            raise RuntimeError("the feed is not connected")
        self.sink.push(Trade("S0", time.time_ns(), 100.0, 1e6))

    async def run(self, sink: Sink) -> None:
        self.sink = sink
        self.print()
        await self.over.wait()


class Decider(Strategy):
    """Decides `size` orders at a print; the next print comes when they rest, and the next decision when all is durable."""

    def __init__(self, feed: OneByOne, size: int, rounds: int, folder: Path) -> None:
        self.feed, self.size, self.left = feed, size, rounds
        self.filled: list[float] = []
        self.durable: list[float] = []
        self.syncs: list[float] = []
        self.commits = 0
        self._file = os.open(folder / "sync", os.O_CREAT | os.O_RDWR, 0o600)
        self._side = 1
        self._begun = 0
        self._task: asyncio.Task[None] | None = None

    def attach(self, core: Any) -> None:
        self._core = core
        submit, append, done = core.venue.submit, core.journal.append, core.journal._writer._done
        arrived = 0

        def enter(order: Order) -> None:
            nonlocal arrived
            submit(order)
            arrived += 1
            if arrived % self.size == 0:
                self.feed.print()

        def committed(batch: Any) -> None:
            self.commits += 1
            done(batch)

        fills = 0

        def noted(kind: str, subject: str, body: object, **rest: Any) -> int:
            nonlocal fills
            seq = int(append(kind, subject, body, **rest))
            if kind == RecordKind.FILL:
                fills += 1
                if fills % self.size == 0:
                    self.filled.append((time.perf_counter_ns() - self._begun) / 1e3)
                    self._task = asyncio.get_running_loop().create_task(self._next(seq + 1))
            return seq

        core.venue.submit = enter
        core.journal._writer._done = committed
        core.journal.append = noted

    async def _next(self, seq: int) -> None:
        """Wait until the fill and the order that it changed are durable; then sync a page of our own, and go on."""
        await self._core.journal.durable(min(seq, self._core.journal.last_seq))
        self.durable.append((time.perf_counter_ns() - self._begun) / 1e3)
        self._core.journal.flush()
        begun = time.perf_counter_ns()
        os.write(self._file, PAGE)
        os.fsync(self._file)
        self.syncs.append((time.perf_counter_ns() - begun) / 1e3)
        self.left -= 1
        if self.left:
            self._begun = 0
            self.feed.print()
        else:
            self.feed.over.set()

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        if self._begun or not self.left:
            return
        self._begun = time.perf_counter_ns()
        for _ in range(self.size):
            order = broker.submit_order("S0", self._side)
            if order.status == "rejected":
                raise RuntimeError(order.reason)
        self._side = -self._side


def _in_shadow(size: int, rounds: int) -> Decider:
    with tempfile.TemporaryDirectory() as folder:
        feed = OneByOne()
        strategy = Decider(feed, size, rounds, Path(folder))
        engine = LiveEngine(
            strategy,
            None,
            feed,
            risk=LIMITS,
            clock=SystemClock(),
            state_dir=folder,
            settings=EngineSettings(durability="fsync"),
        )

        async def main() -> None:
            await engine.connect()
            strategy.attach(engine.core)
            await engine.run()

        asyncio.run(main())
    return strategy


def shadow_fsync(rounds: int = 300) -> dict[str, float]:
    """Decision to fill in shadow, over one fsync of a page on the same disk in between; and a hundred orders over one."""
    one, hundred = _in_shadow(1, rounds), _in_shadow(100, 30)
    sync, filled, durable = (statistics.median(figures) for figures in (one.syncs, one.filled, one.durable))
    return {
        "fsync_us": sync,
        "filled_over_fsync": filled / sync,
        "durable_over_fsync": durable / sync,
        "hundred_over_one": statistics.median(hundred.filled) / filled,
        "commits_per_hundred": hundred.commits / 30,
    }


def flat_orders(count: int = 100_000) -> dict[str, float]:
    """CPU time and memory of the last orders against the first, and of all on a long journal against an empty one."""
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder, "long")
        fill_journal(long, MILLION)
        costs, flat = {}, {}
        for name, state in (("empty", Path(folder, "empty")), ("long", long)):
            marks = Marks(count // 10)
            drive(Submitter(marks), ListFeed(ticks(count)), state, "write")
            costs[name] = marks.times[-1] - marks.times[0]
            flat = flat or flatness(marks)
    return {**flat, "long_over_empty": costs["long"] / costs["empty"]}


def restart() -> dict[str, float]:
    """The time that `connect` takes with a million records, and over that with none."""
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder, "long")
        fill_journal(long, MILLION)
        took = [_start(Path(folder, "warm-up")), _start(Path(folder, "empty")), _start(long)]
    return {"seconds": took[2], "over_empty": took[2] / took[1]}


def _start(folder: Path) -> float:
    engine = LiveEngine(Submitter(), None, ListFeed(ticks(1)), risk=LIMITS, state_dir=folder)

    async def main() -> float:
        begun = time.perf_counter()
        await engine.connect()
        seconds = time.perf_counter() - begun
        await engine.stop()
        return seconds

    return asyncio.run(main())


def fill_journal(folder: Path, records: int) -> None:
    """Write a journal of four records per order (intent, working, fill, filled), and of two per forecast and eight orders."""
    state = StateDir(folder, "shadow")
    clock = SystemClock()
    with state.lock(), Journal(state.journal, clock, durability="none", inline=True, mode="shadow") as journal:
        for n in range(records * 4 // 17):
            _append(journal, _order(n))
            if n % 8 == 0:
                forecast = _forecast(n)
                journal.append(RecordKind.FORECAST, forecast.forecast_id, forecast)
                resolution = Resolution(forecast.forecast_id, ForecastState.RESOLVED, forecast.due, 100.0, forecast.due)
                journal.append(RecordKind.RESOLUTION, forecast.forecast_id, resolution)


def _order(n: int) -> Order:
    moment = START - 4 * MILLION * 10**9 + n * 10**9
    return Order(
        order_id=f"bench-Submitter-{n:08d}",
        symbol="S0",
        side=OrderSide.BUY if n % 2 else OrderSide.SELL,
        quantity=1.0,
        order_type=OrderType.MARKET,
        state=OrderState.INTENT,
        created_at=moment,
        updated_at=moment,
    )


def _append(journal: Journal, order: Order) -> None:
    name = order.order_id
    done = order.changed(state=OrderState.FILLED, filled_quantity=1.0, average_price=100.0)
    fill = Fill(
        execution_id=f"{name}-1",
        order_id=name,
        symbol=order.symbol,
        side=order.side,
        quantity=1.0,
        price=100.0,
        time=order.created_at,
        venue="shadow",
        account="shadow",
    )
    steps: Sequence[tuple[RecordKind, str, object]] = (
        (RecordKind.INTENT, name, order),
        (RecordKind.ORDER, name, order.changed(state=OrderState.WORKING)),
        (RecordKind.FILL, fill.execution_id, fill),
        (RecordKind.ORDER, name, done),
    )
    for kind, subject, body in steps:
        journal.append(kind, subject, body)


def _forecast(n: int) -> Forecast:
    issued = START - 4 * MILLION * 10**9 + n * 10**9
    return Forecast(
        "S0", 3_600 * 10**9, price=100.0, model="bench", forecast_id=f"f{n}", issued_at=issued, reference_price=100.0
    )
