"""The book answers as a brute-force search through its orders would, in bounded memory."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.model import Order, OrderSide, OrderState, OrderType
from ml4t.live.orders.book import OrderBook

SYMBOLS = ["A", "B"]


def order(order_id="1", symbol="A", side="buy", quantity=10.0, *, filled=0.0, state="working", at=0, **rest):
    return Order(
        order_id, symbol, OrderSide(side), quantity, filled_quantity=filled, state=OrderState(state), created_at=at, **rest
    )


@given(
    st.lists(
        st.tuples(
            st.integers(0, 6),
            st.floats(0.001, 1e6),
            st.floats(0, 1),
            st.sampled_from(list(OrderState)),
        ),
        max_size=60,
    )
)
def test_what_is_working_is_what_a_search_finds(puts):
    book, known = OrderBook(), {}
    for number, quantity, share, state in puts:
        # The first put of an id fixes what does not change any more.
        first = known.get(str(number)) or order(str(number), SYMBOLS[number % 2], ["buy", "sell"][number // 2 % 2], quantity)
        now = attrs.evolve(first, filled_quantity=first.quantity * share, state=state)
        known[now.order_id] = now
        book.put(now)
        for symbol in SYMBOLS:
            for side, working in zip(OrderSide, book.working(symbol), strict=True):
                mine = [o for o in known.values() if o.is_open and o.symbol == symbol and o.side is side]
                assert working == pytest.approx(sum(o.remaining for o in mine), rel=1e-9, abs=1e-6)
                assert mine or working == 0.0
        open_orders = [o for o in known.values() if o.is_open]
        assert {o.order_id: o for o in book.open_orders} == {o.order_id: o for o in open_orders}
        assert book.open_count == len(open_orders)
        assert set(book.working_symbols()) == {o.symbol for o in open_orders}
        assert all(book.get(order_id) == o for order_id, o in known.items())


def test_open_orders_come_oldest_first_whatever_happens_to_them():
    book = OrderBook()
    for number in "123":
        book.put(order(number))
    book.put(order("1", filled=5.0))
    book.put(order("2", state="cancelled"))
    assert [o.order_id for o in book.open_orders] == ["1", "3"]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_the_last_order_of_a_side_takes_the_rounding_with_it(side):
    book = OrderBook()
    book.put(order("other", side="sell" if side == "buy" else "buy"))
    for number, quantity in enumerate([0.1, 0.2, 0.3]):
        book.put(order(str(number), side=side, quantity=quantity))
    for number, quantity in enumerate([0.1, 0.2, 0.3]):
        book.put(order(str(number), side=side, quantity=quantity, state="cancelled"))
    assert 0.1 + 0.2 + 0.3 - 0.1 - 0.2 - 0.3 != 0.0
    assert sorted(book.working("A")) == [0.0, 10.0]


def test_unknown_orders_count():
    book = OrderBook()
    book.put(order(state="unknown", side="sell"))
    assert book.working("A") == (0.0, 10.0)


@given(
    st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 100)), max_size=40),
    st.integers(-5, 105),
    st.integers(0, 100),
)
def test_a_window_counts_what_came_after_its_beginning(submitted, since, later):
    """And one that came with an earlier time (a clock set back, a slow thread) counts from the latest before it."""
    book, times = OrderBook(), []
    for symbol, at in submitted:
        book.submitted(order(f"{len(times)}", symbol, at=at))
        times.append((max([at, *(t for t, _ in times)]), symbol))
    assert book.submitted_since(since) == sum(at > since for at, _ in times)
    newest = [number for number, (at, symbol) in enumerate(times) if symbol == "A" and at > since]
    repeated = book.repeated(order(symbol="A", at=later), since)
    assert (repeated and repeated.order_id) == (str(newest[-1]) if newest else None)


@pytest.mark.parametrize(
    "change",
    [
        {"symbol": "B"},
        {"side": OrderSide.SELL},
        {"quantity": 11.0},
        {"order_type": OrderType.STOP},
        {"limit_price": 5.0},
        {"stop_price": 5.0},
        {"trail_amount": 1.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_order_that_asks_for_something_else_is_no_repetition(change):
    book = OrderBook()
    book.submitted(order(at=5))
    assert book.repeated(attrs.evolve(order("2"), **change), 0) is None
    assert book.repeated(order("2"), 4).order_id == "1"
    assert book.repeated(order("2"), 5) is None


def test_memory_is_bounded():
    book = OrderBook(recent=10)
    for number in range(95):
        book.put(order(str(number)))
        book.put(order(str(number), state="filled", filled=10.0))
        book.submitted(order(str(number), quantity=1.0 + number, at=number))
    assert book.get("84") is None
    assert book.get("85").state is OrderState.FILLED
    assert book.submitted_since(84) == 10
    assert 10 <= book.submitted_since(-1) < 20
    assert book.repeated(order(quantity=1.0), -1) is None
    assert book.repeated(order(quantity=95.0), -1).order_id == "94"
    assert sum(len(held) for name, held in vars(book).items() if name != "recent") < 50
