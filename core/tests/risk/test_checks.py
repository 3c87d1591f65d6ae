"""Each limit holds at the limit and not above it, counts what is pending, and refuses what it cannot judge."""

from __future__ import annotations

import math

import pytest

from ml4t.live.model import Fill, Order, OrderSide, OrderState, Quote, Verdict
from ml4t.live.risk.checks import MaxDailyLoss, MaxDrawdown, MaxOrderShares, MaxOrderValue, MaxPositionShares

S = OrderState


def ask(desk, quantity, symbol="A", **rest):
    kind = "limit" if "limit_price" in rest else "stop" if "stop_price" in rest else "market"
    return desk.broker.submit_order(symbol, quantity, order_type=kind, **rest)


def allowed(order):
    return order.state is not S.REJECTED


def refused(order, code, *, limit=None, value=None):
    assert order.state is S.REJECTED, order
    assert order.code == code
    assert order.reason
    if limit is not None:
        assert (order.verdict.limit, order.verdict.value) == (limit, pytest.approx(value))
    return True


@pytest.fixture
def make(room):
    def make(**limits):
        desk = room(**limits)
        for symbol in "ABC":
            desk.price(symbol, 100.0)
        return desk

    return make


# --- one order -----------------------------------------------------------------------------------------------------------


def test_order_value(make):
    desk = make(max_order_value=1_000)
    assert allowed(ask(desk, 10))
    assert refused(ask(desk, 10.001), "max_order_value", limit=1_000, value=1_000.1)
    assert allowed(ask(desk, 10, limit_price=50.0))
    assert refused(ask(desk, 9, limit_price=120.0), "max_order_value", value=1_080, limit=1_000)
    assert refused(ask(desk, 9, stop_price=120.0), "max_order_value", value=1_080, limit=1_000)
    assert refused(ask(desk, -10.1), "max_order_value", value=1_010, limit=1_000)
    stop_limit = {"order_type": "stop_limit", "limit_price": 90.0, "stop_price": 120.0}
    assert refused(desk.broker.submit_order("A", 9, **stop_limit), "max_order_value", value=1_080, limit=1_000)


def test_order_shares(make):
    desk = make(max_order_shares=10)
    assert allowed(ask(desk, 10))
    assert refused(ask(desk, -10.5), "max_order_shares", limit=10, value=10.5)


@pytest.mark.parametrize("limit", ["max_order_value", "max_position_value", "max_total_exposure", "max_price_deviation_pct"])
def test_without_a_price_a_limit_on_value_refuses(make, limit):
    desk = make(**{limit: 0.5 if limit.endswith("pct") else 1e9})
    assert refused(ask(desk, 1, "NEW"), "no_price")
    assert refused(ask(desk, 1, "NEW", limit_price=1.0), "no_price")


# --- positions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [1, -1])
def test_position_value_counts_what_is_pending(make, side):
    desk = make(max_position_value=3_000)
    desk.fill(ask(desk, 10 * side))
    working = ask(desk, 10 * side, limit_price=100.0)
    assert allowed(working)
    assert refused(ask(desk, 10.01 * side), "max_position_value", limit=3_000, value=3_001)
    assert allowed(ask(desk, 10 * side))
    assert refused(ask(desk, 0.01 * side), "max_position_value")
    desk.broker.cancel_order(working.order_id)
    assert refused(ask(desk, 0.01 * side), "max_position_value")  # asking for a cancel is not being cancelled
    desk.desk.order(update(working, S.CANCELLED))
    assert allowed(ask(desk, 10 * side))


def update(order, state):
    from ml4t.live.contracts import OrderUpdate

    return OrderUpdate(order.order_id, state, 1)


def test_position_shares_counts_partly_filled_and_unknown_orders(make):
    desk = make(max_position_shares=10)
    order = ask(desk, 8)
    desk.fill(order, 3)
    assert refused(ask(desk, 2.5), "max_position_shares", limit=10, value=10.5)
    assert allowed(ask(desk, 2))
    unknown = ask(desk, -8)
    desk.desk.order(update(unknown, S.UNKNOWN))
    assert refused(ask(desk, -6), "max_position_shares", limit=10, value=11)


def test_flipping_counts_as_the_position_it_leads_to(make):
    desk = make(max_position_shares=10)
    desk.fill(ask(desk, 10))
    assert refused(ask(desk, -20.5), "max_position_shares", limit=10, value=10.5)
    assert allowed(ask(desk, -20))


