"""The real desk, gate and journal against a plain model, whatever is asked, answered, lost, repeated and restarted."""

from __future__ import annotations

import tempfile
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from ml4t.live.clock import DataClock
from ml4t.live.contracts import BrokerCapabilities, OrderUpdate
from ml4t.live.engine.recovery import restore_books
from ml4t.live.journal import Journal
from ml4t.live.market import MarketState
from ml4t.live.model import Fill, OrderState, OrderType, TimeInForce, Trade
from ml4t.live.orders.book import OrderBook
from ml4t.live.orders.desk import Desk
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.orders.states import NEVER_REACHED
from ml4t.live.portfolio import Portfolio
from ml4t.live.risk.books import Books
from ml4t.live.risk.checks import standard_checks
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.risk.gate import RiskGate
from ml4t.live.risk.latches import Latches
from ml4t.live.risk.loss import LossWatch
from ml4t.live.risk.switch import Connection, Switch

SECOND = 1_000_000_000
NOON = 1_700_000_000 * SECOND
CASH = 100_000.0
S = OrderState

PER_MINUTE, OPEN, SHARES, POSITION = 5, 5, 12.0, 20.0
LIMITS = LiveRiskConfig(
    max_orders_per_minute=PER_MINUTE,
    max_open_orders=OPEN,
    max_order_shares=SHARES,
    max_position_shares=POSITION,
    dedup_window_seconds=1.0,
    **dict.fromkeys(
        [
            "max_position_value",
            "max_positions",
            "max_total_exposure",
            "max_order_value",
            "max_daily_loss",
            "max_drawdown_pct",
            "max_price_deviation_pct",
            "max_data_staleness_seconds",
        ]
    ),
)


class MovableClock(DataClock):
    """A wall clock that can be set, beside time that only passes."""

    def __init__(self):
        super().__init__()
        self.wall = NOON

    def now(self):
        return self.wall


@attrs.define
class Order:
    """An order as the model and the venue know it."""

    order_id: str
    symbol: str
    sign: int
    quantity: float
    at_venue: bool = False
    filled: float = 0.0
    is_open: bool = True
    unknown: bool = False

    @property
    def left(self):
        return self.quantity - self.filled


class Process:
    """What dies with a process: everything but the journal."""

    outside = True

    def __init__(self, journal, clock, *, connected, killed):
        self.switch, self.connection, losses = Switch(), Connection(), LossWatch(LIMITS)
        if connected:
            self.connection.up()
        self.market, portfolio = MarketState(), Portfolio(CASH)
        books = Books(self.market, portfolio, OrderBook())
        self.sent = []
        self.desk = Desk(
            gate=RiskGate(standard_checks(LIMITS, self.switch, self.connection, losses, clock), clock, budget_ms=30_000.0),
            books=books,
            losses=losses,
            clock=clock,
            record=journal.append,
            on_loop=lambda action: action(),
            find_fill=lambda key: journal.fill(*key),
        )
        self.desk.executor = self
        self.capabilities = BrokerCapabilities(
            order_types=frozenset(OrderType), times_in_force=frozenset(TimeInForce), fractional=True
        )
        restore_books(journal, self.desk, losses, self.switch, Latches(LIMITS))
        if killed:
            self.switch.throw("test", by="ann", at=clock.now())
        self.broker = DeskBroker(self.desk, "run", "strategy")

    def submit(self, order):
        self.sent.append(order.order_id)

    def cancel(self, order):
        pass


