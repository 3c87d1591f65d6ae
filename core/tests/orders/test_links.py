"""What linked orders may still trade, against a plain model that looks at every order each time."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.market import MarketState
from ml4t.live.model import Fill, Order, OrderSide, OrderState, OrderType, Trade
from ml4t.live.orders.book import OrderBook
from ml4t.live.portfolio import Portfolio
from ml4t.live.risk.books import Books

BUY, SELL = OrderSide
FAMILY = ["entry", "target", "stop", "left", "right", "free"]
"""A bracket, a pair without a parent, and an order by itself, all in one symbol."""


def order(name, *, side=SELL, quantity=10.0, filled=0.0, state="working", **links):
    return Order(name, "A", side, quantity, filled_quantity=filled, state=OrderState(state), **links)


def family():
    return {
        "entry": order("entry", side=BUY),
        "target": order("target", parent_id="entry", oco_group="bracket"),
        "stop": order("stop", parent_id="entry", oco_group="bracket"),
        "left": order("left", quantity=4.0, oco_group="pair"),
        "right": order("right", quantity=6.0, oco_group="pair"),
        "free": order("free", quantity=3.0),
    }


def may_trade(known, side):
    """Return what the open orders of a side may trade, straight from the rules."""
    best = {}
    for each in known.values():
        if not each.is_open or each.side is not side:
            continue
        quantity = each.quantity - each.filled_quantity
        if each.parent_id in known:
            quantity = min(quantity, max(0.0, known[each.parent_id].filled_quantity - each.filled_quantity))
        group = each.oco_group or each.order_id
        best[group] = max(best.get(group, 0.0), quantity)
    return sum(best.values())


def books(held=0.0):
    portfolio = Portfolio()
    if held:
        portfolio.apply(Fill("x", "", "A", BUY if held > 0 else SELL, abs(held), 100.0, 0))
    return Books(MarketState(), portfolio, OrderBook())


@given(
    st.floats(-20, 20).map(lambda held: round(held, 1)),
    st.lists(
        st.tuples(st.sampled_from(FAMILY), st.integers(0, 4), st.sampled_from(["working", "cancelled", "filled", "unknown"])),
        max_size=40,
    ),
)
def test_the_books_count_linked_orders_as_the_rules_say(held, puts):
    view, known, born = books(held), {}, family()
    for name, quarters, state in puts:
        now = attrs.evolve(born[name], filled_quantity=born[name].quantity * quarters / 4, state=OrderState(state))
        new = order("new", side=SELL, quantity=2.0, oco_group="pair")
        known[name] = now
        view.orders.put(now)
        for side, working in zip((BUY, SELL), view.orders.working("A"), strict=True):
            assert working == pytest.approx(may_trade(known, side), abs=1e-9)
            mine = [each for each in view.open_orders if each.side is side]
            assert sum(map(view.reserves, mine)) == pytest.approx(working, abs=1e-9)
        buying, selling = may_trade(known, BUY), may_trade(known, SELL)
        assert view.projected("A") == pytest.approx((held - selling, held + buying))
        with_new = may_trade({**known, "new": new}, SELL)
        assert view.worst_case(new) == pytest.approx(abs(held - with_new))
        assert view.reduces(new) is (held > 0 and with_new <= held * (1 + 1e-9))
        assert view.shorts(new) is (with_new > (held + buying) * (1 + 1e-9))


def test_a_child_may_close_what_its_parent_opened_and_no_more():
    view, born = books(), family()
    for name in ("entry", "target", "stop"):
        view.orders.put(born[name])
    assert view.projected("A") == (0.0, 10.0)
    view.orders.put(attrs.evolve(born["entry"], filled_quantity=4.0, state=OrderState.PARTIALLY_FILLED))
    assert view.orders.working("A") == (6.0, 4.0)
    view.orders.put(attrs.evolve(born["entry"], filled_quantity=4.0, state=OrderState.CANCELLED))
    assert view.orders.working("A") == (0.0, 4.0)


def test_the_exits_of_a_bracket_use_up_the_position_once():
    view, born = books(held=10.0), family()
    for name in ("target", "stop"):
        view.orders.put(born[name])
    assert not view.reduces(order("extra", quantity=1.0))
    assert view.projected("A") == (0.0, 10.0), "a parent that is not known has ended"
    view.orders.put(attrs.evolve(born["stop"], state=OrderState.CANCELLED))
    assert view.projected("A") == (0.0, 10.0)
    view.orders.put(attrs.evolve(born["target"], state=OrderState.CANCELLED))
    assert view.reduces(order("extra", quantity=10.0))


def test_buying_power_counts_the_exits_of_a_bracket_once_and_only_when_they_open():
    view, born = books(), family()
    view.portfolio.restore(10_000.0, {}, 0.0)
    for name in ("entry", "target", "stop"):
        view.orders.put(attrs.evolve(born[name], order_type=OrderType.LIMIT, limit_price=100.0))
    view.market.apply(Trade("A", 1, 100.0, 1.0), 1)
    assert view.buying_power == 9_000.0
