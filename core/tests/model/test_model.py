"""The words of the domain: frozen, slotted, and right about themselves."""

from __future__ import annotations

from decimal import Decimal

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live import model
from ml4t.live.model import (
    ALLOW,
    Bar,
    Fill,
    Forecast,
    Funding,
    Instrument,
    Order,
    OrderSide,
    OrderState,
    OrderStatus,
    Position,
    Quote,
    Trade,
    refuse,
)

CLASSES = [thing for thing in vars(model).values() if isinstance(thing, type) and attrs.has(thing)]
EVENTS = [
    Trade("A", 1, 2.0, 3.0),
    Quote("A", 1, 2.0, 3.0, 4.0, 5.0),
    Bar("A", 1, 1.0, 2.0, 0.5, 1.5, 10.0, 60),
    Funding("A", 1, 0.1),
]
ORDER = Order("o", "A", OrderSide.BUY, 10.0)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_everything_is_frozen_and_slotted(kind):
    made = object.__new__(kind)
    assert not hasattr(made, "__dict__")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(made, attrs.fields(kind)[0].name, 1)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_market_events_are_frozen_and_survive_json(event):
    with pytest.raises(AttributeError, match="immutable"):
        event.symbol = "B"
    read = msgspec.json.decode(msgspec.json.encode(event), type=Trade | Quote | Bar | Funding)
    assert read == event
    assert event.receive_time is None
    assert event.source == ""


def test_derived_values():
    assert EVENTS[1].mid == 2.5
    assert EVENTS[2].end_time == 61
    assert Forecast("A", 5, issued_at=7).due == 12
    assert (OrderSide.BUY.sign, OrderSide.SELL.sign) == (1, -1)
    assert Fill("e", "o", "A", OrderSide.SELL, 2.0, 1.0, 1).signed_quantity == -2.0
    assert attrs.evolve(ORDER, side=OrderSide.SELL, filled_quantity=4.0).signed_remaining == -6.0
    short = Position("A", -2.0, 10.0, 12.0, multiplier=5.0)
    assert (short.market_value, short.unrealised_pnl) == (-120.0, -20.0)
    assert (Position("A", 2.0, 10.0).market_value, Position("A", 2.0, 10.0).unrealised_pnl) == (20.0, 0.0)
    assert ALLOW.allowed
    assert refuse("code", "why", limit=1, value=2) == model.Verdict(False, "code", "why", 1, 2)


@pytest.mark.parametrize("state", list(OrderState))
def test_a_state_is_open_or_says_how_it_ended(state):
    final = {
        OrderState.FILLED: OrderStatus.FILLED,
        OrderState.CANCELLED: OrderStatus.CANCELLED,
        OrderState.EXPIRED: OrderStatus.CANCELLED,
        OrderState.REJECTED: OrderStatus.REJECTED,
    }
    order = attrs.evolve(ORDER, state=state)
    assert order.is_open is (state not in final)
    assert order.status is final.get(state, OrderStatus.PENDING)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "state": st.sampled_from(list(OrderState)),
            "filled_quantity": st.floats(0, 10),
            "average_price": st.none() | st.floats(1, 2),
            "reason": st.text(max_size=3),
            "verdict": st.just(ALLOW),
        },
    )
)
def test_a_changed_order_is_an_evolved_one(changes):
    assert ORDER.changed(**changes) == attrs.evolve(ORDER, **changes)


def test_a_field_that_does_not_exist_cannot_be_changed():
    with pytest.raises(KeyError):
        ORDER.changed(colour="red")


steps = st.sampled_from([Decimal("0.01"), Decimal("0.05"), Decimal(1), Decimal("0.00001")])
numbers = st.floats(-1e9, 1e9).map(lambda number: round(number, 6))


@given(numbers, steps)
def test_a_price_is_put_on_the_nearest_tick(price, tick):
    rounded = Instrument("A", price_tick=tick).round_price(price)
    assert rounded % tick == 0
    assert abs(rounded - Decimal(repr(price))) <= tick / 2


@given(numbers, steps)
def test_a_quantity_is_rounded_towards_less_risk(quantity, step):
    rounded = Instrument("A", quantity_step=step).round_quantity(quantity)
    exact = Decimal(repr(quantity))
    assert rounded % step == 0
    assert abs(rounded) <= abs(exact) < abs(rounded) + step
    assert rounded * exact >= 0


def test_without_a_grid_every_value_stands_as_it_is_written():
    assert Instrument("A").round_price(0.1) == Decimal("0.1")
    assert Instrument("A").round_quantity(1e-8) == Decimal("1E-8")


@pytest.mark.parametrize("wrong", [{"price_tick": Decimal(0)}, {"quantity_step": Decimal(-1)}, {"multiplier": 0.0}])
def test_an_instrument_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="must be > 0"):
        Instrument("A", **wrong)


@pytest.mark.parametrize("code", ["Closing Bell", "closing-bell", "", "late\n"])
def test_a_refusal_with_a_code_that_is_no_word_is_refused_where_it_is_made(code):
    with pytest.raises(ValueError, match="is no code; write small letters, digits and _"):
        refuse(code, "too late")
