"""Orders and market data through the real engine while everything breaks every few seconds.

`python plugins/ib/tests/ib_storm.py --orders 10000 --messages 200000 --seed 1` prints what came of it. Afterwards the journal
and the simulator's books have to tell the same story, and every bar that happened has been heard or lies in a gap that is told.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field
from ib_rig import Rig, simulator

from ml4t.live.config.settings import EngineSettings
from ml4t.live.engine.live import LiveEngine
from ml4t.live.journal import JournalReader, RecordKind
from ml4t.live.model import MarketEvent, Order, OrderState
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance.broker.session import Session, check_journal
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.waiting import until
from ml4t_live_ib.feed import IBDataFeed
from ml4t_live_ib.simulator import TwsSimulator

SYMBOLS = ("AAPL", "MSFT", "SPY", "NVDA")
BATCH = 10
"""Bars of each symbol that happen at once."""
DAYS = 6 * 86_400
"""Bars happen faster than five seconds pass, so they begin so long ago."""
OPEN_AT_MOST = 40
FAULT_SECONDS = (1.0, 3.0)


@define
class Outcome:
    """What came of a storm."""

    orders: int = 0
    refused: int = 0
    messages: int = 0
    gaps: int = 0
    holes: list[tuple[str, int]] = field(factory=list)
    faults: dict[str, list[float]] = field(factory=dict)
    """Seconds until an order went through again, by fault."""
    memory: list[float] = field(factory=list)
    """MiB, at every tenth of the orders."""
    seconds: float = 0.0

    def __str__(self) -> str:
        lines = [
            f"{self.orders} orders ({self.refused} more refused) and {self.messages} messages in {self.seconds:.0f} s",
            f"{sum(map(len, self.faults.values()))} faults, {self.gaps} gaps told, {len(self.holes)} holes that nobody told",
            f"memory, MiB: {' '.join(f'{each:.0f}' for each in self.memory)}",
        ]
        for name, seconds in sorted(self.faults.items()):
            lines.append(
                f"  {name:<22}{len(seconds):>4} x  back after {statistics.median(seconds):.2f} s, {max(seconds):.2f} at most"
            )
        return "\n".join(lines)


class _Overheard:
    """Stands between a feed and its sink, and notes what has come."""

    def __init__(self, sink: Any, heard: set[tuple[str, int]]) -> None:
        self._sink = sink
        self._heard = heard
        self.push, self.ready, self.alive = sink.push, sink.ready, sink.alive

    def push_many(self, events: Iterable[MarketEvent]) -> None:
        listed = list(events)
        self._heard.update((event.symbol, event.event_time) for event in listed)
        self._sink.push_many(listed)


class OverheardFeed:
    """A feed whose events are noted, live ones and those of backfills, and that is spared IB's limits on history."""

    historical = False

    def __init__(self, feed: IBDataFeed) -> None:
        self.symbols = feed.symbols
        self.heard: set[tuple[str, int]] = set()
        self._feed = feed
        feed._pacer._delay = lambda *_: 0.0

    async def run(self, sink: Any) -> None:
        await self._feed.run(_Overheard(sink, self.heard))

    async def backfill(self, symbol: str, start: int, end: int) -> Sequence[MarketEvent]:
        fetched = list(await self._feed.backfill(symbol, start, end))
        self.heard.update((event.symbol, event.event_time) for event in fetched)
        return fetched


