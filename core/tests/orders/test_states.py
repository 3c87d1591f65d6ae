"""Every order ends where a plain model of the rules says, in whatever order the venue's messages come."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.contracts import OrderUpdate
from ml4t.live.model import Fill, Order, OrderSide, OrderState, OrderStatus, Terms
from ml4t.live.orders.states import FOLLOWS, with_fill, with_update

S = OrderState
FINAL = {S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED}


def new(state=S.SENT, quantity=10.0, **rest):
    return Order("o", "A", OrderSide.BUY, quantity, state=state, **rest)


def update(state, time=1, venue_order_id="", **rest):
    return OrderUpdate("o", S(state), time, venue_order_id, **rest)


def fill(quantity, price=100.0, commission=0.0, *, time=1, venue_order_id=""):
    return Fill("x", "o", "A", OrderSide.BUY, quantity, price, time, commission, venue_order_id=venue_order_id)


class Model:
    """Two facts are enough: how much has traded, and the furthest that the venue has said."""

    COURSE = (S.INTENT, S.SENT, S.WORKING, S.PARTIALLY_FILLED)

    def __init__(self, state) -> None:
        self.state = state
        self.filled = 0.0
        self.paid = 0.0

    def update(self, said):
        if self.state in FINAL:
            return
        if said is S.FILLED:
            said = S.WORKING  # not before its executions are here
        if said in FINAL:
            self.state = said
        elif said is S.UNKNOWN:
            if self.state in (S.INTENT, S.SENT):
                self.state = said
        elif self.state is S.UNKNOWN:
            if said in (S.WORKING, S.PARTIALLY_FILLED):
                self.state = said
        elif said in self.COURSE and self.COURSE.index(said) > self.COURSE.index(self.state):
            self.state = said
        if self.state is S.WORKING and self.filled:
            self.state = S.PARTIALLY_FILLED

    def fill(self, quantity, price):
        self.filled += quantity
        self.paid += quantity * price
        if self.filled >= 10.0 - 1e-8:
            self.state = S.FILLED
        elif self.state not in FINAL:
            self.state = S.PARTIALLY_FILLED


messages = st.one_of(
    st.tuples(st.just("update"), st.sampled_from(list(OrderState))),
    st.tuples(st.just("fill"), st.sampled_from([0.1, 1.0, 2.5, 5.0, 10.0, 12.0]), st.floats(1, 1000)),
)


@given(st.sampled_from([S.INTENT, S.SENT]), st.lists(messages, max_size=12))
def test_any_sequence_of_messages_ends_as_the_model_says(start, script):
    order, model = new(start), Model(start)
    for time, (what, *rest) in enumerate(script):
        before = order
        if what == "update":
            order = with_update(order, update(rest[0], time)) or order
            model.update(rest[0])
        else:
            order = with_fill(order, fill(*rest, time=time))
            model.fill(*rest)
        assert order.state is model.state
        assert order.filled_quantity == pytest.approx(model.filled)
        assert order.filled_quantity >= before.filled_quantity
        if model.filled:
            assert order.average_price == pytest.approx(model.paid / model.filled)
        assert before.is_open or not order.is_open
        assert order.is_open or before.filled_quantity == 0 or order.status is not OrderStatus.PENDING


def test_a_fill_before_the_acknowledgement_counts_and_the_acknowledgement_is_old_news_but_for_its_id():
    order = with_fill(new(), fill(4.0, 50.0, 1.0, time=5))
    assert (order.state, order.filled_quantity, order.average_price, order.commission) == (S.PARTIALLY_FILLED, 4.0, 50.0, 1.0)
    acknowledged = with_update(order, update("working", 6, "v1"))
    assert (acknowledged.state, acknowledged.venue_order_id) == (S.PARTIALLY_FILLED, "v1")
    assert with_update(acknowledged, update("working", 7, "v1")) is None


def test_a_fill_after_the_cancel_counts_and_does_not_reopen():
    cancelled = with_update(new(S.WORKING), update("cancelled"))
    part = with_fill(cancelled, fill(3.0))
    assert (part.state, part.filled_quantity) == (S.CANCELLED, 3.0)
    assert with_fill(part, fill(7.0)).state is S.FILLED


def test_filled_is_believed_when_the_executions_are_here():
    """Between the venue's word and its executions the quantity would be neither pending nor held."""
    said = with_update(new(), update("filled", 2, "v1"))
    assert (said.state, said.is_open, said.remaining) == (S.WORKING, True, 10.0)
    assert with_fill(said, fill(10.0)).state is S.FILLED