def test_positions_counts_symbols_that_are_held_or_being_ordered(make):
    desk = make(max_positions=2)
    desk.fill(ask(desk, 1, "A"))
    working = ask(desk, 1, "B", limit_price=50.0)
    assert refused(ask(desk, 1, "C"), "max_positions", limit=2, value=3)
    assert allowed(ask(desk, 2, "A"))
    assert allowed(ask(desk, 2, "B"))
    desk.desk.order(update(working, S.CANCELLED))
    assert refused(ask(desk, 1, "C"), "max_positions")
    for order in desk.broker.pending_orders:
        desk.desk.order(update(order, S.CANCELLED))
    assert allowed(ask(desk, 1, "C"))


def test_a_closed_position_frees_its_place(make):
    desk = make(max_positions=1)
    desk.fill(ask(desk, 1, "A"))
    desk.fill(desk.broker.close_position("A"))
    assert allowed(ask(desk, 1, "B"))


def test_total_exposure_adds_longs_and_shorts_and_what_is_pending(make):
    desk = make(max_total_exposure=4_000)
    desk.fill(ask(desk, 10, "A"))
    desk.fill(ask(desk, -10, "B"))
    assert allowed(ask(desk, 10, "A", limit_price=90.0))
    assert refused(ask(desk, 10.01, "C"), "max_total_exposure", limit=4_000, value=4_001)
    desk.price("B", 110.0)
    assert refused(ask(desk, 9.1, "C"), "max_total_exposure", limit=4_000, value=4_010)
    assert allowed(ask(desk, 9, "C"))


def test_total_exposure_of_an_order_through_zero_is_that_of_the_larger_side(make):
    desk = make(max_total_exposure=4_000)
    desk.fill(ask(desk, 30, "A"))
    desk.fill(ask(desk, 10, "B"))
    assert allowed(ask(desk, -35, "A"))  # until it fills, 30 are held
    assert refused(ask(desk, 1, "C"), "max_total_exposure", limit=4_000, value=4_100)
    assert refused(ask(desk, -6, "A", limit_price=105.0), "max_total_exposure", limit=4_000, value=30 * 105 + 1_000)


def test_a_held_symbol_without_market_data_counts_at_its_last_mark(make):
    desk = make(max_total_exposure=1_000)
    desk.desk.fill(Fill("e", "foreign", "Z", OrderSide.BUY, 9.0, 100.0, 1))
    assert refused(ask(desk, 1.5), "max_total_exposure", limit=1_000, value=1_050)
    assert allowed(ask(desk, 1))


def test_an_ordered_symbol_without_any_price_cannot_be_summed(make):
    desk = make(max_total_exposure=1e9)
    desk.desk.force(Order("f", "Z", OrderSide.BUY, 1.0))
    assert refused(ask(desk, 1), "no_price")


def test_exits_pass_the_limits_on_size_and_entries_do_not(make):
    desk = make(max_order_value=1_000, max_position_value=1_000, max_total_exposure=1_000, max_order_shares=10)
    for number in range(3):
        desk.desk.fill(Fill(f"e{number}", "foreign", "A", OrderSide.BUY, 30.0, 100.0, 1))
    assert refused(ask(desk, 1), "max_position_value")
    assert allowed(ask(desk, -60))
    assert refused(ask(desk, -31), "max_order_shares")
    assert allowed(ask(desk, -30))


def test_parts_of_an_exit_pass_although_they_add_up_to_a_hair_more(make):
    desk = make(max_position_shares=0.01, max_order_shares=0.15)
    desk.desk.fill(Fill("e", "foreign", "A", OrderSide.BUY, 0.3, 100.0, 1))
    assert allowed(ask(desk, -0.1))
    assert allowed(ask(desk, -0.2))
    assert refused(ask(desk, -0.02), "max_position_shares")


# --- prices and data -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "prices", "fine"),
    [
        (1, {"limit_price": 105.0}, True),
        (1, {"limit_price": 105.1}, False),
        (1, {"limit_price": 1.0}, True),
        (-1, {"limit_price": 95.0}, True),
        (-1, {"limit_price": 94.9}, False),
        (-1, {"limit_price": 1_000.0}, True),
        (1, {"stop_price": 150.0}, True),
        (1, {"stop_price": 94.9}, False),
        (-1, {"stop_price": 50.0}, True),
        (-1, {"stop_price": 105.1}, False),
        (1, {}, True),
    ],
)
def test_price_deviation(make, quantity, prices, fine):
    order = ask(make(max_price_deviation_pct=0.05), quantity, **prices)
    assert allowed(order) if fine else refused(order, "max_price_deviation", limit=0.05, value=0.051)


