"""From a decision to the wire and back: nothing leaves unchecked, unwritten or twice, and nothing that comes back is lost."""

from __future__ import annotations

import math
import threading
import time
from functools import partial

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.clock import DataClock, SystemClock
from ml4t.live.contracts import BrokerCapabilities, OrderUpdate
from ml4t.live.errors import JournalError
from ml4t.live.journal import Journal, RecordKind
from ml4t.live.model import ALLOW, Account, Fill, Order, OrderSide, OrderState
from ml4t.live.orders.desk import position_lines

S = OrderState


@pytest.fixture
def desk(room):
    desk = room()
    desk.price("A", 100.0)
    return desk


def order(order_id="o1", symbol="A", side="buy", quantity=10.0, **rest):
    return Order(order_id, symbol, OrderSide(side), quantity, **rest)


# --- submitting ----------------------------------------------------------------------------------------------------------


def test_an_order_is_checked_written_and_sent(desk):
    sent = desk.desk.submit(order())
    assert sent.state is S.SENT
    assert desk.wire.sent == [sent]
    assert desk.orders.get("o1") is sent
    [(kind, subject, body, _)] = desk.tape.lines
    assert (kind, subject, body.state) == (RecordKind.INTENT, "o1", S.INTENT)
    assert desk.orders.submitted_since(-1) == 1


def test_the_same_id_twice_is_sent_once(desk):
    first = desk.desk.submit(order())
    assert desk.desk.submit(order(quantity=99.0)) is first
    desk.fill(first)
    assert desk.desk.submit(order()).state is S.FILLED
    assert desk.desk.force(order()).state is S.FILLED
    assert len(desk.wire.sent) == 1
    assert len(desk.tape.bodies("intent")) == 1


def test_a_refusal_leaves_nothing_behind_but_its_records(room):
    desk = room(max_order_value=500.0)
    desk.price("A", 100.0)
    refused = desk.desk.submit(order())
    assert (refused.state, refused.code, refused.is_open) == (S.REJECTED, "max_order_value", False)
    assert (refused.verdict.check, refused.verdict.limit, refused.verdict.value) == ("max_order_value", 500.0, 1_000.0)
    assert desk.orders.open_count == desk.orders.submitted_since(-1) == 0
    assert desk.orders.working("A") == (0.0, 0.0)
    assert desk.wire.sent == []
    assert [(kind.value, body) for kind, _, body, _ in desk.tape.lines] == [("verdict", refused.verdict), ("order", refused)]
    assert desk.desk.submit(order("o2", quantity=5.0)).state is S.SENT


class Witness:
    """An executor that looks into the journal's file before it sends."""

    outside = True

    def __init__(self, journal, capabilities) -> None:
        self.capabilities = capabilities
        self.journal = journal
        self.seen = []

    def submit(self, order):
        self.journal.flush()
        written = self.journal.order(order.order_id)
        assert written is not None, "sent before it was written"
        assert written.state is S.INTENT
        self.seen.append(order.order_id)

    def cancel(self, order):
        raise AssertionError("nothing is cancelled here")


@pytest.mark.parametrize("durability", ["none", "write"])
def test_the_intent_is_in_the_journal_before_the_executor_sees_the_order(room, tmp_path, durability):
    clock = DataClock()
    clock.advance(1_000)
    with Journal(tmp_path / "journal.sqlite3", clock, durability=durability, inline=True) as journal:
        desk = room(clock=clock, tape=journal.append)
        witness = desk.desk.executor = Witness(journal, desk.wire.capabilities)
        for number in range(5):
            desk.desk.submit(order(f"o{number}"))
        journal.flush()
        assert witness.seen == [f"o{number}" for number in range(5)]


def test_an_order_is_not_sent_before_its_intent_is_durable(desk):
    desk.tape.held = True
    waiting = desk.desk.submit(order())
    assert waiting.state is S.INTENT
    assert waiting.is_open
    assert desk.orders.working("A") == (10.0, 0.0)
    assert desk.wire.sent == []
    desk.tape.release()
    assert [o.state for o in desk.wire.sent] == [S.SENT]
    assert desk.orders.get("o1").state is S.SENT