class Storm:
    """One storm, from its seed."""

    def __init__(self, tws: TwsSimulator, orders: int, messages: int, seed: int) -> None:
        self.tws = tws
        self.wanted, self.messages = orders, messages
        self.rng = random.Random(seed)
        self.outcome = Outcome()
        self.emitted: list[tuple[str, int]] = []
        self.placed: list[Order] = []
        self.through = 0.0
        """When an order was last seen to have reached the venue."""

    async def run(self, folder: Path) -> Outcome:
        begun = time.monotonic()
        with ChaosProxy(self.tws.address) as broker_line, ChaosProxy(self.tws.address) as feed_line:
            self.lines = (broker_line, feed_line)
            rig = Rig(self.tws)
            feed = OverheardFeed(rig.feed(SYMBOLS, address=feed_line.address))
            engine = _engine(rig.broker(address=broker_line.address), feed, folder)
            await engine.connect()
            serving = asyncio.create_task(engine.serve(), name="engine")
            self.session = Session(rig, engine)
            await until(lambda: engine.core is not None and self.tws.subscriptions == set(SYMBOLS), "subscribed", 30.0)
            market, breaking = asyncio.create_task(self._market()), asyncio.create_task(self._break())
            await self._trade()
            breaking.cancel()
            await asyncio.gather(breaking, return_exceptions=True)
            self._heal()
            await self.session.until_ready()
            await market
            await self._end(feed)
            await engine.stop()
            await serving
        check_journal(engine.state_folder.journal, rig)
        self._look_for_holes(feed, engine.state_folder.journal)
        self.outcome.seconds = time.monotonic() - begun
        return self.outcome

    # ------------------------------------------------------------------ what goes on

    async def _market(self) -> None:
        while len(self.emitted) < self.messages:
            self.emitted += self.tws._call(self._happen)
            pause = 0.0 if len(self.placed) >= self.wanted else 0.01
            await asyncio.sleep(pause)
        self.outcome.messages = len(self.emitted)

    def _happen(self) -> list[tuple[str, int]]:
        happened = []
        market, universe = self.tws._tws.market, self.tws._tws.universe
        for _ in range(BATCH):
            for symbol in SYMBOLS:
                price = round(100.0 + self.rng.uniform(-1, 1), 2)
                happened.append((symbol, market.emit(universe.named(symbol), price, 1.0) * 1_000_000_000))
        return happened

    async def _trade(self) -> None:
        core, tenth = self.session.core, max(1, self.wanted // 10)
        while len(self.placed) < self.wanted:
            await asyncio.sleep(0.002)
            self._note_what_went_through()
            if not core.connection.ready or len(core.desk.orders.open_orders) >= OPEN_AT_MOST:
                await self._cancel_one()
                continue
            self._place()
            if len(self.placed) % tenth == 0:
                self.outcome.memory.append(_memory())

    def _place(self) -> None:
        symbol, side = self.rng.choice(SYMBOLS), self.rng.choice((1, -1))
        quantity = side * self.rng.randint(1, 5)
        kind = self.rng.choice(("market", "market", "limit", "resting"))
        terms: dict[str, Any] = {}
        if kind != "market":
            terms = {"order_type": "limit", "limit_price": 100.0 * (1 - side * (0.2 if kind == "resting" else -0.05))}
        order = self.session._broker.submit_order(symbol, quantity, time_in_force="day", **terms)
        if order.state is OrderState.REJECTED:
            self.outcome.refused += 1
        else:
            self.placed.append(order)
            self.outcome.orders += 1

    async def _cancel_one(self) -> None:
        open_orders = [each for each in self.session.core.desk.orders.open_orders if each.state is OrderState.WORKING]
        if open_orders and self.session.core.connection.ready:
            self.session._broker.cancel_order(self.rng.choice(open_orders).order_id)

    def _note_what_went_through(self) -> None:
        if self.placed and self.session.now(self.placed[-1]).venue_order_id:
            self.through = time.monotonic()

    # ------------------------------------------------------------------ what goes wrong

    async def _break(self) -> None:
        faults: dict[str, Callable[[], None]] = {
            "RST": lambda: self.rng.choice(self.lines).reset(),
            "FIN": lambda: self.rng.choice(self.lines).finish(),
            "frozen line": lambda: self.rng.choice(self.lines).freeze(),
            "half-open line": lambda: self.rng.choice(self.lines).half_open(True),
            "damaged byte": lambda: setattr(self.rng.choice(self.lines).to_client, "corrupt_after", self.rng.randrange(400)),
            "restart of TWS": self.tws.restart,
            "restart, ids anew": lambda: self.tws.restart(forget_ids=True),
            "mute TWS": lambda: self.tws.mute(True),
            "1100 and 1102": self.tws.lose_link,
            "lost answer": self.tws.lose_next_answer,
            "lost request": self.tws.lose_next_request,
            "messages twice": lambda: self.tws.duplicate(0.5),
            "messages out of order": lambda: self.tws.shuffle(True),
            "late messages": lambda: self.tws.delay(0.05),
            "rejected order": lambda: self.tws.reject_next("storm"),
            "remark 10349": lambda: self.tws.warn_of_presets(True),
        }
        while True:
            await asyncio.sleep(self.rng.uniform(*FAULT_SECONDS))
            name = self.rng.choice(sorted(faults))
            begun, count = time.monotonic(), len(self.placed)
            faults[name]()
            await asyncio.sleep(self.rng.uniform(0.1, 2.0))
            self._heal()
            await until(
                lambda n=count, b=begun: len(self.placed) > n and self.through > b, f"trading again after {name}", 120.0
            )
            self.outcome.faults.setdefault(name, []).append(self.through - begun)

    def _heal(self) -> None:
        for line in self.lines:
            line.thaw()
            line.half_open(False)
        self.tws.mute(False)
        self.tws.duplicate(0.0)
        self.tws.shuffle(False)
        self.tws.delay(0.0)
        self.tws.warn_of_presets(False)
        if not self.tws._tws.link.is_up:
            self.tws.restore_link(data_kept=self.rng.random() < 0.5)

    # ------------------------------------------------------------------ what came of it

    async def _end(self, feed: OverheardFeed) -> None:
        """Let the last bars come, cancel what rests, and wait until nothing is in doubt."""
        await until(lambda: self.emitted[-1] in feed.heard, "the last bar has to be heard", 60.0)
        orders = self.session.core.desk.orders

        deadline = time.monotonic() + 120.0
        while orders.open_orders:
            assert time.monotonic() < deadline, f"not cancelled: {list(orders.open_orders)}"
            for order in list(orders.open_orders):
                self.session._broker.cancel_order(order.order_id)
            with contextlib.suppress(NotConformant):
                await until(lambda: not orders.open_orders, "every order has to be cancelled", 5.0)
        await self.session.until_settled()

    def _look_for_holes(self, feed: OverheardFeed, journal: Path) -> None:
        with JournalReader(journal) as reader:
            gaps = [record.body for record in reader.records(RecordKind.GAP)]
        self.outcome.gaps = len(gaps)
        missing = [each for each in self.emitted if each not in feed.heard]
        self.outcome.holes = [
            (symbol, at)
            for symbol, at in missing
            if not any(gap["symbol"] == symbol and gap["start"] <= at < gap["end"] for gap in gaps)
        ]


def _engine(broker: Any, feed: OverheardFeed, folder: Path) -> LiveEngine:
    return LiveEngine(
        None,
        broker,
        feed,
        risk=LiveRiskConfig(
            execution_mode="paper",
            max_position_value=None,
            max_positions=None,
            max_total_exposure=None,
            max_order_value=None,
            max_orders_per_minute=None,
            max_open_orders=None,
            max_daily_loss=None,
            max_drawdown_pct=None,
            max_price_deviation_pct=None,
            max_data_staleness_seconds=None,
            dedup_window_seconds=None,
        ),
        state_dir=folder,
        name="storm",
        settings=EngineSettings(
            silence_seconds=600.0, reconnect_first_seconds=0.05, reconnect_max_seconds=0.5, blocked_after_seconds=60.0
        ),
    )


def _memory() -> float:
    with contextlib.suppress(OSError):
        return next(
            int(line.split()[1]) / 1024
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("VmRSS")
        )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def storm(orders: int, messages: int, seed: int) -> Outcome:
    """Run one storm. Raises NotConformant when the journal and the books differ, or something does not recover."""
    with simulator(prices=dict.fromkeys(SYMBOLS, 100.0)) as tws, tempfile.TemporaryDirectory() as folder:
        market = tws._tws.market
        market._begin = market._next_bar = market._begin - DAYS
        return asyncio.run(Storm(tws, orders, messages, seed).run(Path(folder)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(storm(given.orders, given.messages, given.seed))
