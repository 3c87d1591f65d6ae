"""A session of the real engine with an adapter: journal, gate, reconciliation and all."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ml4t.live.config.settings import EngineSettings, Mode
from ml4t.live.contracts.feed import Sink
from ml4t.live.engine.core import Core
from ml4t.live.engine.live import LiveEngine
from ml4t.live.journal import JournalReader, verify
from ml4t.live.model import Fill, Order, OrderState
from ml4t.live.orders.executions import effective
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.orders.states import NEVER_REACHED, UNSENT
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.testing.conformance.broker.line import PRICE, QUANTITY, usual_time_in_force
from ml4t.live.testing.conformance.hurry import HurriedClock
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.waiting import found_dead, until, within
from ml4t.live.testing.rig import Address, BrokerRig

SPEED = 5.0
"""How much faster the engine's time passes: it gives a submit 10 seconds, and an order up for lost after 40."""
SETTLED_SECONDS = 30.0
"""How long the last doubt may take to go, on the machine's time."""

_numbers = itertools.count(1)


class Session:
    """An engine that runs, and the venue beside it."""

    def __init__(self, rig: BrokerRig, engine: LiveEngine) -> None:
        self.rig = rig
        self.engine = engine
        self._broker = DeskBroker(self.core.desk, engine.parts.run_id, f"kit {next(_numbers)}")
        self._losses = self.core.connection.losses

    @property
    def core(self) -> Core:
        """The engine's works."""
        if self.engine.core is None:
            raise NotConformant("the engine has not been built")
        return self.engine.core

    def buy(self, **given: Any) -> Order:
        """Decide on an order, as a strategy does, and return it. Raises NotConformant when it is refused here."""
        broker = self.engine.parts.broker
        if broker is not None:
            given = {"time_in_force": usual_time_in_force(broker)} | given
        order = self._broker.submit_order(self.rig.symbol, given.pop("quantity", QUANTITY), **given)
        if order.state is OrderState.REJECTED:
            raise NotConformant(f"core refused the order: {order.reason}")
        return order

    def rest(self) -> Order:
        """Decide on an order that trades only when the venue is told so."""
        return self.buy(order_type="limit", limit_price=PRICE * 0.9)

    def now(self, order: Order) -> Order:
        """Return an order as it stands."""
        return self.core.desk.orders.get(order.order_id) or order

    async def until_ready(self) -> None:
        """Wait until orders can be sent."""
        seconds = max(SETTLED_SECONDS, self.rig.patience * 3)
        await until(lambda: self.core.connection.ready, "the connection has to stand again", seconds)
        self._losses = self.core.connection.losses

    async def until_down(self) -> None:
        """Wait until the line was lost since it was last waited for; an adapter may have connected again by then."""
        seconds = found_dead(self.rig.patience)
        await until(lambda: self.core.connection.losses > self._losses, "the loss of the line has to be noticed", seconds)

    async def until_state(self, order: Order, *states: OrderState) -> Order:
        """Wait until an order is in one of these states, and return it."""
        what = f"the order has to become {' or '.join(states)}"
        try:
            await until(lambda: self.now(order).state in states, what, SETTLED_SECONDS)
        except NotConformant as error:
            raise NotConformant(f"{error}; it is {self.now(order).state} ({self.now(order).reason})") from error
        return self.now(order)

    async def until_settled(self) -> None:
        """Wait until no order is open here but those that work at the venue, and the books are the venue's."""
        await until(lambda: not self._unsettled(), "every order has to be settled", SETTLED_SECONDS)
        await until(lambda: not self.differences(), "the books have to be the venue's", SETTLED_SECONDS)

    def _unsettled(self) -> list[Order]:
        certain = {OrderState.WORKING, OrderState.PARTIALLY_FILLED}
        return [order for order in self.core.desk.orders.open_orders if order.state not in certain]

    def differences(self) -> list[str]:
        """Return where the books of the engine are not the venue's."""
        desk, venue = self.core.desk, self.rig.venue
        ours = {symbol: position.quantity for symbol, position in desk.portfolio.positions.items()}
        theirs = {symbol: quantity for symbol, quantity in venue.positions().items() if quantity}
        return [] if ours == theirs else [f"held here {ours}, at the venue {theirs}"]


