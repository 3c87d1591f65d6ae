"""What goes in comes out."""

from __future__ import annotations

import collections
import decimal
import enum
import math
import pathlib
import sqlite3
from datetime import UTC, datetime

import pytest

from ml4t.live.journal import Durability, JournalReader, RecordKind, StatePut
from ml4t.live.journal.connections import connect_writing
from ml4t.live.journal.encoding import encode
from ml4t.live.model import (
    Bar,
    Direction,
    Fill,
    Firing,
    Forecast,
    ForecastState,
    Gap,
    Order,
    OrderSide,
    OrderState,
    OrderType,
    Resolution,
    TimeInForce,
    Verdict,
)

ORDER = Order(
    "run-1-AAPL-1",
    "AAPL",
    OrderSide.SELL,
    12.5,
    OrderType.STOP_LIMIT,
    limit_price=0.1 + 0.2,
    stop_price=1e-9,
    time_in_force=TimeInForce.IOC,
    created_at=1_700_000_000_123_456_789,
    strategy="häger 💰",
    state=OrderState.INTENT,
    updated_at=2**62,
)
FILL = Fill("x1", "run-1-AAPL-1", "AAPL", OrderSide.SELL, 2.5, 0.1, 1_700_000_000_000_000_001, 0.35, "okx", "main", "v9")
FORECAST = Forecast(
    "AAPL",
    3_600 * 10**9,
    price=10.0,
    direction=Direction.UP,
    confidence=0.7,
    quantiles={0.1: 9.0, 0.5: 10.0, 0.9: 11.5},
    model="drift",
    forecast_id="f1",
    issued_at=1_700_000_000_000_000_000,
)
RESOLUTION = Resolution("f1", ForecastState.LATE, 5, 10.5, 4, direction_hit=True, absolute_error=0.5, naive_error=1.0)


def test_an_order_keeps_its_latest_state_and_every_record(make):
    journal = make()
    journal.append(RecordKind.INTENT, ORDER.order_id, ORDER)
    filled = Order(ORDER.order_id, "AAPL", OrderSide.SELL, 12.5, state=OrderState.FILLED, filled_quantity=12.5)
    other = Order("o2", "MSFT", OrderSide.BUY, 1.0, state=OrderState.UNKNOWN)
    journal.flush()
    assert journal.order(ORDER.order_id) == ORDER
    assert journal.orders(open_only=True) == [ORDER]
    journal.append(RecordKind.ORDER, other.order_id, other)
    journal.append(RecordKind.ORDER, ORDER.order_id, filled)
    journal.flush()
    assert journal.orders() == [filled, other]
    assert journal.orders(open_only=True) == [other]
    assert journal.orders(symbol="AAPL") == [filled]
    assert journal.orders(limit=1) == [other]
    assert journal.order("nobody") is None
    assert [record.body["state"] for record in journal.records(subject=ORDER.order_id)] == ["intent", "filled"]


def test_the_same_fill_stays_one(make):
    journal = make()
    again = Fill("x1", "other", "AAPL", OrderSide.SELL, 99.0, 99.0, 99, venue="okx", account="main")
    elsewhere = Fill("x1", "o2", "MSFT", OrderSide.BUY, 1.0, 2.0, 7, venue="okx", account="second")
    for fill in (FILL, again, elsewhere, FILL):
        journal.append(RecordKind.FILL, fill.order_id, fill)
    journal.flush()
    journal.append(RecordKind.FILL, FILL.order_id, again)
    journal.flush()
    assert journal.fills() == [FILL, elsewhere]
    assert journal.fills(order_id="o2") == [elsewhere]
    assert journal.fills(symbol="AAPL", limit=5) == [FILL]
    assert journal.fills(after=7) == [FILL]
    assert journal.counts() == {"fill": 5}


def test_a_fill_is_known_from_the_moment_it_is_appended(make):
    journal = make(inline=True)
    assert not journal.has_fill("okx", "main", "x1")
    journal.append(RecordKind.FILL, FILL.order_id, FILL)
    assert journal.fills() == []  # not committed yet
    assert journal.has_fill("okx", "main", "x1")
    journal.flush()
    assert journal.has_fill("okx", "main", "x1")
    assert not journal.has_fill("okx", "main", "x2")


