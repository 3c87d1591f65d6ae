"""Executions that are corrected, taken back, completed by a late fee, or contradict what was known of their order."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.clock import DataClock
from ml4t.live.contracts import OrderUpdate
from ml4t.live.journal import Journal, JournalReader, RecordKind
from ml4t.live.model import Fill, OrderSide, OrderState
from ml4t.live.orders.executions import Executions, effective
from ml4t.live.portfolio import Portfolio

S = OrderState


@pytest.fixture
def desk(room):
    desk = room()
    desk.price("A", 100.0)
    return desk


def bought(desk, quantity=10.0):
    return desk.broker.submit_order("A", quantity)


def differences(desk):
    return [each for body in desk.tape.bodies("reconciliation") for each in body["differences"]]


def test_a_correction_takes_the_place_of_what_it_corrects(desk):
    order = bought(desk)
    desk.fill(order, 10.0, 100.0, commission=1.0, execution_id="x.01")
    desk.fill(order, 8.0, 99.0, commission=0.5, execution_id="x.02", corrects="x.01")
    assert desk.portfolio.cash == pytest.approx(100_000 - 8 * 99 - 0.5)
    assert desk.portfolio.quantity("A") == 8.0
    assert desk.portfolio.position("A").average_price == pytest.approx(99.0)
    now = desk.orders.get(order.order_id)
    assert (now.filled_quantity, now.average_price, now.commission) == (8.0, 99.0, 0.5)
    (difference,) = differences(desk)
    assert (difference["what"], difference["ours"], difference["venue"]) == ("corrected_fill", "10 at 100", "8 at 99")


def test_a_trade_that_is_taken_back_leaves_nothing(desk):
    order = bought(desk)
    desk.fill(order, 4.0, 100.0, commission=1.0, execution_id="x.01")
    desk.fill(order, 0.0, 0.0, execution_id="x.02", corrects="x.01")
    assert desk.portfolio.cash == pytest.approx(100_000)
    assert desk.portfolio.quantity("A") == 0.0
    now = desk.orders.get(order.order_id)
    assert (now.filled_quantity, now.average_price, now.is_open) == (0.0, None, True)


def test_both_reported_again_change_nothing(desk):
    order = bought(desk)
    first = desk.fill(order, 10.0, 100.0, execution_id="x.01")
    second = desk.fill(order, 8.0, 99.0, execution_id="x.02", corrects="x.01")
    before = (desk.portfolio.cash, desk.orders.get(order.order_id), len(desk.tape.lines))
    for again in (first, second, first):
        desk.desk.fill(again)
    assert (desk.portfolio.cash, desk.orders.get(order.order_id), len(desk.tape.lines)) == before


def test_a_correction_that_comes_before_what_it_corrects_stands_for_it(desk):
    order = bought(desk)
    desk.fill(order, 8.0, 99.0, execution_id="x.02", corrects="x.01")
    desk.fill(order, 10.0, 100.0, execution_id="x.01")
    assert desk.portfolio.quantity("A") == 8.0
    assert desk.orders.get(order.order_id).filled_quantity == 8.0


def test_a_fee_that_comes_later_completes_the_fill_once(desk):
    order = bought(desk)
    fill = desk.fill(order, 10.0, 100.0, execution_id="x1")
    whole = attrs.evolve(fill, commission=1.5)
    assert not desk.desk.keeper.knows(whole)
    for again in (whole, whole, fill):
        desk.desk.fill(again)
    assert desk.desk.keeper.knows(whole)
    assert desk.portfolio.cash == pytest.approx(100_000 - 1_000 - 1.5)
    assert desk.portfolio.commission == 1.5
    now = desk.orders.get(order.order_id)
    assert (now.state, now.filled_quantity, now.commission) == (S.FILLED, 10.0, 1.5)
    assert differences(desk) == []


def test_the_late_fee_of_a_corrected_fill_belongs_to_the_correction(desk):
    order = bought(desk)
    desk.fill(order, 10.0, 100.0, execution_id="x.01")
    corrected = desk.fill(order, 8.0, 99.0, execution_id="x.02", corrects="x.01")
    desk.desk.fill(attrs.evolve(corrected, commission=2.0))
    assert desk.portfolio.cash == pytest.approx(100_000 - 8 * 99 - 2.0)


def test_in_the_journal_one_fill_holds_after_a_fee_and_two_corrections_that_name_the_first(desk):
    order = bought(desk)
    first = desk.fill(order, 10.0, 100.0, execution_id="x.01")
    desk.desk.fill(attrs.evolve(first, commission=1.0))
    desk.fill(order, 8.0, 99.0, execution_id="x.02", corrects="x.01")
    desk.fill(order, 8.0, 98.0, execution_id="x.03", corrects="x.01")
    assert desk.portfolio.cash == pytest.approx(100_000 - 8 * 98.0)
    assert [fill.execution_id for fill in effective(desk.tape.bodies("fill"))] == ["x.03"]


@pytest.mark.parametrize("state", [S.CANCELLED, S.EXPIRED, S.REJECTED])
def test_a_fill_after_the_end_is_money_and_a_difference(desk, state):
    order = bought(desk)
    desk.desk.order(OrderUpdate(order.order_id, state, desk.clock.now(), reason="gone"))
    desk.fill(order, 3.0, 100.0)
    assert desk.portfolio.quantity("A") == 3.0
    assert desk.orders.get(order.order_id).state is state
    assert [each["what"] for each in differences(desk)] == ["late_fill"]


def test_more_than_was_ordered_is_money_and_a_difference(desk):
    order = bought(desk)
    desk.fill(order, 6.0)
    desk.fill(order, 6.0)
    assert desk.portfolio.quantity("A") == 12.0
    assert desk.orders.get(order.order_id).filled_quantity == 12.0
    assert desk.orders.get(order.order_id).state is S.FILLED
    assert [(each["what"], each["ours"]) for each in differences(desk)] == [("over_fill", "4 left")]


def test_a_fill_of_no_order_of_ours_is_money_and_a_difference(desk):
    desk.desk.fill(Fill("f1", "theirs", "A", OrderSide.BUY, 1.0, 100.0, 1, venue="venue", account="account"))
    assert [(each["what"], each["subject"]) for each in differences(desk)] == [("foreign_fill", "f1")]


def test_an_expected_fill_is_no_difference(desk):
    order = bought(desk)
    desk.fill(order, 10.0)
    assert differences(desk) == []


def test_what_was_corrected_is_found_in_the_journal_and_does_not_count_in_it(tmp_path):
    path = tmp_path / "journal.sqlite3"
    first = Fill("x.01", "o1", "A", OrderSide.BUY, 10.0, 100.0, 1, venue="v", account="a")
    second = attrs.evolve(first, execution_id="x.02", corrects="x.01", quantity=8.0)
    whole = attrs.evolve(second, execution_id="x.02+fee", corrects="x.02", commission=1.0)
    with Journal(path, clock=DataClock(), inline=True) as journal:
        for fill in (first, second, whole):
            journal.append(RecordKind.FILL, fill.execution_id, fill)
        journal.flush()
        for known in ("x.01", "x.02", "x.02+fee"):
            assert journal.fill("v", "a", known) == whole
        assert journal.fill("v", "a", "x.03") is None
        assert journal.fill("w", "a", "x.01") is None
    with JournalReader(path) as reader:
        assert list(effective(reader.fills())) == [whole]


def test_old_executions_are_looked_up_and_new_ones_are_not():
    asked = []
    executions = Executions(asked.append, recent=3)
    fills = [Fill(f"x{n}", "o", "A", OrderSide.BUY, 1.0, 1.0, n) for n in range(5)]
    for fill in fills:
        executions.remember(fill)
    assert executions.find(("", "", "x4")) is fills[4]
    assert asked == []
    assert executions.find(("", "", "x0")) is None
    assert asked == [("", "", "x0")]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([1.0, -1.0]), st.integers(1, 20), st.integers(50, 150), st.integers(0, 3), st.booleans()),
        min_size=1,
        max_size=12,
    ),
    st.data(),
)
def test_cash_quantity_and_equity_are_as_if_every_fill_had_been_right_from_the_start(trades, data):
    """Corrections in any order: only what holds in the end counts."""
    portfolio, held = Portfolio(10_000.0), []
    for number, (side, quantity, price, fee, corrects) in enumerate(trades):
        fill = Fill(
            f"x{number}", "o", "A", OrderSide.BUY if side > 0 else OrderSide.SELL, float(quantity), float(price), number, fee
        )
        if corrects and held:
            replaced = held.pop(data.draw(st.integers(0, len(held) - 1)))
            portfolio.apply(attrs.evolve(fill, corrects=replaced.execution_id), replaced)
        else:
            portfolio.apply(fill)
        held.append(fill)
    cash = 10_000.0 - sum(fill.signed_quantity * fill.price + fill.commission for fill in held)
    quantity = sum(fill.signed_quantity for fill in held)
    assert portfolio.cash == pytest.approx(cash)
    assert portfolio.quantity("A") == pytest.approx(quantity)
    portfolio.mark("A", 77.0)
    if quantity:
        assert portfolio.equity == pytest.approx(cash + quantity * 77.0)
        holding = portfolio.holdings["A"]
        open_profit = holding.quantity * (77.0 - holding.average_price)
        fees = sum(fill.commission for fill in held)
        assert holding.realised_pnl + open_profit == pytest.approx(portfolio.equity - 10_000.0 + fees, abs=1e-6)
