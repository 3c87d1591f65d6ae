"""What stops a symbol or a strategy by itself: what is counted, what begins anew, and what a restart still knows."""

from __future__ import annotations

import json

import attrs
import pytest

from ml4t.live.model import Fill, Order, OrderSide, OrderState, Verdict
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.risk.latches import Latches
from ml4t.live.times import NANOS

S = OrderState


def latches(**limits):
    return Latches(LiveRiskConfig(**{"max_consecutive_rejects": 3, "max_strategy_fills_per_minute": 3} | limits))


def seen(latch, *states, symbol="A", order_id="1"):
    """Let the latch see an order in these states; return what it throws at last."""
    return [latch.rejects.on_order(Order(order_id, symbol, OrderSide.BUY, 1.0, state=state)) for state in states][-1]


def filled(latch, *seconds, strategy="Mine"):
    fill = Fill("x", "1", "A", OrderSide.BUY, 1.0, 100.0, 0)
    return [latch.throttle.on_fill(attrs.evolve(fill, time=second * NANOS), strategy) for second in seconds][-1]


def again(latch, **limits):
    """What a restart makes of it, by way of the journal's JSON."""
    other = latches(**limits)
    other.restore(json.loads(json.dumps(latch.state())))
    return other


@pytest.mark.parametrize("between", [S.WORKING, S.PARTIALLY_FILLED, S.FILLED])
def test_an_order_that_the_venue_takes_ends_the_row(between):
    latch = latches()
    assert seen(latch, S.REJECTED, S.REJECTED) is None
    assert seen(latch, between, order_id="2") is None
    assert seen(latch, S.REJECTED, S.REJECTED, order_id="3") is None
    scope, why = seen(latch, S.REJECTED, order_id="4")
    assert scope == "symbol:A"
    assert "refused 3 orders for A in a row" in why


def test_an_order_that_is_acknowledged_and_then_refused_ends_no_row():
    latch = latches()
    thrown = [seen(latch, S.SENT, S.WORKING, S.REJECTED, order_id=str(n)) for n in range(3)]
    assert [each is not None for each in thrown] == [False, False, True]


def test_each_symbol_has_its_own_row_and_what_was_refused_here_is_in_none():
    latch = latches()
    assert seen(latch, S.REJECTED, S.REJECTED, symbol="A") is None
    assert seen(latch, S.REJECTED, S.REJECTED, symbol="B") is None
    ours = Order("9", "A", OrderSide.BUY, 1.0, state=S.REJECTED, verdict=Verdict(False, "x", "y"))
    assert latch.rejects.on_order(ours) is None
    assert seen(latch, S.REJECTED, symbol="B")[0] == "symbol:B"


def test_a_row_that_has_stopped_a_symbol_begins_anew():
    latch = latches()
    assert seen(latch, S.REJECTED, S.REJECTED, S.REJECTED) is not None
    assert seen(latch, S.REJECTED, S.REJECTED) is None


def test_a_row_goes_on_after_a_restart():
    latch = latches()
    seen(latch, S.REJECTED, S.REJECTED)
    assert seen(again(latch), S.REJECTED, order_id="2")[0] == "symbol:A"
    assert seen(again(latch, max_consecutive_rejects=None), S.REJECTED) is None


def test_the_executions_of_a_minute_are_known_after_a_restart():
    latch = latches()
    assert filled(latch, 0, 10, 20) is None
    assert filled(again(latch), 30)[0] == "strategy:Mine"
    assert filled(again(latch), 60) is None, "the first is a minute ago"
    assert filled(again(latch), 30, strategy="Other") is None
    assert filled(again(latch, max_strategy_fills_per_minute=2), 70, 80, 90)[0] == "strategy:Mine"


def test_a_clock_set_back_reopens_no_window():
    latch = latches()
    assert filled(latch, 100, 100, 100) is None
    assert filled(latch, 0) is not None


def test_what_is_off_keeps_nothing():
    latch = latches(max_consecutive_rejects=None, max_strategy_fills_per_minute=None)
    assert seen(latch, *[S.REJECTED] * 9) is None
    assert filled(latch, *range(9)) is None
    assert latch.state() == {"rejects": {}, "fills": {}}