def test_spread(make):
    desk = make(max_spread_pct=0.02)
    assert refused(ask(desk, 1), "no_quote")
    now = desk.clock.now()
    desk.market.apply(Quote("A", now, 99.0, 101.0, 1, 1), now)
    assert allowed(ask(desk, 1))
    desk.market.apply(Quote("A", now, 99.0, 101.1, 1, 1), now)
    assert refused(ask(desk, 1), "max_spread", limit=0.02, value=2.1 / 100.05)


def test_staleness(make):
    desk = make(max_data_staleness_seconds=10)
    desk.wait(10)
    assert allowed(ask(desk, 1))
    desk.wait(0.001)
    assert refused(ask(desk, 2), "stale_data", limit=10, value=10.001)
    assert refused(ask(desk, 1, "NEW"), "stale_data")
    desk.price("A", 101.0)
    assert allowed(ask(desk, 2))


# --- repetition ----------------------------------------------------------------------------------------------------------


def test_the_same_order_again_is_a_duplicate_for_a_while(make):
    desk = make(dedup_window_seconds=5)
    first = ask(desk, 5)
    desk.fill(first)
    desk.wait(4.999)
    again = ask(desk, 5)
    assert refused(again, "duplicate_order", limit=5, value=4.999)
    assert first.order_id in again.reason
    desk.wait(0.001)
    assert allowed(ask(desk, 5))


@pytest.mark.parametrize(
    "other",
    [
        {"quantity": -5},
        {"quantity": 6},
        {"quantity": 5, "symbol": "B"},
        {"quantity": 5, "limit_price": 99.0},
        {"quantity": 5, "stop_price": 101.0},
    ],
    ids=repr,
)
def test_buy_5_then_something_else_is_no_duplicate(make, other):
    desk = make(dedup_window_seconds=5)
    ask(desk, 5)
    assert allowed(ask(desk, **other))


def test_what_was_refused_is_not_repeated_by_trying_again(make):
    desk = make(dedup_window_seconds=5, max_order_shares=5)
    assert refused(ask(desk, 6), "max_order_shares")
    assert refused(ask(desk, 6), "max_order_shares")


def test_orders_per_minute(make):
    desk = make(max_orders_per_minute=2, max_order_shares=5)
    assert allowed(ask(desk, 1))
    desk.wait(30)
    assert allowed(ask(desk, 2))
    assert refused(ask(desk, 9), "max_orders_per_minute", limit=2, value=3)
    desk.wait(29.999)
    assert refused(ask(desk, 3), "max_orders_per_minute")
    desk.wait(0.001)
    assert allowed(ask(desk, 3))
    assert refused(ask(desk, 4), "max_orders_per_minute")


def test_no_window_reopens_when_the_clock_goes_back(room):
    from ml4t.live.clock import SystemClock

    class Set(SystemClock):
        time = 1_700_000_000_000_000_000

        def now(self):
            return self.time

    clock = Set()
    desk = room(clock=clock, dedup_window_seconds=5, max_orders_per_minute=2)
    desk.price("A", 100.0)
    ask(desk, 5)
    clock.time -= 3_600_000_000_000
    assert refused(ask(desk, 5), "duplicate_order")
    assert allowed(ask(desk, 6))
    assert refused(ask(desk, 7), "max_orders_per_minute")
    clock.time += 3_600_000_000_000 + 59_000_000_000
    assert refused(ask(desk, 8), "max_orders_per_minute")
    clock.time += 1_000_000_000
    assert allowed(ask(desk, 8))


def test_open_orders(make):
    desk = make(max_open_orders=2)
    first = ask(desk, 1)
    ask(desk, 2, "B")
    assert refused(ask(desk, 3), "max_open_orders", limit=2, value=3)
    desk.fill(first)
    assert allowed(ask(desk, 3))


# --- assets, switch, connection ------------------------------------------------------------------------------------------


def test_asset_lists(make):
    desk = make(allowed_assets=["A", "B"], blocked_assets=["C"])
    assert allowed(ask(desk, 1, "A"))
    assert refused(ask(desk, 1, "C"), "blocked_asset")
    assert refused(ask(desk, 1, "D"), "asset_not_allowed")
    assert allowed(ask(make(blocked_assets=["C"]), 1, "D"))