def test_more_than_was_ordered_is_what_happened():
    order = with_fill(new(S.WORKING), fill(12.0))
    assert (order.state, order.filled_quantity, order.remaining) == (S.FILLED, 12.0, -2.0)


def test_parts_that_do_not_quite_add_up_are_the_whole():
    order = new(S.WORKING, 0.3)
    for part in (0.1, 0.1, 0.1):
        order = with_fill(order, fill(part))
    assert (order.state, order.filled_quantity, order.remaining) == (S.FILLED, 0.3, 0.0)


@pytest.mark.parametrize("state", [S.WORKING, S.PARTIALLY_FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED])
def test_unknown_is_resolved_by_what_the_venue_says(state):
    unknown = with_update(new(), update("unknown", reason="no answer"))
    assert (unknown.state, unknown.is_open, unknown.reason) == (S.UNKNOWN, True, "no answer")
    assert with_update(unknown, update("unknown", 9)) is None
    assert with_update(unknown, update("sent", 9)) is None
    assert with_update(unknown, update(state)).state is state


@pytest.mark.parametrize("state", [S.WORKING, S.PARTIALLY_FILLED])
def test_what_the_venue_has_acknowledged_does_not_become_unknown(state):
    assert with_update(new(state), update("unknown")) is None


def test_the_venues_words_are_kept():
    order = with_update(new(), update("rejected", 8, "v", code="no_margin", reason="not enough margin"))
    assert (order.code, order.reason, order.updated_at, order.venue_order_id) == ("no_margin", "not enough margin", 8, "v")
    assert with_fill(new(), fill(1.0, venue_order_id="v2")).venue_order_id == "v2"


def test_a_fill_beyond_the_old_quantity_proves_the_amendment():
    order = new(S.WORKING, limit_price=99.0, amendment=Terms(20.0, 98.0))
    order = with_fill(order, fill(10.0))
    assert (order.state, order.quantity, order.amendment) == (S.PARTIALLY_FILLED, 10.0, Terms(20.0, 98.0))
    order = with_fill(order, fill(4.0))
    assert (order.state, order.filled_quantity, order.terms, order.amendment) == (
        S.PARTIALLY_FILLED,
        14.0,
        Terms(20.0, 98.0),
        None,
    )
    order = with_fill(order, fill(6.0))
    assert (order.state, order.filled_quantity, order.quantity) == (S.FILLED, 20.0, 20.0)


def test_one_fill_of_all_that_was_amended_to_ends_the_order_on_its_new_terms():
    order = with_fill(new(S.WORKING, amendment=Terms(20.0)), fill(20.0))
    assert (order.state, order.quantity, order.amendment) == (S.FILLED, 20.0, None)


def test_an_end_is_believed_when_all_that_has_traded_is_here():
    end = OrderUpdate("o1", S.CANCELLED, 5, filled_quantity=6.0)
    known = with_fill(new(S.WORKING), fill(2.0))
    assert with_update(known, end) is None, "four of them are missing, and still count as exposure"
    assert with_update(new(S.UNKNOWN), end).state is S.WORKING
    assert with_update(with_fill(known, fill(4.0)), end).state is S.CANCELLED


def test_the_page_says_which_state_may_follow_which():
    page = (Path(__file__).parents[3] / "docs" / "reconciliation.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \|([^|]*)\|$", page.split("## Orders whose")[0], flags=re.MULTILINE)
    assert {OrderState(state): {OrderState(s) for s in re.findall(r"`(\w+)`", after)} for state, after in rows} == dict(FOLLOWS)


@given(st.lists(st.one_of(st.sampled_from(list(OrderState)), st.floats(0.5, 12.0)), max_size=20))
def test_no_news_in_any_order_leaves_the_table(script):
    order = new(S.INTENT)
    for number, news in enumerate(script):
        if isinstance(news, OrderState):
            after = with_update(order, OrderUpdate("o", news, number)) or order
        else:
            after = with_fill(order, fill(news))
        assert after.state is order.state or after.state in FOLLOWS[order.state]
        assert after.filled_quantity >= order.filled_quantity
        assert order.is_open or not after.is_open
        order = after
