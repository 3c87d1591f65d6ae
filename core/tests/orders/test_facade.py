"""The broker in a strategy's hands."""

from __future__ import annotations

import threading
import time

import attrs
import pytest

from ml4t.live.clock import DataClock
from ml4t.live.model import OrderSide, OrderState, OrderStatus, OrderType


@pytest.fixture
def desk(room):
    desk = room()
    desk.price("A", 100.0)
    return desk


def hold(desk, symbol, quantity, price=100.0):
    desk.fill(desk.broker.submit_order(symbol, quantity), price=price)
    desk.broker.decide(desk.clock.now() + 1)
    desk.wait(1)


def test_an_order_is_pending_at_once_and_filled_when_the_venue_says_so(desk):
    order = desk.broker.submit_order("A", 5, reason="because")
    assert (order.status, order.cause, order.strategy) == (OrderStatus.PENDING, "because", "strategy")
    assert desk.broker.pending_orders == desk.broker.get_pending_orders("A") == [order]
    assert desk.broker.get_pending_orders("B") == []
    desk.fill(order, price=99.0, commission=1.0)
    filled = desk.broker.get_order(order.order_id)
    assert (filled.status, filled.average_price, filled.commission) == (OrderStatus.FILLED, 99.0, 1.0)
    assert desk.broker.pending_orders == []
    assert desk.broker.get_position("A").quantity == 5
    assert set(desk.broker.positions) == set(desk.broker.get_positions()) == {"A"}
    assert desk.broker.get_cash() == 100_000 - 5 * 99 - 1
    desk.price("A", 101.0)
    assert desk.broker.get_account_value() == 100_000 + 5 * 2 - 1


def test_an_order_may_be_sized_in_money_and_the_limits_hold_for_it(room):
    desk = room(max_order_value=1_000.0)
    assert "no price of A" in desk.broker.submit_order("A", notional=500.0).reason
    desk.price("A", 150.0)
    bought = desk.broker.submit_order("A", notional=500.0)
    assert (bought.state, bought.side, bought.quantity) == (OrderState.SENT, OrderSide.BUY, 3.333333333)
    limited = desk.broker.submit_order("A", None, "sell", "limit", 125.0, notional=500.0)
    assert (limited.side, limited.quantity) == (OrderSide.SELL, 4.0)
    assert desk.broker.submit_order("A", notional=-1_100.0).code == "max_order_value"
    desk.wire.capabilities = attrs.evolve(desk.wire.capabilities, fractional=False)
    assert desk.broker.submit_order("A", notional=-500.0).quantity == 3.0
    assert desk.broker.submit_order("A", notional=100.0).reason == "quantity is zero"
    assert "both given" in desk.broker.submit_order("A", 1, notional=100.0).reason


def test_the_same_decision_again_is_the_same_order(desk, room, noon):
    desk.broker.decide(noon)
    first = [desk.broker.submit_order("A", 1), desk.broker.submit_order("A", 2), desk.broker.submit_order("B", 1)]
    again = room()
    again.price("A", 100.0)
    again.broker.decide(noon)
    second = [again.broker.submit_order("A", 1), again.broker.submit_order("A", 2), again.broker.submit_order("B", 1)]
    assert [o.order_id for o in first] == [o.order_id for o in second]
    assert len({o.order_id for o in first}) == 3
    again.broker.decide(noon + 1)
    assert again.broker.submit_order("A", 1).order_id not in {o.order_id for o in first}


def test_an_earlier_moment_continues_the_last_decision(desk, noon):
    desk.broker.decide(noon)
    first = desk.broker.submit_order("A", 1)
    desk.broker.decide(noon - 5)
    assert desk.broker.submit_order("A", 1).order_id != first.order_id


def test_a_refusal_never_raises_whatever_is_asked(desk):
    for asset in ("A", "", None, ["A"], {}, 5):
        assert desk.broker.submit_order(asset, float("nan")).state is OrderState.REJECTED
    assert desk.broker.close_position(None) is None
    assert desk.broker.get_position("Z") is None
    assert desk.broker.get_order("z") is None
    assert not desk.broker.cancel_order("z")


@pytest.mark.parametrize(("quantity", "side"), [(100, OrderSide.SELL), (-100, OrderSide.BUY)])
def test_two_close_position_calls_do_not_reverse_a_position(desk, quantity, side):
    hold(desk, "A", quantity)
    order = desk.broker.close_position("A")
    assert (order.side, order.quantity, order.order_type) == (side, 100.0, OrderType.MARKET)
    assert desk.broker.close_position("A") is None
    desk.fill(order)
    assert desk.broker.close_position("A") is None
    assert desk.broker.positions == {}


def test_closing_takes_account_of_what_closes_already(desk):
    hold(desk, "A", 100)
    desk.broker.submit_order("A", -30, order_type="limit", limit_price=110.0)
    desk.broker.submit_order("A", 50, order_type="limit", limit_price=90.0)
    assert desk.broker.close_position("A").quantity == 70.0


def test_closing_in_parts_leaves_no_dust_to_close(desk):
    hold(desk, "A", 0.3)
    for part in (-0.1, -0.2):
        desk.broker.submit_order("A", part)
    assert desk.orders.working("A")[1] != 0.3
    assert desk.broker.close_position("A") is None
    hold(desk, "B", 0.1 + 0.2)
    desk.broker.submit_order("B", -0.3)
    assert desk.broker.close_position("B") is None


class YieldingClock(DataClock):
    """Lets other threads run wherever the time is read."""

    def now(self):
        time.sleep(0)
        return super().now()


class YieldingName(str):
    """And wherever a symbol is looked at."""

    __slots__ = ()

    def __str__(self):
        time.sleep(0)
        return str.__str__(self)


def test_two_threads_with_one_broker_make_two_decisions_and_never_reverse(room, noon):
    clock = YieldingClock()
    clock.advance(noon)
    desk = room(clock=clock)
    desk.price("A", 100.0)
    hold(desk, "A", 100)
    closing_quantity = desk.desk.closing_quantity

    def look_and_yield(symbol):
        quantity = closing_quantity(symbol)
        time.sleep(0)
        return quantity

    desk.desk.closing_quantity = look_and_yield
    barrier = threading.Barrier(8)
    made = []

    def work():
        barrier.wait()
        made.append(desk.broker.close_position("A"))
        made.extend(desk.broker.submit_order(YieldingName("B"), 1) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    orders = [order for order in made if order is not None]
    assert len({order.order_id for order in orders}) == len(orders) == 401
    assert desk.orders.working("A") == (0.0, 100.0)
    assert len(desk.wire.sent) == 402
