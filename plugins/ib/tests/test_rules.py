"""Prices and sizes are rounded towards less risk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_async import ContractDetails, PriceIncrement

from ml4t.live.errors import BrokerRefused
from ml4t.live.model import OrderSide
from ml4t_live_ib.rules import Rules

BUY, SELL = OrderSide.BUY, OrderSide.SELL
CENTS = Rules(((0.0, 0.01),), 1.0, 1.0)
OPTION = Rules(((0.0, 0.01), (3.0, 0.05)), 1.0, 1.0)


@pytest.mark.parametrize(
    ("rules", "price", "side", "expected"),
    [
        (CENTS, 190.017, BUY, 190.01),
        (CENTS, 190.017, SELL, 190.02),
        (CENTS, 190.01, BUY, 190.01),
        (CENTS, 0.29, SELL, 0.29),  # 0.29 / 0.01 is 28.999999999999996 in floats
        (OPTION, 2.987, BUY, 2.98),
        (OPTION, 3.07, BUY, 3.05),
        (OPTION, 3.07, SELL, 3.1),
        (Rules(((0.0, 0.25),)), 6001.3, BUY, 6001.25),
        (Rules(), 1.23456, BUY, 1.23456),
    ],
)
def test_failure_19_a_limit_is_on_the_tick_and_never_worse(rules, price, side, expected):
    assert rules.limit(price, side) == expected


@pytest.mark.parametrize(
    ("rules", "quantity", "expected"),
    [(CENTS, 10.9, 10.0), (Rules((), 0.0001, 0.0), 0.12349, 0.1234), (Rules((), 100.0, 0.0), 250.0, 200.0)],
)
def test_failure_19_a_quantity_is_rounded_down(rules, quantity, expected):
    assert rules.quantity(quantity) == expected


@pytest.mark.parametrize(("rules", "quantity"), [(CENTS, 0.9), (Rules((), 1.0, 100.0), 99.0)])
def test_failure_19_a_quantity_of_which_nothing_is_left_is_refused(rules, quantity):
    with pytest.raises(BrokerRefused, match="least size"):
        rules.quantity(quantity)


def test_a_trailing_distance_is_never_wider_and_a_tick_at_least():
    assert CENTS.trail(1.239, 190.0) == 1.23
    assert OPTION.trail(0.02, 5.0) == 0.05


def test_the_market_rule_goes_before_the_least_tick():
    details = ContractDetails(minTick=0.01, minSize=1, sizeIncrement=1)
    rule = [PriceIncrement(lowEdge=0.0, increment=0.01), PriceIncrement(lowEdge=3.0, increment=0.05)]
    assert Rules.of(details, rule) == OPTION
    assert Rules.of(details, None) == CENTS


@given(price=st.floats(0.01, 1e6), side=st.sampled_from([BUY, SELL]))
def test_rounding_again_changes_nothing(price, side):
    once = CENTS.limit(price, side)
    assert CENTS.limit(once, side) == once
    assert (once <= price) if side is BUY else (once >= price)