@asynccontextmanager
async def session(
    rig: BrokerRig, *, address: Address | None = None, mode: Mode | None = None, hold: bool = False
) -> AsyncIterator[Session]:
    """Run the real engine with a new adapter, on hurried time and a journal of its own; check the journal afterwards.

    `mode` is the kind of account that the adapter declares, a paper one where it can choose.
    """
    for symbol in (rig.symbol, rig.second_symbol):
        rig.venue.price(symbol, PRICE)
    rig.venue.hold(hold)
    broker = rig.broker(address=address)
    mode = mode or ("paper" if "paper" in broker.capabilities.kinds else "live")
    with tempfile.TemporaryDirectory() as folder:
        engine = LiveEngine(
            None,
            broker,
            _Quiet(rig.symbol, rig.second_symbol),
            risk=LiveRiskConfig.without_limits(mode),
            state_dir=Path(folder),
            name="conformance",
            clock=HurriedClock(SPEED),
            settings=EngineSettings(
                silence_seconds=36_000.0, reconnect_first_seconds=0.1, reconnect_max_seconds=2.0, blocked_after_seconds=60.0
            ),
        )
        await engine.connect()
        running = asyncio.get_running_loop().create_task(engine.serve(), name="engine")
        try:
            yield Session(rig, engine)
        finally:
            await engine.stop()
            await within(running, "the engine that was stopped", 60.0)
        if mode != "shadow":
            check_journal(engine.state_folder.journal, rig)


def check_journal(journal: Path, rig: BrokerRig) -> None:
    """Raise NotConformant when the journal and the venue's books do not tell the same story of orders and executions."""
    faults = [str(problem) for problem in verify(journal)]
    with JournalReader(journal) as reader:
        orders = {order.order_id: order for order in reader.orders()}
        fills = list(effective(reader.fills()))
    there: dict[str, list[Order]] = {}
    for order in rig.venue.orders():
        there.setdefault(order.order_id, []).append(order)
    for order_id, order in orders.items():
        faults += _order_faults(order, there.get(order_id, []))
    faults += [f"the venue has {order_id}, which was never decided" for order_id in there.keys() - orders.keys()]
    faults += _fill_faults(fills, rig.venue.fills(), lambda fill: fill.order_id)
    if faults:
        raise NotConformant(f"the journal and the venue's books differ: {'; '.join(faults)}")


def _order_faults(order: Order, there: list[Order]) -> list[str]:
    live = [each for each in there if each.is_open or each.filled_quantity]
    if len(live) > 1 and order.amendment is None:
        return [f"{order.order_id} is at the venue {len(live)} times"]
    if not there and order.code not in {NEVER_REACHED, UNSENT} and order.state is not OrderState.REJECTED:
        return [f"{order.order_id} is {order.state} here, and the venue never had it"]
    if there and order.state is OrderState.REJECTED and live:
        return [f"{order.order_id} is rejected here ({order.reason}), and {live[0].state} at the venue"]
    return []


def _fill_faults(ours: list[Fill], theirs: Any, key: Callable[[Fill], str]) -> list[str]:
    def sums(fills: Any) -> dict[str, float]:
        total: dict[str, float] = {}
        for fill in fills:
            total[key(fill)] = round(total.get(key(fill), 0.0) + fill.quantity, 9)
        return total

    here, there = sums(ours), sums(theirs)
    return [
        f"{order_id} has traded {here.get(order_id, 0.0):g} here, {there.get(order_id, 0.0):g} at the venue"
        for order_id in here.keys() | there.keys()
        if here.get(order_id) != there.get(order_id)
    ]


class _Quiet:
    """A feed of a market in which nothing happens."""

    historical = False

    def __init__(self, *symbols: str) -> None:
        self.symbols: Sequence[str] = symbols

    async def run(self, sink: Sink) -> None:
        """Wait until cancelled."""
        await asyncio.get_running_loop().create_future()
