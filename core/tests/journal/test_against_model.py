"""Whatever the sequence of calls, the journal holds what a list and a dict would."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.clock import DataClock, SystemClock
from ml4t.live.journal import Journal, StatePut, verify
from ml4t.live.model import Order, OrderSide, OrderState

buckets = st.sampled_from(["positions", "cash"])
keys = st.sampled_from(["a", "b", "c"])
values = st.one_of(st.none(), st.integers(-(2**70), 2**70), st.text(max_size=5))
changes = st.lists(st.builds(StatePut, buckets, keys, values), max_size=3)
bodies = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=5,
)
calls = st.one_of(
    st.tuples(st.just("append"), st.text(max_size=4), bodies.filter(lambda body: "\udc80" not in repr(body)), changes),
    st.tuples(st.just("order"), st.sampled_from("xyz"), st.sampled_from(list(OrderState)), changes),
    st.tuples(st.just("put"), buckets, keys, values),
    st.tuples(st.just("flush")),
    st.tuples(st.just("reopen")),
)


class Model:
    def __init__(self) -> None:
        self.records: list[object] = []
        self.state: dict[str, dict[str, object]] = {"positions": {}, "cash": {}}
        self.orders: dict[str, Order] = {}

    def put(self, bucket: str, key: str, value: object) -> None:
        self.state[bucket].pop(key, None)
        if value is not None:
            self.state[bucket][key] = value


def play(journal: Journal, model: Model, call: tuple) -> None:
    match call:
        case ("append", subject, body, state):
            assert journal.append("thing", subject, body, state=state) == len(model.records) + 1
            model.records.append(body)
            for change in state:
                model.put(*change)
        case ("order", order_id, order_state, state):
            order = Order(order_id, "S", OrderSide.BUY, 1.0 + len(model.records), state=order_state)
            journal.append("order", order_id, order, state=state)
            model.records.append(order)
            model.orders[order_id] = order
            for change in state:
                model.put(*change)
        case ("put", bucket, key, value):
            journal.put(bucket, key, value)
            model.put(bucket, key, value)
        case ("flush",):
            journal.flush()
            compare(journal, model)
        case ("reopen",):
            journal.close()
            journal.open()
            compare(journal, model)


def compare(journal: Journal, model: Model) -> None:
    assert {bucket: journal.state(bucket) for bucket in model.state} == model.state
    found = list(journal.records())
    assert [record.seq for record in found] == list(range(1, len(model.records) + 1))
    for record, body in zip(found, model.records, strict=True):
        assert record.body["quantity"] == body.quantity if isinstance(body, Order) else record.body == body
    assert {order.order_id: order for order in journal.orders()} == model.orders
    assert {order.order_id for order in journal.orders(open_only=True)} == {
        order_id for order_id, order in model.orders.items() if order.is_open
    }
    assert journal.durable_seq == journal.last_seq == len(model.records)


@pytest.mark.parametrize("inline", [True, False])
@settings(max_examples=60, deadline=None)
@given(st.lists(calls, max_size=40))
def test_a_journal_is_a_list_and_a_dict(inline, script):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite3"
        clock = DataClock() if inline else SystemClock()
        with Journal(path, clock, inline=inline, durability="none" if inline else "write") as journal:
            model = Model()
            for call in [*script, ("flush",), ("reopen",)]:
                play(journal, model, call)
        assert verify(path) == []