def test_a_cancel_before_the_order_was_sent_keeps_it_from_leaving(desk):
    desk.tape.held = True
    desk.desk.submit(order())
    assert desk.desk.cancel("o1")
    assert desk.orders.get("o1").state is S.CANCELLED
    desk.tape.release()
    assert desk.wire.sent == desk.wire.cancels == []
    assert not desk.desk.cancel("o1")
    assert [body.state for body in desk.tape.bodies("order")] == [S.CANCELLED]


def test_a_cancel_of_a_working_order_goes_to_the_venue(desk):
    sent = desk.desk.submit(order())
    assert desk.desk.cancel("o1")
    assert desk.wire.cancels == [sent]
    assert desk.orders.get("o1").is_open
    desk.desk.order(OrderUpdate("o1", S.CANCELLED, 5))
    assert desk.orders.get("o1").state is S.CANCELLED
    assert not desk.desk.cancel("unheard-of")


def test_what_the_journal_does_not_take_is_not_sent_and_reserves_nothing(desk):
    def full(*_, **__):
        raise JournalError("1 records wait for the disk, which refuses them")

    desk.desk._record = full
    refused = desk.desk.submit(order())
    assert (refused.state, refused.code, refused.verdict.check) == (S.REJECTED, "journal_failed", "journal")
    assert desk.wire.sent == []
    assert desk.orders.open_count == desk.orders.submitted_since(-1) == 0


def test_a_journal_that_fails_after_the_order_has_left_does_not_deny_it(desk):
    tape = desk.tape

    def failing(kind, *rest, **options):
        if kind is RecordKind.ORDER:
            raise JournalError("full")
        return tape(kind, *rest, **options)

    class Answering:
        capabilities, outside = desk.wire.capabilities, True

        def submit(self, sent):
            desk.desk.order(OrderUpdate(sent.order_id, S.WORKING, 5))

    desk.desk._record = desk.desk.keeper._record = failing
    desk.desk.executor = Answering()
    with pytest.raises(JournalError):
        desk.desk.submit(order())
    assert desk.orders.get("o1").state is S.WORKING


@pytest.mark.parametrize(
    ("capabilities", "request_", "code"),
    [
        ({"order_types": frozenset()}, {}, "unsupported_order_type"),
        ({"times_in_force": frozenset()}, {}, "unsupported_time_in_force"),
        ({"fractional": False}, {"quantity": 1.5}, "unsupported_fraction"),
        ({"shorts": False}, {"side": "sell", "quantity": 6.0}, "unsupported_short"),
        ({"shorts": False}, {"symbol": "B", "side": "sell", "quantity": 1.0}, "unsupported_short"),
    ],
)
def test_what_the_venue_cannot_do_is_refused_here(desk, capabilities, request_, code):
    desk.fill(desk.desk.submit(order("held", quantity=5.0)))
    able = attrs.evolve(desk.wire.capabilities, **capabilities)
    desk.wire.capabilities = able
    refused = desk.desk.submit(order(**request_))
    assert (refused.state, refused.code, refused.verdict.check) == (S.REJECTED, code, "venue")
    assert len(desk.wire.sent) == 1


def test_selling_what_is_held_or_being_bought_is_no_short(desk):
    desk.fill(desk.desk.submit(order("held", quantity=0.1 + 0.2)))
    desk.desk.submit(order("buying", quantity=5.0, limit_price=90.0))
    desk.wire.capabilities = BrokerCapabilities(shorts=False, fractional=True)
    assert desk.desk.submit(order("s", side="sell", quantity=5.3)).state is S.SENT
    assert desk.desk.submit(order("t", side="sell", quantity=0.1)).code == "unsupported_short"


def test_without_a_venue_every_order_is_refused(desk):
    desk.desk.executor = None
    assert desk.desk.submit(order()).code == "no_venue"


def test_force_goes_past_the_gate_and_through_the_journal(room):
    desk = room(max_order_value=1.0)
    assert desk.desk.force(order()).state is S.SENT
    assert desk.tape.bodies("intent")[0].order_id == "o1"


def test_the_time_of_decisions_never_runs_backwards(room):
    class Jumping(SystemClock):
        times = iter([50, 70, 20, 60, 90])

        def now(self):
            return next(self.times)

    desk = room(clock=Jumping())
    assert [desk.desk.now() for _ in range(4)] == [70, 70, 70, 90]


