"""The engine, an adapter and its venue, for hours of bad luck in minutes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from ml4t.live.config.settings import EngineSettings, Mode
from ml4t.live.contracts.broker import Broker
from ml4t.live.engine.live import LiveEngine
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.journal import JournalReader
from ml4t.live.model import Gap
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance.broker.line import PRICE
from ml4t.live.testing.conformance.hurry import HurriedClock
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.waiting import CONNECT_SECONDS, clock, until, within
from ml4t.live.testing.soak.faults import Fault, faults
from ml4t.live.testing.soak.market import Ear, Market
from ml4t.live.testing.soak.memory import Memory
from ml4t.live.testing.soak.orders import Orders
from ml4t.live.testing.soak.plan import SoakMaker, SoakPlan, SoakRig, WholeRig, is_whole
from ml4t.live.testing.soak.report import Recovery, SoakReport
from ml4t.live.times import NANOS

PAUSE_SECONDS = 0.01
BATCH = 20
LAG = 2_000
"""Events that may be on their way while everything works; when there are more, few come until the feed has caught up."""
NUDGE_SECONDS = 10.0
"""How long the last data may take in a silent market before one more event comes."""
RESUME_SECONDS = 60.0
"""How long trading and data may take to come back after a fault has ended."""
RECENT_ORDERS = 1_000
"""So few stay in memory that a run has filled it by half-time, and old executions have to be found on disk."""


async def soak(maker: SoakMaker, plan: SoakPlan | None = None) -> SoakReport:
    """Run the plan against a rig of `maker`, and compare the engine's journal and what it saw with the venue's books.

    Everything is real: engine, adapter, vendor's SDK, sockets, clock. The report says what is wrong; nothing is raised for it.
    """
    plan = plan or SoakPlan()
    async with AsyncExitStack() as stack:
        rig = await stack.enter_async_context(maker())
        data = stack.enter_context(ChaosProxy(rig.source.address))
        line = stack.enter_context(ChaosProxy(rig.venue.address)) if is_whole(rig) else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ear = Ear()
        engine = _engine(plan, rig, line, data, ear, folder)
        await engine.connect()
        running = asyncio.get_running_loop().create_task(engine.serve(), name="engine")
        orders = Orders(rig, engine, plan.seed) if is_whole(rig) else None
        soaking = _Soak(plan, rig, orders, ear)
        rng = random.Random(f"faults {plan.seed}")  # noqa: S311 - faults, not secrets
        try:
            await soaking.run(faults(rig, line, data, rng), rng)
        finally:
            await engine.stop()
            await within(running, "the engine that was stopped", 2 * RESUME_SECONDS)
        return soaking.report(engine.state_folder.journal)


def _engine(plan: SoakPlan, rig: SoakRig, line: ChaosProxy | None, data: ChaosProxy, ear: Ear, folder: Path) -> LiveEngine:
    broker = _broker(rig, line) if is_whole(rig) and line is not None else None
    mode: Mode = "shadow" if broker is None else "paper" if "paper" in broker.capabilities.kinds else "live"
    return LiveEngine(
        None,
        broker,
        rig.feed(rig.symbols, address=data.address),
        triggers=[TriggerSpec("ear", ear)],
        risk=LiveRiskConfig.without_limits(mode),
        state_dir=folder,
        name="soak",
        clock=HurriedClock(plan.speed),
        settings=EngineSettings(
            reconnect_first_seconds=0.1, reconnect_max_seconds=2.0, blocked_after_seconds=60.0, recent_orders=RECENT_ORDERS
        ),
    )


def _broker(rig: WholeRig, line: ChaosProxy) -> Broker:
    for symbol in (rig.symbol, rig.second_symbol):
        rig.venue.price(symbol, PRICE)
    return rig.broker(address=line.address)


class _Soak:
    """What goes on in a soak, and what is found."""

    def __init__(self, plan: SoakPlan, rig: SoakRig, orders: Orders | None, ear: Ear) -> None:
        self._plan = plan
        self._rig = rig
        self._orders = orders
        self._ear = ear
        self._market = Market(rig, plan.seed)
        self._memory = Memory(wanted=plan.memory)
        self._broken = False
        self._recoveries: list[Recovery] = []
        self._problems: list[str] = []
        self._began = clock.monotonic()

    async def run(self, choice: Sequence[Fault], rng: random.Random) -> None:
        """Let it all happen, and settle."""
        wanted = set(self._rig.symbols)
        await until(lambda: wanted <= self._rig.source.subscriptions, "the feed has to subscribe", CONNECT_SECONDS)
        trading = asyncio.get_running_loop().create_task(self._trade(), name="soak")
        try:
            while not trading.done():
                with contextlib.suppress(TimeoutError):
                    async with clock.timeout(rng.expovariate(1 / self._plan.quiet_seconds)):
                        await asyncio.wait([trading])
                if not trading.done():
                    await self._suffer(rng.choice(choice), rng, trading)
            trading.result()
        finally:
            trading.cancel()
        await self._settle()

    def report(self, journal: Path) -> SoakReport:
        """Compare the journal of the run that has ended with the venue's books, and what was heard with what happened."""
        with JournalReader(journal) as reader:
            gaps = [Gap(**record.body) for record in reader.records(kind="gap")]
            fills = len(reader.fills())
        if self._orders is not None:
            self._problems += self._orders.problems(journal)
        self._problems += self._market.problems(self._ear, gaps)
        self._problems += filter(None, [self._memory.problem])
        return SoakReport(
            orders=self._decided,
            messages=self._market.count,
            fills=fills,
            gaps=len(gaps),
            missed=self._market.missed(self._ear),
            seconds=(clock.monotonic() - self._began) / NANOS,
            recoveries=self._recoveries,
            held=self._memory.held,
            problems=self._problems,
        )

    @property
    def _decided(self) -> int:
        return 0 if self._orders is None else self._orders.decided

    def _done(self) -> float:
        """Return how much of the plan is done; 1 is all of it."""
        plan = self._plan
        done = self._market.count / plan.messages if plan.messages else 1.0
        return done if self._orders is None else min(done, self._orders.decided / plan.orders)

    async def _trade(self) -> None:
        plan, market, orders = self._plan, self._market, self._orders
        while self._done() < 1:
            keeps_up = self._broken or market.ahead_of(self._ear) < LAG
            market.move(BATCH if keeps_up else 1)
            if orders is not None and orders.decided * plan.messages <= market.count * plan.orders:
                orders.decide()
            self._memory.at(self._done())
            await clock.sleep(PAUSE_SECONDS)

    async def _suffer(self, fault: Fault, rng: random.Random, trading: asyncio.Task[None]) -> None:
        """Let one thing go wrong, and wait until orders and data are there again."""
        began, decided, heard = clock.monotonic(), self._decided, self._market.last()
        self._broken = True
        fault.begin()
        if fault.lasting:
            await clock.sleep(rng.uniform(0.2, 2.0) * self._rig.patience)
        fault.end()
        self._broken = False
        lasted = self._since(began)
        back: dict[str, Callable[[], bool]] = {"data": lambda: self._ear.heard_after(heard)}
        if (orders := self._orders) is not None:
            back["orders"] = lambda: orders.taken_since(decided)
        after = dict(
            zip(back, await asyncio.gather(*(self._again(began, trading, each) for each in back.values())), strict=True)
        )
        if not trading.done():
            for what, seconds in after.items():
                if seconds is None:
                    self._problems.append(f"{fault.name}: no {what} within {RESUME_SECONDS:g} s")
        self._recoveries.append(Recovery(fault.name, lasted, after.get("orders"), after["data"]))

    async def _again(self, began: int, trading: asyncio.Task[None], condition: Callable[[], bool]) -> float | None:
        try:
            await until(lambda: condition() or trading.done(), "it has to come back", RESUME_SECONDS)
        except NotConformant:
            return None
        return self._since(began) if condition() else None

    async def _settle(self) -> None:
        """Wait until nothing is in doubt."""
        if self._orders is not None:
            await self._orders.settle(self._ends)
        await self._hear_all()
        self._memory.stop()

    async def _hear_all(self) -> None:
        """Wait for all that has happened. A little goes on: in a silent market a feed has nothing to join again by.

        The very last of it is waited for in a silent market. A line that is lost just then is joined by the next that comes.
        """
        before = self._market.last()
        await self._while_it_goes_on(10 * PAUSE_SECONDS, "all data are there", lambda: self._ear.has_all(before))
        await self._while_it_goes_on(NUDGE_SECONDS, "the last data are there", lambda: self._ear.has_all(self._market.last()))

    async def _while_it_goes_on(self, every: float, what: str, condition: Callable[[], object]) -> None:
        going_on = asyncio.get_running_loop().create_task(self._go_on(every), name="market")
        await self._ends(what, condition)
        going_on.cancel()

    async def _go_on(self, every: float) -> None:
        while True:
            await clock.sleep(every)
            self._market.move(1)

    async def _ends(self, what: str, condition: Callable[[], object]) -> None:
        try:
            await until(condition, what, self._plan.settle_seconds)
        except NotConformant as error:
            self._problems.append(f"at the end {error}")

    def _since(self, moment: int) -> float:
        return (clock.monotonic() - moment) / NANOS