def test_the_kill_switch_refuses_exits_too_until_somebody_answers_for_it(make):
    desk = make()
    desk.fill(ask(desk, 5))
    assert desk.switch.throw("something is wrong", by="ann", at=1)
    assert not desk.switch.throw("again", by="bob", at=2), "the first reason stays"
    assert refused(ask(desk, 1), "kill_switch")
    closing = desk.broker.close_position("A")
    assert refused(closing, "kill_switch")
    assert "something is wrong" in closing.reason
    with pytest.raises(ValueError, match="needs the name"):
        desk.switch.rearm("it is well", by=" ", at=3)
    assert desk.switch.rearm("it is well", by="ann", at=3, via="cli")
    assert not desk.switch.rearm("again", by="bob", at=4)
    assert allowed(ask(desk, 2))
    assert desk.switch.state() == {"on": False, "reason": "it is well", "by": "ann", "at": 3, "via": "cli"}


def test_the_kill_switch_survives_a_restart(make):
    desk, after = make(), make()
    desk.switch.throw("wrong", by="ann", at=7)
    after.switch.restore(desk.switch.state())
    assert after.switch.state() == desk.switch.state()
    assert refused(ask(after, 1), "kill_switch")


def test_nothing_is_sent_while_the_venue_is_not_ready(make):
    desk = make()
    desk.connection.down("the venue is being connected")
    order = ask(desk, 1)
    assert refused(order, "venue_not_ready")
    assert "the venue is being connected" in order.reason
    desk.connection.up()
    assert allowed(ask(desk, 2))


# --- losses --------------------------------------------------------------------------------------------------------------


def test_daily_loss_at_the_limit_refuses_entries_and_lets_exits_pass(make):
    desk = make(max_daily_loss=100)
    desk.fill(ask(desk, 10))
    desk.price("A", 90.01)
    assert allowed(ask(desk, 1))
    desk.price("A", 90.0)
    assert refused(ask(desk, 2), "max_daily_loss", limit=100, value=100)
    assert allowed(ask(desk, -5))
    desk.price("A", 99.0)
    latched = ask(desk, 3)
    assert refused(latched, "max_daily_loss")
    assert latched.reason == "the account lost 100.00 today, and the limit is 100.00"


def test_drawdown_is_from_the_highest_equity(make):
    desk = make(max_drawdown_pct=0.1)
    desk.fill(ask(desk, 1_000))
    desk.price("A", 200.0)
    desk.price("A", 180.1)
    assert allowed(ask(desk, 1))
    desk.price("A", 180.0)
    assert refused(ask(desk, 2), "max_drawdown", limit=0.1, value=0.1)


def test_a_losing_short_trips_the_loss_limit_and_opening_it_does_not(make):
    desk = make(max_daily_loss=1_000, max_drawdown_pct=0.01)
    desk.fill(ask(desk, -100))
    assert desk.losses.breached == ""
    desk.price("A", 109.9)
    assert desk.losses.breached == ""
    desk.price("A", 110.0)
    assert desk.losses.breached_limit == "max_daily_loss"


def test_loss_limits_do_not_stand_in_the_way_of_an_account_whose_balance_has_just_become_known(room):
    desk = room(cash=0.0, max_daily_loss=1_000, max_drawdown_pct=0.1)
    desk.price("A", 100.0)
    desk.portfolio.restore(100_000.0, {})
    desk.fill(ask(desk, 100))
    desk.price("A", 90.1)
    assert (desk.losses.breached, desk.losses.day_start) == ("", 100_000.0)
    desk.price("A", 90.0)
    assert desk.losses.breached_limit == "max_daily_loss"


# --- NaN, should one ever get here ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "check", [MaxOrderValue(1e9), MaxOrderShares(1e9), MaxPositionShares(1e9)], ids=lambda c: type(c).__name__
)
def test_a_quantity_that_is_no_number_is_within_no_limit(make, check):
    verdict = check.check(Order("o", "A", OrderSide.BUY, math.nan), make().books)
    assert isinstance(verdict, Verdict)
    assert not verdict.allowed


@pytest.mark.parametrize("check", [MaxDailyLoss, MaxDrawdown])
def test_an_equity_that_is_no_number_is_within_no_limit(make, check):
    desk = make()
    desk.portfolio.equity = math.nan
    assert not check(0.5, desk.losses).check(Order("o", "A", OrderSide.BUY, 1.0), desk.books).allowed