def test_forecasts_and_resolutions(make):
    journal = make()
    later = Forecast("MSFT", 10, model="naive", forecast_id="f2", issued_at=FORECAST.due + 1)
    journal.append(RecordKind.FORECAST, "f1", FORECAST)
    journal.append(RecordKind.FORECAST, "f2", later)
    journal.flush()
    assert [t.forecast for t in journal.forecasts(state=ForecastState.OPEN, due_before=FORECAST.due + 1)] == [FORECAST]
    journal.append(RecordKind.RESOLUTION, "f1", RESOLUTION)
    journal.flush()
    tracked = journal.forecast("f1")
    assert (tracked.forecast, tracked.state, tracked.resolution) == (FORECAST, ForecastState.LATE, RESOLUTION)
    assert [t.forecast.forecast_id for t in journal.forecasts()] == ["f1", "f2"]
    assert [t.forecast for t in journal.forecasts(state=ForecastState.OPEN)] == [later]
    assert [t.forecast for t in journal.forecasts(model="naive", symbol="MSFT", limit=3)] == [later]
    assert [t.forecast for t in journal.forecasts(limit=1)] == [later]
    assert journal.forecast("f3") is None


def test_a_forecast_cannot_be_issued_again(make):
    journal = make()
    journal.append(RecordKind.FORECAST, "f1", FORECAST)
    journal.append(RecordKind.RESOLUTION, "f1", RESOLUTION)
    journal.append(RecordKind.FORECAST, "f1", Forecast("AAPL", 1, price=10.5, forecast_id="f1"))
    journal.flush()
    assert journal.forecast("f1").forecast == FORECAST
    assert journal.forecast("f1").resolution == RESOLUTION


@pytest.mark.parametrize("cut", [True, False])
def test_a_resolution_before_its_forecast_is_only_a_record_wherever_a_commit_ends(make, cut):
    journal = make()
    journal.append(RecordKind.RESOLUTION, "f1", RESOLUTION)
    if cut:
        journal.flush()
    journal.append(RecordKind.FORECAST, "f1", FORECAST)
    journal.flush()
    assert journal.forecast("f1").state is ForecastState.OPEN


@pytest.mark.parametrize(
    "body",
    [
        Verdict(False, "max_order_value", "5001 > 5000", 5000.0, 5001.0, "value"),
        Firing("moved", "AAPL", {"z": 3.1}, "price", 5, "id"),
        Gap("AAPL", 1, 2, "silence", recovered=None),
        {"nested": [1, 2.5, None, True, "ü", {"a": {}}]},
        [1, 2],
        "text",
        7,
        None,
    ],
)
def test_any_body_is_read_back_as_plain_json(make, body):
    import attrs

    journal = make()
    journal.append("anything", "s", body)
    journal.flush()
    (record,) = journal.records()
    assert record.body == (attrs.asdict(body) if attrs.has(type(body)) else body)
    assert (record.seq, record.kind, record.subject) == (1, "anything", "s")


class Level(enum.IntEnum):
    HIGH = 3


class Float64(float):
    """What numpy.float64 is: a float that is not exactly a float."""


class Int64:
    def tolist(self) -> int:
        return 42


class Scalar:
    def item(self) -> float:
        return 2.5


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, "null"),
        (-math.inf, "null"),
        (Float64(1.5), "1.5"),
        (Float64("nan"), "null"),
        (Int64(), "42"),
        (Scalar(), "2.5"),
        (Level.HIGH, "3"),
        (OrderSide.BUY, '"buy"'),
        (decimal.Decimal("0.10"), '"0.10"'),
        (datetime(2026, 1, 2, tzinfo=UTC), '"2026-01-02T00:00:00Z"'),
        (pathlib.PurePosixPath("/a/b"), '"/a/b"'),
        (ValueError("bad"), '"ValueError: bad"'),
        (int, '"builtins.int"'),
        ({"b", "a"}, '["a","b"]'),
        (collections.deque([1]), "[1]"),
        ({0.5: 1}, '{"0.5":1}'),
        ({("a", 1): 1}, """{"('a', 1)":1}"""),
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
        (2**80, str(2**80)),
        (Bar("A", 1, 2, 3, 1, 2, 5).symbol, '"A"'),
    ],
)
def test_values_that_json_does_not_have(value, text):
    assert encode(value) == text
    assert encode({"x": value}) == f'{{"x":{text}}}'


def test_what_cannot_be_written_leaves_its_repr_and_the_reason(make):
    loop: list[object] = []
    loop.append(loop)
    journal = make()
    for body in (loop, "\udc80", {"fine": 1, "odd": object()}, Broken(), {1: "\udc80"}):
        journal.append("error", "s\udc80", body)
    journal.append("error", "after", 1)
    journal.flush()
    records = list(journal.records())
    assert [sorted(r.body) for r in records[:2]] == [["error", "repr"], ["error", "repr"]]
    assert records[0].subject == "s\\udc80"
    assert records[2].body["fine"] == 1
    assert "object" in records[2].body["odd"]["error"]
    assert "Broken" in records[3].body["repr"]
    assert records[5].body == 1
    assert journal.healthy


