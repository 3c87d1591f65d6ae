"""Amending a working order: judged in its place, durable before it is sent, the larger quantity counted meanwhile."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.contracts import OrderUpdate
from ml4t.live.errors import JournalError
from ml4t.live.model import OrderState, OrderType, Terms
from ml4t.live.orders.amend import AMEND_REFUSED

S = OrderState


@pytest.fixture
def desk(room):
    desk = room()
    desk.price("A", 100.0)
    return desk


def resting(desk, quantity=10.0, limit=90.0, symbol="A", **options):
    """Return a limit order that works at the venue."""
    order = desk.broker.submit_order(symbol, quantity, "buy", "limit", limit, **options)
    answer(desk, order, S.WORKING)
    return desk.orders.get(order.order_id)


def answer(desk, order, state=S.WORKING, **rest):
    desk.desk.order(OrderUpdate(order.order_id, state, desk.clock.now(), "v1", **rest))


def test_an_amendment_is_on_record_before_it_is_sent_and_done_when_the_venue_says_so(desk):
    order = resting(desk)
    desk.tape.held = True
    assert desk.broker.update_order(order.order_id, quantity=20.0, limit_price=91.0)
    assert desk.wire.amendments == []
    desk.tape.held = False
    desk.tape.release()
    (sent,) = desk.wire.amendments
    terms = Terms(20.0, 91.0)
    assert (sent.amendment, sent.quantity, sent.limit_price) == (terms, 10.0, 90.0)
    assert desk.tape.bodies("order")[-1].amendment == terms
    answer(desk, order, terms=terms)
    now = desk.orders.get(order.order_id)
    assert (now.terms, now.amendment, now.state) == (terms, None, S.WORKING)


@pytest.mark.parametrize(("quantity", "counted"), [(20.0, 20.0), (4.0, 10.0)])
def test_until_the_venue_has_answered_the_larger_quantity_counts(desk, quantity, counted):
    order = resting(desk)
    desk.broker.update_order(order.order_id, quantity=quantity)
    assert desk.orders.working("A") == (counted, 0.0)
    answer(desk, order, terms=Terms(quantity, 90.0))
    assert desk.orders.working("A") == (quantity, 0.0)


def test_the_gate_judges_the_order_as_it_would_be_in_place_of_the_one_that_works(room):
    desk = room(max_position_shares=15.0, max_open_orders=1)
    desk.price("A", 100.0)
    order = resting(desk)
    assert desk.broker.update_order(order.order_id, quantity=15.0)
    answer(desk, order, terms=Terms(15.0, 90.0))
    refused = desk.broker.replace_order(order.order_id, quantity=15.5)
    assert (refused.code, refused.quantity, refused.amendment) == ("max_position_shares", 15.0, None)
    assert desk.orders.get(order.order_id).code == ""
    assert desk.tape.bodies("verdict")[-1].limit == 15.0
    assert len(desk.wire.amendments) == 1
    assert desk.orders.working("A") == (15.0, 0.0)


def test_amendments_use_the_rate_budget(room):
    desk = room(max_orders_per_minute=2)
    desk.price("A", 100.0)
    order = resting(desk)
    assert desk.broker.update_order(order.order_id, quantity=11.0)
    assert desk.broker.submit_order("A", 1).code == "max_orders_per_minute"


def test_the_kill_switch_refuses_amendments(desk):
    order = resting(desk)
    desk.switch.throw("enough", by="ann", at=1)
    assert not desk.broker.update_order(order.order_id, quantity=5.0)
    assert desk.wire.amendments == []


def test_a_venue_that_amends_nothing_is_not_asked(desk):
    desk.wire.capabilities = attrs.evolve(desk.wire.capabilities, replace=False)
    order = resting(desk)
    assert desk.broker.replace_order(order.order_id, quantity=11.0).code == "unsupported_replace"
    assert desk.wire.amendments == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": 0}, "invalid_order"),
        ({"quantity": -1.0}, "invalid_order"),
        ({"quantity": float("nan")}, "invalid_order"),
        ({"quantity": True}, "invalid_order"),
        ({"limit_price": float("inf")}, "invalid_order"),
        ({"stop_price": 80.0}, "invalid_order"),
    ],
)
def test_terms_that_make_no_sense_are_refused(desk, changes, code):
    order = resting(desk)
    refused = desk.broker.replace_order(order.order_id, **changes)
    assert refused.code == code
    assert refused.reason
    assert desk.wire.amendments == []


def test_an_order_that_is_not_at_the_venue_for_certain_cannot_be_amended(desk):
    sent = desk.broker.submit_order("A", 10, "buy", "limit", 90.0)
    assert sent.state is S.SENT or desk.orders.get(sent.order_id).state is S.SENT
    assert desk.broker.replace_order(sent.order_id, quantity=11.0).code == "not_amendable"
    answer(desk, sent, S.CANCELLED)
    assert not desk.broker.update_order(sent.order_id, quantity=11.0)
    assert desk.broker.replace_order("nobody", quantity=1.0) is None


def test_one_amendment_at_a_time_and_the_same_again_is_no_second_one(desk):
    order = resting(desk)
    assert desk.broker.update_order(order.order_id, quantity=11.0)
    assert desk.broker.update_order(order.order_id, quantity=11.0)
    assert desk.broker.replace_order(order.order_id, quantity=12.0).code == "amendment_under_way"
    assert len(desk.wire.amendments) == 1
    answer(desk, order, terms=Terms(11.0, 90.0))
    assert desk.broker.update_order(order.order_id, quantity=11.0)
    assert len(desk.wire.amendments) == 1


def test_quantity_is_the_whole_of_it_and_what_has_traded_stays(desk):
    order = resting(desk)
    desk.fill(order, 6.0)
    refused = desk.broker.replace_order(order.order_id, quantity=6.0)
    assert refused.code == "invalid_order"
    assert desk.broker.update_order(order.order_id, quantity=8.0)
    answer(desk, order, terms=Terms(8.0, 90.0))
    desk.fill(order, 2.0)
    assert desk.orders.get(order.order_id).state is S.FILLED


def test_a_fill_of_all_the_old_quantity_does_not_end_an_order_that_is_being_enlarged(desk):
    order = resting(desk)
    desk.broker.update_order(order.order_id, quantity=20.0)
    desk.fill(order, 10.0)
    now = desk.orders.get(order.order_id)
    assert (now.state, now.reserved) == (S.PARTIALLY_FILLED, 10.0)
    answer(desk, order, terms=Terms(20.0, 90.0))
    desk.fill(order, 10.0)
    assert desk.orders.get(order.order_id).state is S.FILLED


@pytest.mark.parametrize("venue_has", [Terms(10.0, 90.0), Terms(20.0, 90.0)])
def test_terms_that_are_certain_settle_an_amendment(desk, venue_has):
    order = resting(desk)
    desk.broker.update_order(order.order_id, quantity=20.0)
    desk.desk.settle(order.order_id, venue_has, "the venue said no")
    now = desk.orders.get(order.order_id)
    assert (now.terms, now.amendment) == (venue_has, None)
    assert now.code == ("" if venue_has.quantity == 20.0 else AMEND_REFUSED)


def test_an_order_that_filled_while_its_enlargement_was_refused_is_filled(desk):
    order = resting(desk)
    desk.broker.update_order(order.order_id, quantity=20.0)
    desk.fill(order, 10.0)
    desk.desk.settle(order.order_id, order.terms, "too late")
    now = desk.orders.get(order.order_id)
    assert (now.state, now.amendment) == (S.FILLED, None)
    assert desk.orders.open_count == 0


def test_a_cancel_ends_the_amendment_too(desk):
    order = resting(desk)
    desk.broker.update_order(order.order_id, quantity=20.0)
    assert desk.broker.cancel_order(order.order_id)
    answer(desk, order, S.CANCELLED)
    now = desk.orders.get(order.order_id)
    assert (now.state, now.amendment) == (S.CANCELLED, None)
    assert desk.orders.working("A") == (0.0, 0.0)


def test_an_old_status_says_nothing_of_the_amendment(desk):
    order = resting(desk)
    desk.broker.update_order(order.order_id, quantity=20.0)
    answer(desk, order, S.WORKING)
    answer(desk, order, S.WORKING, terms=Terms(10.0, 90.0))
    assert desk.orders.get(order.order_id).amendment == Terms(20.0, 90.0)


def test_what_the_journal_does_not_take_is_not_sent_and_changes_nothing(desk):
    order = resting(desk)

    def full(*_, **__):
        raise JournalError("the disk is full")

    desk.desk._record = full
    assert desk.desk.amend(order.order_id, quantity=20.0).code == "journal_failed"
    assert desk.orders.get(order.order_id) == order
    assert desk.wire.amendments == []
    assert desk.orders.working("A") == (10.0, 0.0)


def test_a_trailing_stop_keeps_its_distance_amendable(desk):
    order = desk.broker.submit_order("A", 5, "sell", OrderType.TRAILING_STOP, trail_amount=2.0)
    answer(desk, order)
    assert desk.broker.update_order(order.order_id, trail_amount=3.0)
    assert desk.wire.amendments[0].amendment == Terms(5.0, trail_amount=3.0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["amend", "accept", "refuse", "fill", "status"]),
            st.integers(1, 30).map(float),
        ),
        max_size=25,
    )
)
def test_whatever_happens_what_is_reserved_covers_what_the_venue_may_still_trade(room, script):
    desk = room()
    desk.price("A", 100.0)
    order = resting(desk, 10.0)
    there, asked, traded = 10.0, None, 0.0
    for what, number in script:
        if what == "amend" and asked is None and desk.broker.update_order(order.order_id, quantity=number):
            asked = number if number != there else None
        elif what == "accept" and asked is not None:
            there = max(asked, traded)
            asked = None
            answer(desk, order, terms=Terms(there, 90.0))
        elif what == "refuse" and asked is not None:
            asked = None
            desk.desk.settle(order.order_id, Terms(there, 90.0), "no")
        elif what == "fill" and traded < there:
            part = min(number, there - traded)
            traded += part
            desk.fill(order, part)
        elif what == "status":
            answer(desk, order)
        reserved, _ = desk.orders.working("A")
        now = desk.orders.get(order.order_id)
        assert now.filled_quantity == pytest.approx(traded)
        assert reserved >= max(there, asked or 0.0) - traded - 1e-9 or not now.is_open
        assert now.is_open == (traded < max(there, asked or 0.0))
        if not now.is_open:
            return