class Yielding:
    """A check that lets other threads run between the limits' answers and the booking of the order."""

    def check(self, order, view):
        time.sleep(0)
        return ALLOW


def test_threads_that_submit_at_once_never_exceed_a_limit(room):
    desk = room(max_position_shares=50, max_orders_per_minute=40, max_open_orders=30, checks=[("yielding", Yielding())])
    desk.price("A", 100.0)
    desk.price("B", 100.0)
    barrier = threading.Barrier(8)

    def work(name):
        barrier.wait()
        for number in range(40):
            desk.desk.submit(order(f"{name}-{number}", "AB"[number % 2], quantity=3.0, created_at=desk.clock.now()))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.wire.sent) == desk.orders.open_count == 30
    assert max(*desk.orders.working("A"), *desk.orders.working("B")) <= 50
    assert len(desk.tape.bodies("verdict")) == 8 * 40 - 30


# --- what the venue says -------------------------------------------------------------------------------------------------


def test_a_fill_is_booked_once_for_each_venue_account_and_execution(desk):
    sent = desk.desk.submit(order())
    fill = desk.fill(sent, 2.0, execution_id="e1")
    desk.desk.fill(fill)
    desk.desk.fill(attrs.evolve(fill, price=1.0))
    assert desk.portfolio.quantity("A") == 2.0
    desk.desk.fill(attrs.evolve(fill, account="another"))
    desk.desk.fill(attrs.evolve(fill, venue="another"))
    assert desk.portfolio.quantity("A") == 6.0
    assert desk.orders.get("o1").filled_quantity == 6.0
    assert len(desk.tape.bodies("fill")) == 3


def test_a_fill_of_an_order_nobody_knows_is_still_money(desk):
    desk.desk.fill(Fill("e1", "foreign", "B", OrderSide.SELL, 5.0, 20.0, 1, 0.5))
    assert desk.portfolio.quantity("B") == -5.0
    assert desk.portfolio.cash == 100_000 + 100 - 0.5
    kind, subject, _, state = desk.tape.lines[-2]
    assert (kind, subject) == (RecordKind.FILL, "e1")
    assert [(put.bucket, put.key) for put in state] == [
        ("position", "B"),
        ("account", "books"),
        ("tally", "/B"),
        ("risk", "tallies"),
    ]


def test_a_fill_from_before_memory_is_looked_up_in_the_journal(room):
    desk = room(recent=1)
    sent = desk.desk.submit(order())
    first = desk.fill(sent)
    for number in range(5):
        desk.fill(desk.desk.submit(order(f"later{number}")))
    desk.journalled[first.execution_id] = first
    before = desk.portfolio.quantity("A")
    desk.desk.fill(first)
    assert desk.portfolio.quantity("A") == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"execution_id": ""},
        *[{name: bad} for name in ("quantity", "price", "commission") for bad in (math.nan, math.inf)],
        {"quantity": 0.0},
        {"quantity": -1.0},
    ],
    ids=repr,
)
def test_a_fill_that_cannot_be_booked_is_an_error_on_record(desk, wrong):
    desk.desk.submit(order())
    desk.desk.fill(attrs.evolve(Fill("e1", "o1", "A", OrderSide.BUY, 1.0, 100.0, 1), **wrong))
    assert desk.portfolio.cash == desk.portfolio.equity == 100_000.0
    assert desk.orders.get("o1").filled_quantity == 0.0
    [error] = desk.tape.bodies("error")
    assert error["fill"].order_id == "o1"
    desk.desk.fill(Fill("e1", "o1", "A", OrderSide.BUY, 1.0, 100.0, 1))
    assert desk.portfolio.quantity("A") == 1.0


def test_news_of_orders_is_recorded_and_old_news_is_not(desk):
    desk.desk.submit(order())
    for state in ("working", "working", "sent"):
        desk.desk.order(OrderUpdate("o1", S(state), 5, "v1"))
    desk.desk.order(OrderUpdate("nobody", S.WORKING, 5))
    assert [body.state for body in desk.tape.bodies("order")] == [S.WORKING]
    desk.desk.account(Account("acc", "paper", "USD", 1.0, 1.0, 5))
    assert desk.tape.bodies("account")[0].account == "acc"


