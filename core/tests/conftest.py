from __future__ import annotations

import pytest

from ml4t.live.clock import DataClock
from ml4t.live.contracts import BrokerCapabilities
from ml4t.live.journal import RecordKind
from ml4t.live.market import MarketState
from ml4t.live.model import Fill, OrderType, TimeInForce, Trade
from ml4t.live.orders.book import RECENT, OrderBook
from ml4t.live.orders.desk import Desk
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.portfolio import Portfolio
from ml4t.live.risk.books import Books
from ml4t.live.risk.checks import standard_checks
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.risk.gate import RiskGate
from ml4t.live.risk.loss import LossWatch
from ml4t.live.risk.switch import Connection, Switch

SECOND = 1_000_000_000
NOON = 1_700_000_000 * SECOND

NO_LIMITS = dict.fromkeys(
    [
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
    ]
)


class Tape:
    """A recorder that keeps what it is told; while `held`, nothing becomes durable before `release`."""

    def __init__(self) -> None:
        self.lines = []
        self.held = False
        self.waiting = []

    def __call__(self, kind, subject, body, *, state=(), on_durable=None, also=()):
        self.lines.append((kind, subject, body, tuple(state)))
        self.lines += [(*each, ()) for each in also]
        if on_durable is not None:
            if self.held:
                self.waiting.append(on_durable)
            else:
                on_durable()
        return len(self.lines)

    def release(self):
        waiting, self.waiting = self.waiting, []
        for tell in waiting:
            tell()

    def bodies(self, kind):
        return [body for k, _, body, _ in self.lines if k is RecordKind(kind)]


class Wire:
    """An executor that notes what leaves."""

    outside = True

    def __init__(self) -> None:
        self.capabilities = BrokerCapabilities(
            order_types=frozenset(OrderType),
            times_in_force=frozenset(TimeInForce),
            replace=True,
            fractional=True,
            brackets=True,
            oco=True,
        )
        self.sent = []
        self.linked = []
        self.cancels = []
        self.amendments = []

    def submit(self, order):
        self.sent.append(order)

    def submit_linked(self, orders):
        self.linked.append(orders)

    def cancel(self, order):
        self.cancels.append(order)

    def replace(self, order):
        self.amendments.append(order)


class Room:
    """Real books, gate and desk on the data's clock; only the venue is a list."""

    def __init__(self, cash=100_000.0, *, clock=None, tape=None, checks=(), recent=RECENT, **limits):
        self.clock = clock or DataClock()
        if clock is None:
            self.clock.advance(NOON)
        self.limits = LiveRiskConfig(**{**NO_LIMITS, **limits})
        self.market = MarketState()
        self.portfolio = Portfolio(cash)
        self.orders = OrderBook(recent)
        self.books = Books(self.market, self.portfolio, self.orders)
        self.switch, self.connection, self.losses = Switch(), Connection(), LossWatch(self.limits)
        self.connection.up()
        self.losses.roll(self.clock.now(), cash)
        self.tape = tape or Tape()
        standard = standard_checks(self.limits, self.switch, self.connection, self.losses, self.clock)
        # Half a minute: a machine that is busy with something else must not refuse an order here.
        self.gate = RiskGate([*standard, *checks], self.clock, budget_ms=30_000.0)
        self.journalled = {}
        self.desk = Desk(
            gate=self.gate,
            books=self.books,
            losses=self.losses,
            clock=self.clock,
            record=self.tape,
            on_loop=lambda action: action(),
            find_fill=lambda key: self.journalled.get(key[-1]),
        )
        self.wire = self.desk.executor = Wire()
        self.broker = DeskBroker(self.desk, "run", "strategy")
        self._executions = 0

    def price(self, symbol, price, *, at=None):
        now = self.clock.now() if at is None else at
        state = self.market.apply(Trade(symbol, now, price, 1.0), self.clock.now())
        assert state is not None
        self.desk.mark(symbol, price)

    def wait(self, seconds):
        self.clock.advance(self.clock.now() + round(seconds * SECOND))

    def fill(self, order, quantity=None, price=100.0, *, commission=0.0, execution_id=None, corrects=""):
        self._executions += 1
        quantity = self.orders.get(order.order_id).remaining if quantity is None else quantity
        fill = Fill(
            execution_id or f"x{self._executions}",
            order.order_id,
            order.symbol,
            order.side,
            quantity,
            price,
            self.clock.now(),
            commission,
            "venue",
            "account",
            corrects=corrects,
        )
        self.desk.fill(fill)
        return fill


@pytest.fixture(scope="session")
def room():
    """The class `Room`: `room(max_order_value=5_000)` switches on the limits that it names, and no others."""
    return Room


@pytest.fixture(scope="session")
def noon():
    return NOON
