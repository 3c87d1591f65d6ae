"""The engine, an adapter and its venue, for hours of bad luck in minutes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from ml4t.live.config.settings import EngineSettings
from ml4t.live.engine.core import Core
from ml4t.live.engine.live import LiveEngine
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.journal import JournalReader
from ml4t.live.model import Gap
from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance.broker.line import PRICE
from ml4t.live.testing.conformance.broker.session import Session, check_journal, without_limits
from ml4t.live.testing.conformance.hurry import HurriedClock
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.waiting import CONNECT_SECONDS, clock, until, within
from ml4t.live.testing.soak.faults import Fault, faults
from ml4t.live.testing.soak.market import Ear, Market
from ml4t.live.testing.soak.memory import Memory
from ml4t.live.testing.soak.plan import SoakPlan, WholeMaker, WholeRig
from ml4t.live.testing.soak.report import Recovery, SoakReport
from ml4t.live.testing.soak.trader import Trader
from ml4t.live.times import NANOS

PAUSE_SECONDS = 0.01
BATCH = 20
LAG = 2_000
"""Events that may be on their way while everything works; when there are more, few come until the feed has caught up."""
RESUME_SECONDS = 60.0
"""How long trading and data may take to come back after a fault has ended."""
CENT = 0.01


async def soak(maker: WholeMaker, plan: SoakPlan | None = None) -> SoakReport:
    """Run the plan against a rig of `maker`, and compare the engine's journal and what it saw with the venue's books.

    Everything is real: engine, adapter, vendor's SDK, sockets, clock. The report says what is wrong; nothing is raised for it.
    """
    plan = plan or SoakPlan()
    async with AsyncExitStack() as stack:
        rig = await stack.enter_async_context(maker())
        orders = stack.enter_context(ChaosProxy(rig.venue.address))
        data = stack.enter_context(ChaosProxy(rig.source.address))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for symbol in (rig.symbol, rig.second_symbol):
            rig.venue.price(symbol, PRICE)
        ear = Ear()
        engine = _engine(plan, rig, orders, data, ear, folder)
        await engine.connect()
        running = asyncio.get_running_loop().create_task(engine.serve(), name="engine")
        soaking = _Soak(plan, rig, engine, ear)
        rng = random.Random(f"faults {plan.seed}")  # noqa: S311 - faults, not secrets
        try:
            await soaking.run(faults(rig, orders, data, rng), rng)
        finally:
            await engine.stop()
            await within(running, "the engine that was stopped", CONNECT_SECONDS)
        return soaking.report(engine.state_folder.journal)


def _engine(plan: SoakPlan, rig: WholeRig, orders: ChaosProxy, data: ChaosProxy, ear: Ear, folder: Path) -> LiveEngine:
    broker = rig.broker(address=orders.address)
    return LiveEngine(
        None,
        broker,
        rig.feed(rig.symbols, address=data.address),
        triggers=[TriggerSpec("ear", ear)],
        risk=without_limits("paper" if "paper" in broker.capabilities.kinds else "live"),
        state_dir=folder,
        name="soak",
        clock=HurriedClock(plan.speed),
        settings=EngineSettings(reconnect_first_seconds=0.1, reconnect_max_seconds=2.0, blocked_after_seconds=60.0),
    )


class _Soak:
    """What goes on in a soak, and what is found."""

    def __init__(self, plan: SoakPlan, rig: WholeRig, engine: LiveEngine, ear: Ear) -> None:
        self._plan = plan
        self._rig = rig
        self._session = Session(rig, engine)
        self._core: Core = self._session.core
        self._ear = ear
        self._market = Market(rig, plan.seed)
        self._trader = Trader(rig, self._core, engine.parts.run_id, plan.seed)
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
        """Compare the journal of the run that has ended with the venue's books."""
        with JournalReader(journal) as reader:
            gaps = [Gap(**record.body) for record in reader.records(kind="gap")]
            fills = len(reader.fills())
        try:
            check_journal(journal, self._rig)
        except NotConformant as error:
            self._problems.append(str(error))
        self._problems += self._market.problems(self._ear, gaps)
        return SoakReport(
            orders=len(self._trader.decided),
            messages=self._market.count,
            fills=fills,
            gaps=len(gaps),
            seconds=(clock.monotonic() - self._began) / NANOS,
            recoveries=self._recoveries,
            growth=self._memory.growth,
            problems=self._problems,
        )

    async def _trade(self) -> None:
        plan, market, trader = self._plan, self._market, self._trader
        while len(trader.decided) < plan.orders or market.count < plan.messages:
            keeps_up = self._broken or market.ahead_of(self._ear) < LAG
            market.move(BATCH if keeps_up else 1)
            if len(trader.decided) * plan.messages <= market.count * plan.orders:
                trader.decide()
            if len(trader.decided) >= plan.orders * 9 // 10:
                self._memory.watch()
            await clock.sleep(PAUSE_SECONDS)

    async def _suffer(self, fault: Fault, rng: random.Random, trading: asyncio.Task[None]) -> None:
        """Let one thing go wrong, and wait until orders and data are there again."""
        began, decided, heard = clock.monotonic(), len(self._trader.decided), self._market.last()
        self._broken = True
        fault.begin()
        if fault.lasting:
            await clock.sleep(rng.uniform(0.2, 2.0) * self._rig.patience)
        fault.end()
        self._broken = False
        lasted = self._since(began)
        orders, data = await asyncio.gather(
            self._again(began, trading, lambda: self._trader.taken_since(decided)),
            self._again(began, trading, lambda: self._ear.heard_after(heard)),
        )
        if not trading.done():
            for what, seconds in (("orders", orders), ("data", data)):
                if seconds is None:
                    self._problems.append(f"{fault.name}: no {what} within {RESUME_SECONDS:g} s")
        self._recoveries.append(Recovery(fault.name, lasted, orders, data))

    async def _again(self, began: int, trading: asyncio.Task[None], condition: Callable[[], bool]) -> float | None:
        try:
            await until(lambda: condition() or trading.done(), "it has to come back", RESUME_SECONDS)
        except NotConformant:
            return None
        return self._since(began) if condition() else None

    async def _settle(self) -> None:
        """Wait until nothing is in doubt, and compare what is held."""
        await self._ends("the connection stands", lambda: self._core.connection.ready)
        withdrawing = asyncio.get_running_loop().create_task(self._withdraw(), name="withdraw")
        await self._ends("every order is done", lambda: not self._core.desk.orders.open_orders)
        withdrawing.cancel()
        await self._ends("holdings are the venue's", lambda: not self._session.differences())
        await self._hear_all()
        self._memory.stop()
        cash, there = self._core.desk.portfolio.cash, self._rig.venue.cash()
        if abs(cash - there) > CENT:
            self._problems.append(f"cash is {cash:.2f} here, and {there:.2f} at the venue")

    async def _withdraw(self) -> None:
        """Cancel what rests, again and again: an order that was in doubt may turn out to rest as well."""
        while True:
            self._trader.withdraw()
            await clock.sleep(1.0)

    async def _hear_all(self) -> None:
        """Wait for all that has happened. A little goes on: in a silent market a feed has nothing to join again by."""
        before = self._market.last()
        going_on = asyncio.get_running_loop().create_task(self._go_on(), name="market")
        await self._ends("all data are there", lambda: self._ear.has_all(before))
        going_on.cancel()
        await self._ends("the last data are there", lambda: self._ear.has_all(self._market.last()))

    async def _go_on(self) -> None:
        while True:
            self._market.move(1)
            await clock.sleep(10 * PAUSE_SECONDS)

    async def _ends(self, what: str, condition: Callable[[], object]) -> None:
        try:
            await until(condition, what, self._plan.settle_seconds)
        except NotConformant as error:
            self._problems.append(f"at the end {error}")

    def _since(self, moment: int) -> float:
        return (clock.monotonic() - moment) / NANOS