def test_a_timed_out_submit_is_unknown_counts_and_is_never_sent_again(room):
    desk = room(max_position_shares=15)
    desk.price("A", 100.0)
    desk.desk.submit(order())
    desk.desk.order(OrderUpdate("o1", S.UNKNOWN, 5, reason="no answer"))
    assert desk.orders.working("A") == (10.0, 0.0)
    assert desk.desk.submit(order("o2")).code == "max_position_shares"
    assert desk.desk.submit(order()).state is S.UNKNOWN
    assert len(desk.wire.sent) == 1
    desk.desk.order(OrderUpdate("o1", S.REJECTED, 6, code="never_arrived"))
    assert desk.desk.submit(order("o3")).state is S.SENT


# --- losses --------------------------------------------------------------------------------------------------------------


def breaches(desk):
    heard = []
    desk.desk.keeper.on_breach = heard.append
    return heard


@pytest.mark.parametrize(("side", "price"), [("buy", 89.0), ("sell", 111.0)])
def test_a_breach_on_a_mark_is_told_once_and_holds_until_the_next_day(room, side, price):
    desk = room(max_daily_loss=1_000)
    heard = breaches(desk)
    desk.price("A", 100.0)
    desk.fill(desk.desk.submit(order(side=side, quantity=100.0)))
    for last in (price, price + 0.5, 100.0, price, 100.0):
        desk.wait(1)
        desk.price("A", last)
    assert heard == ["the account lost 1,100.00 today, and the limit is 1,000.00"]
    assert desk.desk.submit(order("o2", side=side)).code == "max_daily_loss"
    close = desk.broker.close_position("A")
    assert close.state is S.SENT
    desk.fill(close)
    desk.wait(86_400)
    assert desk.losses.roll(desk.clock.now(), desk.portfolio.equity)
    desk.price("A", 100.0)
    assert desk.desk.submit(order("o3", side=side, created_at=desk.clock.now())).state is S.SENT
    assert len(heard) == 1


def test_a_loss_that_a_fill_brings_is_noticed_too(room):
    desk = room(max_drawdown_pct=0.01)
    heard = breaches(desk)
    desk.price("A", 100.0)
    desk.fill(desk.desk.submit(order()), commission=1_500.0)
    assert heard == ["equity fell 1.50% from its high, and the limit is 1.00%"]


# --- restarts ------------------------------------------------------------------------------------------------------------


def test_what_was_open_submitted_and_filled_comes_back(room, noon):
    desk = room(max_orders_per_minute=3, dedup_window_seconds=60)
    desk.price("A", 100.0)
    part = Fill("e1", "o1", "A", OrderSide.BUY, 4.0, 100.0, 1, 0.0, "venue", "account")
    opened = order(state=S.PARTIALLY_FILLED, filled_quantity=4.0, average_price=100.0, created_at=noon)
    done = order("o2", quantity=7.0, state=S.FILLED, filled_quantity=7.0, created_at=noon)
    desk.desk.restore([opened], [done, opened], [part])
    assert desk.orders.open_orders == [opened]
    assert desk.orders.get("o2") == done
    desk.desk.fill(part)
    assert desk.portfolio.quantity("A") == 0.0
    assert desk.desk.submit(order("o3", created_at=noon)).code == "duplicate_order"
    assert desk.desk.submit(order("o4", quantity=1.0, created_at=noon)).state is S.SENT
    assert desk.desk.submit(order("o5", quantity=2.0, created_at=noon)).code == "max_orders_per_minute"


def test_a_refused_order_is_no_submitted_one_after_a_restart_either(room, tmp_path, noon):
    before = room(max_order_value=500.0)
    before.price("A", 100.0)
    refused = before.desk.submit(order(created_at=noon))
    with Journal(tmp_path / "j.sqlite3", SystemClock(), durability="write", inline=True) as journal:
        journal.append(RecordKind.ORDER, refused.order_id, refused)
        journal.flush()
        [read] = journal.orders()
    assert read == refused
    after = room(max_orders_per_minute=1, dedup_window_seconds=60)
    after.price("A", 100.0)
    after.desk.restore([], [read], [])
    assert after.desk.submit(order()).code == "max_order_value"
    assert after.desk.submit(order("o2", created_at=noon)).state is S.SENT