def test_an_order_with_impossible_fields_leaves_a_record_and_no_row(make):
    journal = make()
    journal.append(RecordKind.ORDER, "o", Order("o", "A", OrderSide.BUY, 1.0, state="working"))  # not an OrderState
    journal.append(RecordKind.ORDER, "p", Order("p", "A", OrderSide.BUY, 1.0, created_at=2**80))
    journal.flush()
    assert "is_open" in next(journal.records(subject="o")).body["error"]
    assert [order.order_id for order in journal.orders()] == ["p"]
    assert journal.healthy


def test_nan_where_a_price_must_be_is_read_back_as_nan(make):
    journal = make()
    journal.append(RecordKind.ORDER, "o", Order("o", "A", OrderSide.BUY, math.nan, limit_price=math.nan))
    journal.append(RecordKind.FORECAST, "f", Forecast("A", 1, forecast_id="f", quantiles={0.5: math.nan, 0.9: 2.0}))
    journal.flush()
    (order,) = journal.orders()
    assert math.isnan(order.quantity)
    assert order.limit_price is None
    quantiles = journal.forecast("f").forecast.quantiles
    assert math.isnan(quantiles[0.5])
    assert quantiles[0.9] == 2.0


def test_fields_of_a_later_version_are_ignored(make, path):
    journal = make()
    journal.append(RecordKind.ORDER, ORDER.order_id, ORDER)
    journal.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE orders SET body = json_set(body, '$.new_field', 1)")
    connection.commit()
    connection.close()
    with JournalReader(path) as reader:
        assert reader.orders() == [ORDER]


@pytest.mark.parametrize(
    ("kind", "body", "error"),
    [
        (RecordKind.ORDER, {"order_id": "o"}, TypeError),
        (RecordKind.FILL, ORDER, TypeError),
        (RecordKind.ORDER, Order("", "A", OrderSide.BUY, 1.0), ValueError),
        (RecordKind.FILL, Fill("", "o", "A", OrderSide.BUY, 1.0, 1.0, 1), ValueError),
        (RecordKind.FORECAST, Forecast("A", 1), ValueError),
    ],
)
def test_a_body_that_does_not_belong_to_its_kind_is_the_callers_mistake(make, kind, body, error):
    journal = make()
    with pytest.raises(error, match=str(kind)):
        journal.append(kind, "s", body)
    with pytest.raises((TypeError, ValueError)):
        journal.append("state", "s", 1, state=[("only", "two")])
    assert journal.last_seq == 0


def test_state_changes_with_its_record_and_puts_travel_along(make):
    journal = make(inline=True)
    journal.put("positions", "AAPL", {"quantity": 1})
    journal.append("state", "s", {}, state=[StatePut("positions", "AAPL", {"quantity": 2}), StatePut("cash", "USD", 5.0)])
    journal.flush()
    assert journal.state("positions") == {"AAPL": {"quantity": 2}}
    journal.append("state", "s", {}, state=[StatePut("cash", "USD", 6.0)])
    journal.put("cash", "USD", 7.0)
    journal.put("cash", "EUR", 1.0)
    journal.flush()
    assert journal.state("cash") == {"EUR": 1.0, "USD": 7.0}
    journal.put("cash", "USD", None)
    journal.append("state", "s", {}, state=[StatePut("cash", "EUR", None)])
    journal.flush()
    assert journal.state("cash") == {}
    assert journal.last_seq == 3


def test_puts_come_after_the_records_of_a_long_backlog(make):
    journal = make()
    blocker = connect_writing(journal.path, Durability.WRITE, "")
    blocker.execute("BEGIN IMMEDIATE")
    for number in range(9_000):  # several commits' worth
        journal.append("x", "s", number, state=[StatePut("b", "k", number)])
    journal.put("b", "k", "last")
    blocker.execute("COMMIT")
    blocker.close()
    journal.flush()
    assert journal.state("b") == {"k": "last"}
    assert journal.durable_seq == 9_000


def test_a_put_alone_is_written_without_being_asked(make, until):
    journal = make()
    journal.put("watermark", "okx", 5)
    until(lambda: journal.state("watermark") == {"okx": 5})
    assert journal.last_seq == 0


def test_a_reopened_journal_counts_on(make):
    journal = make()
    journal.append("run", "a", 1)
    journal.close()
    journal.close()
    journal.open()
    assert (journal.last_seq, journal.durable_seq) == (1, 1)
    assert journal.append("run", "b", 2) == 2
    journal.flush()
    assert [record.seq for record in journal.records()] == [1, 2]