class Trading(RuleBasedStateMachine):
    """Lists and loops on one side, the desk on the other."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.clock = MovableClock()
        self.journal = Journal(Path(self.folder.name) / "journal.sqlite3", self.clock, inline=True, durability="none").open()
        self.orders, self.fills, self.passed, self.sent = [], [], [], []
        self.cash, self.held = CASH, {"A": 0.0, "B": 0.0}
        self.latest, self.asked, self.decisions = 0, [0], 0
        self.connected, self.killed = True, False
        self.start()

    def start(self):
        self.process = Process(self.journal, self.clock, connected=self.connected, killed=self.killed)
        for symbol in self.held:
            self.process.market.apply(Trade(symbol, NOON, 100.0, 1.0), NOON)

    def teardown(self):
        if hasattr(self, "journal"):
            self.journal.close()
            self.folder.cleanup()

    # ------------------------------------------------------------------ the model

    def open(self, symbol=None, sign=None):
        return [o for o in self.orders if o.is_open and symbol in {None, o.symbol} and sign in {None, o.sign}]

    def verdict(self, symbol, sign, quantity, what, now):  # noqa: PLR0911 - one line a limit, as plain as can be
        if self.killed:
            return "kill_switch"
        if not self.connected:
            return "venue_not_ready"
        if any(w == what and at > now - SECOND for at, w in self.passed):
            return "duplicate_order"
        if sum(at > now - 60 * SECOND for at, _ in self.passed) >= PER_MINUTE:
            return "max_orders_per_minute"
        held = self.held[symbol]
        same_side = sum(o.left for o in self.open(symbol, sign))
        if held * sign < 0 and same_side + quantity <= abs(held):
            return ""  # it can only bring the position nearer zero
        if len(self.open()) >= OPEN:
            return "max_open_orders"
        if quantity > SHARES:
            return "max_order_shares"
        if abs(held + sign * (same_side + quantity)) > POSITION:
            return "max_position_shares"
        return ""

    def tick(self):
        """The time of decisions never runs backwards, also when something else than a decision has moved it."""
        self.latest = max(self.latest, self.clock.now())

    # ------------------------------------------------------------------ what a strategy does

    @rule(symbol=st.sampled_from("AB"), sign=st.sampled_from([1, -1]), quantity=st.integers(1, 13), limit=st.booleans())
    def submit(self, symbol, sign, quantity, limit):
        self.tick()
        self.asked.append(self.latest)
        what = (symbol, sign, quantity, limit)
        expected = self.verdict(symbol, sign, float(quantity), what, self.latest)
        self.decisions += 1
        self.process.broker.decide(NOON + self.decisions)
        terms = {"order_type": "limit", "limit_price": 100.0} if limit else {}
        order = self.process.broker.submit_order(symbol, sign * quantity, **terms)
        assert order.code == expected, order.reason
        if not expected:
            self.passed.append((self.latest, what))
            self.orders.append(Order(order.order_id, symbol, sign, float(quantity)))
            self.sent.append(order.order_id)

    @precondition(lambda self: self.open())
    @rule(data=st.data())
    def cancel(self, data):
        order = data.draw(st.sampled_from(self.open()))
        self.tick()
        assert self.process.broker.cancel_order(order.order_id)
        if data.draw(st.booleans()) and order.at_venue:
            order.is_open = order.at_venue = False
            self.say(order, S.CANCELLED, filled=order.filled)

    # ------------------------------------------------------------------ what the venue does

    def say(self, order, state, *, filled=None, code=""):
        update = OrderUpdate(order.order_id, state, self.clock.now(), "v1", filled_quantity=filled, code=code)
        self.process.desk.order(update)

    def waiting(self):
        return [o for o in self.open() if not o.at_venue]

    @precondition(lambda self: self.waiting())
    @rule(data=st.data(), answer=st.sampled_from(["ack", "ack", "ack", "reject", "lost ack", "lost request"]))
    def answer(self, data, answer):
        order = data.draw(st.sampled_from(self.waiting()))
        if order.unknown:
            return
        if answer == "reject":
            order.is_open = False
            self.say(order, S.REJECTED, code="no_credit")
            return
        order.at_venue = answer != "lost request"
        order.unknown = answer.startswith("lost")
        self.say(order, S.UNKNOWN if order.unknown else S.WORKING)

    @precondition(lambda self: any(o.unknown for o in self.open()))
    @rule(data=st.data())
    def find(self, data):
        order = data.draw(st.sampled_from([o for o in self.open() if o.unknown]))
        order.unknown = False
        if order.at_venue:
            self.say(order, S.WORKING)
        else:
            order.is_open = False
            self.say(order, S.CANCELLED, code=NEVER_REACHED)

    @precondition(lambda self: any(o.at_venue for o in self.open()))
    @rule(
        data=st.data(),
        all_of_it=st.sampled_from([True, True, False]),
        price=st.integers(90, 110),
        fee=st.integers(0, 1),
        lost=st.sampled_from([False, False, True]),
    )
    def fill(self, data, all_of_it, price, fee, lost):
        order = data.draw(st.sampled_from([o for o in self.open() if o.at_venue]))
        part = order.left if all_of_it else min(order.left, 1.0)
        fill = Fill(
            f"x{len(self.fills) + 1}",
            order.order_id,
            order.symbol,
            "buy" if order.sign > 0 else "sell",
            part,
            float(price),
            self.clock.now(),
            float(fee),
            "venue",
            "account",
        )
        fill = attrs.evolve(fill, side=self.process.desk.orders.get(order.order_id).side)
        self.fills.append([fill, not lost])
        if not lost:
            self.book(order, fill)

    def book(self, order, fill):
        self.tick()
        order.filled += fill.quantity
        order.unknown = False
        self.cash -= order.sign * fill.quantity * fill.price + fill.commission
        self.held[order.symbol] += order.sign * fill.quantity
        if order.left <= 0:
            order.is_open = order.at_venue = False
        self.process.desk.fill(fill)

    @precondition(lambda self: self.fills)
    @rule(data=st.data())
    def tell_again(self, data):
        """A fill comes twice, or late because the stream had lost it."""
        entry = data.draw(st.sampled_from(self.fills))
        fill, booked = entry
        order = next(o for o in self.orders if o.order_id == fill.order_id)
        if booked:
            self.process.desk.fill(fill)
        elif order.is_open and fill.quantity <= order.left:
            entry[1] = True
            self.book(order, fill)

    @precondition(lambda self: any(booked and not fill.commission for fill, booked in self.fills))
    @rule(data=st.data(), fee=st.integers(1, 3), times=st.integers(1, 3))
    def tell_the_fee(self, data, fee, times):
        entry = data.draw(st.sampled_from([entry for entry in self.fills if entry[1] and not entry[0].commission]))
        entry[0] = attrs.evolve(entry[0], commission=float(fee))
        self.cash -= fee
        for _ in range(times):
            self.process.desk.fill(entry[0])

    # ------------------------------------------------------------------ what the world does

    @rule(seconds=st.sampled_from([0.4, 2.0, 20.0, 61.0, -30.0]))
    def pass_time(self, seconds):
        self.clock.wall += round(seconds * SECOND)
        self.clock.advance(self.clock.monotonic() + max(0, round(seconds * SECOND)))

    @rule(symbol=st.sampled_from("AB"), price=st.integers(80, 120))
    def mark(self, symbol, price):
        self.process.desk.mark(symbol, float(price))

    @rule(connected=st.sampled_from([True, True, True, False]))
    def line(self, connected):
        self.connected = connected
        self.process.connection.up() if connected else self.process.connection.down("the line is down")

    @rule(killed=st.sampled_from([False, False, False, True]))
    def switch(self, killed):
        self.killed = killed
        if killed:
            self.process.switch.throw("test", by="ann", at=self.clock.now())
        else:
            self.process.switch.rearm("test", by="ann", at=self.clock.now())

    @rule()
    def restart(self):
        """The process ends and another one begins: what was on its way to the venue is in doubt."""
        self.journal.flush()
        self.latest = max(self.asked)
        self.start()
        self.process.desk.doubt("the process ended")
        for order in self.waiting():
            order.unknown = True
            order.at_venue = True  # it had been handed over, and arrives

    # ------------------------------------------------------------------ what must hold

    @invariant()
    def quantity_and_cash_are_conserved(self):
        if not hasattr(self, "process"):
            return
        portfolio = self.process.desk.portfolio
        assert portfolio.cash == pytest.approx(self.cash)
        assert {s: portfolio.quantity(s) for s in self.held} == pytest.approx(self.held)

    @invariant()
    def every_order_is_known_for_what_it_is(self):
        if not hasattr(self, "process"):
            return
        book = self.process.desk.orders
        assert {o.order_id for o in book.open_orders} == {o.order_id for o in self.open()}
        for order in self.orders:
            known = book.get(order.order_id)
            assert known.filled_quantity == pytest.approx(order.filled)
            assert (known.state is S.UNKNOWN) == (order.unknown and order.is_open)

    @invariant()
    def no_limit_is_exceeded_counting_all_that_may_still_trade(self):
        if not hasattr(self, "process"):
            return
        for symbol, held in self.held.items():
            for sign in (1, -1):
                assert sign * held + sum(o.left for o in self.open(symbol, sign)) <= POSITION + 1e-9

    @invariant()
    def nothing_leaves_twice(self):
        if hasattr(self, "process"):
            assert len(set(self.sent)) == len(self.sent)
            assert set(self.process.sent) <= set(self.sent)


def test_the_desk_is_what_a_plain_model_says():
    checks = settings(
        max_examples=250, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    run_state_machine_as_test(Trading, settings=checks)