def test_no_window_reopens_when_the_clock_is_earlier_after_a_restart(room, noon):
    desk = room(dedup_window_seconds=1, max_orders_per_minute=2)
    desk.price("A", 100.0)
    earlier = order(created_at=noon + 3_600_000_000_000, state=S.FILLED)
    desk.desk.restore([], [earlier], [])
    assert desk.desk.now() == noon + 3_600_000_000_000
    assert desk.broker.submit_order("A", 10).code == "duplicate_order"
    assert desk.broker.submit_order("A", 11).state is S.SENT
    assert desk.broker.submit_order("A", 12).code == "max_orders_per_minute"


def test_a_crash_between_a_fill_and_its_orders_record_is_made_good(desk):
    whole = Fill("e1", "o1", "A", OrderSide.BUY, 10.0, 90.0, 7, 1.0, "venue", "account")
    part = Fill("e2", "o2", "A", OrderSide.BUY, 3.0, 91.0, 8, 0.0, "venue", "account")
    desk.desk.restore([order(state=S.WORKING), order("o2", state=S.WORKING)], [], [whole, part])
    assert [(o.order_id, o.state, o.filled_quantity) for o in desk.orders.open_orders] == [("o2", S.PARTIALLY_FILLED, 3.0)]
    filled = desk.orders.get("o1")
    assert (filled.state, filled.average_price, filled.commission) == (S.FILLED, 90.0, 1.0)
    assert [body.order_id for body in desk.tape.bodies("order")] == ["o1", "o2"]
    assert desk.portfolio.cash == 100_000.0


def test_position_lines_are_positions():
    [position] = position_lines({"A": {"symbol": "A", "quantity": -2.0, "average_price": 3.0}}).values()
    assert (position.quantity, position.market_value) == (-2.0, -6.0)


# --- anything ------------------------------------------------------------------------------------------------------------

steps = st.one_of(
    st.tuples(
        st.just("submit"), st.integers(0, 8), st.sampled_from("AB"), st.sampled_from(list(OrderSide)), st.floats(0.5, 20)
    ),
    st.tuples(st.just("fill"), st.integers(0, 8), st.integers(0, 12), st.floats(0.1, 15), st.floats(50, 150)),
    st.tuples(st.just("say"), st.integers(0, 8), st.sampled_from(list(OrderState))),
    st.tuples(st.just("cancel"), st.integers(0, 8)),
    st.tuples(st.just("release")),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=50), st.booleans())
def test_whatever_happens_each_order_leaves_once_and_each_execution_counts_once(room, script, held):
    desk = room()
    desk.tape.held = held
    executions = {}
    for step in script:
        match step:
            case ("submit", number, symbol, side, quantity):
                desk.desk.submit(order(str(number), symbol, side, quantity))
            case ("fill", number, execution, quantity, price):
                known = desk.orders.get(str(number))
                symbol, side = (known.symbol, known.side) if known else ("A", OrderSide.BUY)
                fill = Fill(f"e{execution}", str(number), symbol, side, quantity, price, 1)
                desk.desk.fill(fill)
                executions.setdefault(fill.execution_id, fill)
            case ("say", number, state):
                desk.desk.order(OrderUpdate(str(number), state, 1))
            case ("cancel", number):
                desk.desk.cancel(str(number))
            case ("release",):
                desk.tape.release()
    desk.tape.release()
    sent = [o.order_id for o in desk.wire.sent]
    intents = [o.order_id for o in desk.tape.bodies("intent")]
    assert len(set(sent)) == len(sent)
    assert len(set(intents)) == len(intents)
    assert set(sent) <= set(intents)
    for symbol in "AB":
        total = sum(f.signed_quantity for f in executions.values() if f.symbol == symbol)
        assert desk.portfolio.quantity(symbol) == pytest.approx(total, abs=1e-9)
        mine = partial(filter, lambda o, symbol=symbol: o.symbol == symbol)
        expected = [sum(o.remaining for o in mine(desk.orders.open_orders) if o.side is side) for side in OrderSide]
        assert desk.orders.working(symbol) == pytest.approx(tuple(expected), abs=1e-9)
    cash = 100_000 - sum(f.signed_quantity * f.price for f in executions.values())
    assert desk.portfolio.cash == pytest.approx(cash)
