"""Brackets and pairs at the desk: refused together, journalled together, sent as one."""

from __future__ import annotations

import attrs
import pytest

from ml4t.live.contracts import OrderUpdate
from ml4t.live.model import OrderSide, OrderState, OrderType

S = OrderState


@pytest.fixture
def desk(room):
    desk = room()
    desk.price("A", 100.0)
    return desk


@pytest.mark.parametrize(("quantity", "target", "stop", "exit_side"), [(10, 110, 90, "sell"), (-10, 90, 110, "buy")])
def test_a_bracket_is_an_entry_and_two_exits_that_cancel_each_other(desk, quantity, target, stop, exit_side):
    entry, profit, loss = desk.broker.submit_bracket("A", quantity, target, stop)
    assert desk.wire.linked == [[entry, profit, loss]]
    assert not desk.wire.sent
    assert {order.state for order in (entry, profit, loss)} == {S.SENT}
    assert (entry.order_type, entry.quantity, entry.parent_id) == (OrderType.MARKET, 10.0, "")
    assert (profit.order_type, profit.limit_price) == (OrderType.LIMIT, target)
    assert (loss.order_type, loss.stop_price) == (OrderType.STOP, stop)
    for order in (profit, loss):
        assert (order.side, order.quantity, order.parent_id) == (OrderSide(exit_side), 10.0, entry.order_id)
    assert profit.oco_group == loss.oco_group != ""
    assert len({entry.order_id, profit.order_id, loss.order_id}) == 3


def test_a_bracket_leaves_only_when_the_last_of_it_is_durable(desk):
    desk.tape.held = True
    orders = desk.broker.submit_bracket("A", 10, 110, 90)
    assert [body.order_id for body in desk.tape.bodies("intent")] == [order.order_id for order in orders]
    assert len(desk.tape.waiting) == 1, "only the last one says when"
    assert desk.wire.linked == []
    desk.tape.release()
    assert len(desk.wire.linked) == 1


def test_a_bracket_that_is_cancelled_before_it_left_never_leaves(desk):
    desk.tape.held = True
    orders = desk.broker.submit_bracket("A", 10, 110, 90)
    free = desk.broker.submit_order("A", 1)
    assert desk.broker.cancel_order(orders[1].order_id)
    desk.tape.release()
    assert desk.wire.linked == []
    assert [desk.orders.get(order.order_id).state for order in orders] == [S.CANCELLED] * 3
    assert [order.order_id for order in desk.wire.sent] == [free.order_id]


def test_the_exits_of_a_refused_entry_are_refused(room):
    desk = room(max_order_value=500.0)
    desk.price("A", 100.0)
    entry, profit, loss = desk.broker.submit_bracket("A", 10, 110, 90)
    assert entry.code == "max_order_value"
    assert (profit.code, loss.code) == ("parent_refused", "parent_refused")
    assert entry.order_id in profit.reason
    assert (desk.wire.linked, desk.orders.open_count) == ([], 0)


def test_only_the_entry_is_judged(room):
    desk = room(max_position_value=1_000.0)
    desk.price("A", 100.0)
    orders = desk.broker.submit_bracket("A", 10, 110, 90, validate_prices=False)
    assert {order.state for order in orders} == {S.SENT}
    assert desk.broker.submit_order("A", 1).code != "", "the entry counts"


@pytest.mark.parametrize(
    ("quantity", "target", "stop", "options", "words"),
    [
        (10, 99.0, 90.0, {}, "take_profit 99 is not above entry 100"),
        (10, 110.0, 101.0, {}, "entry 100 is not above stop_loss 101"),
        (-10, 101.0, 110.0, {}, "take_profit 101 is not below entry 100"),
        (10, 96.0, 90.0, {"entry_type": "limit", "entry_limit": 97.0}, "take_profit 96 is not above entry 97"),
        (0, 110.0, 90.0, {}, "quantity is zero"),
        (10, 110.0, float("nan"), {}, "stop_price nan"),
        (10, 110.0, 90.0, {"entry_type": "limit"}, "needs limit_price"),
    ],
)
def test_a_bracket_that_makes_no_sense_is_refused(desk, quantity, target, stop, options, words):
    orders = desk.broker.submit_bracket("A", quantity, target, stop, **options)
    assert {order.state for order in orders} == {S.REJECTED}
    assert any(order.code == "invalid_order" and words in order.reason for order in orders)
    assert desk.wire.linked == []


@pytest.mark.parametrize(("name", "code"), [("brackets", "unsupported_bracket"), ("oco", "unsupported_oco")])
def test_what_the_venue_does_not_take_is_refused(desk, name, code):
    desk.wire.capabilities = attrs.evolve(desk.wire.capabilities, **{name: False})
    if name == "brackets":
        first, *others = desk.broker.submit_bracket("A", 10, 110, 90)
    else:
        first, *others = desk.broker.submit_oco("A", 10, 110, 90, "sell")
    assert first.code == code
    assert {order.code for order in others} == {"parent_refused"}


def test_a_pair_closes_a_position_once(desk):
    desk.fill(desk.broker.submit_order("A", 10))
    limit, stop = desk.broker.submit_oco("A", 10, 110.0, 90.0, "sell")
    assert (limit.order_type, stop.order_type) == (OrderType.LIMIT, OrderType.STOP)
    assert limit.oco_group == stop.oco_group == limit.order_id
    assert (limit.parent_id, stop.parent_id) == ("", "")
    assert desk.books.projected("A") == (0.0, 10.0)
    assert desk.broker.close_position("A") is None, "the pair closes it already"


def test_the_quantity_of_a_linked_order_cannot_be_amended_and_its_price_can(desk):
    _, profit, _ = desk.broker.submit_bracket("A", 10, 110, 90)
    desk.desk.order(OrderUpdate(profit.order_id, S.WORKING, 1))
    assert desk.broker.replace_order(profit.order_id, quantity=5.0).code == "linked_quantity"
    assert desk.broker.update_order(profit.order_id, limit_price=112.0)


def test_the_same_bracket_again_is_the_same_orders(desk):
    orders = desk.broker.submit_bracket("A", 10, 110, 90)
    assert tuple(desk.desk.submit_linked(orders)) == orders
    assert len(desk.wire.linked) == 1
