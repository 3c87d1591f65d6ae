"""The checks that are off by default: each holds at its limit, refuses above it, and refuses without its input."""

from __future__ import annotations

import math

import pytest

from ml4t.live.contracts import OrderUpdate
from ml4t.live.model import Account, Bar, Order, OrderSide, OrderState, OrderType, Quote
from ml4t.live.risk.checks import ClockSkew, LosingStreak, MaxMessages, standard_checks
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.risk.loss import LossWatch
from ml4t.live.risk.switch import Connection, Switch
from ml4t.live.risk.tallies import KEPT

SECOND = 1_000_000_000
S = OrderState


def ask(desk, quantity, symbol="A", **rest):
    kind = "limit" if "limit_price" in rest else "stop" if "stop_price" in rest else "market"
    return desk.broker.submit_order(symbol, quantity, **({"order_type": kind} | rest))


def allowed(order):
    assert order.state is not S.REJECTED, (order.code, order.reason)
    return True


def refused(order, code, *, limit=None, value=None):
    assert order.state is S.REJECTED, order
    assert (order.code, order.verdict.check != "", order.reason != "") == (code, True, True)
    if limit is not None:
        assert (order.verdict.limit, order.verdict.value) == (limit, pytest.approx(value))
    return True


def quote(desk, bid, ask, symbol="A"):
    desk.market.apply(Quote(symbol, desk.clock.now(), bid, ask, 1.0, 1.0), desk.clock.now())


def end(desk, order, state=S.CANCELLED):
    desk.desk.order(OrderUpdate(order.order_id, state, 1))


@pytest.fixture
def make(room):
    def make(**limits):
        desk = room(**limits)
        for symbol in "ABC":
            desk.price(symbol, 100.0)
        return desk

    return make


# --- prices --------------------------------------------------------------------------------------------------------------


def test_price_drift_is_judged_against_twenty_observations_ago(make):
    desk = make(max_price_drift_pct=0.1)
    for _ in range(19):
        desk.price("A", 105.0)
    assert allowed(ask(desk, 1, limit_price=110.0))
    assert refused(ask(desk, 1, limit_price=110.1), "max_price_drift", limit=0.1, value=0.101)
    assert allowed(ask(desk, -1, limit_price=200.0))  # waits, and hurts nobody
    assert refused(ask(desk, -1, limit_price=89.0), "max_price_drift")
    desk.price("A", 105.0)
    desk.price("A", 105.0)  # the first price has left the window
    assert allowed(ask(desk, 2, limit_price=115.5))


@pytest.mark.parametrize("limit", ["max_price_drift_pct", "max_market_deviation_pct"])
def test_a_collar_without_a_reference_refuses(make, limit):
    desk = make(**{limit: 0.5})
    assert refused(ask(desk, 1, "NEW"), "no_reference")


def test_market_collar_judges_the_far_touch_and_the_stop(make):
    desk = make(max_market_deviation_pct=0.1)
    assert refused(ask(desk, 1), "no_reference")  # one price is no reference for itself
    desk.price("A", 100.0)
    quote(desk, 100.0, 110.0)
    assert allowed(ask(desk, 1))
    quote(desk, 85.0, 110.2)
    assert refused(ask(desk, 1), "max_market_deviation", limit=0.1, value=0.102)
    assert refused(ask(desk, -1), "max_market_deviation", limit=0.1, value=0.15)
    quote(desk, 99.0, 101.0)
    assert allowed(ask(desk, 1, stop_price=110.0))
    assert refused(ask(desk, 1, stop_price=111.0), "max_market_deviation", limit=0.1, value=0.11)
    assert allowed(ask(desk, 1, limit_price=500.0))  # the collar of limits is another


def test_market_collar_without_a_quote_judges_the_last_price(make):
    desk = make(max_market_deviation_pct=0.1)
    desk.price("A", 100.0)
    desk.price("A", 111.0)
    assert refused(ask(desk, 1), "max_market_deviation", limit=0.1, value=0.11)
    assert allowed(ask(desk, -1))


def test_order_grid(make):
    desk = make(price_tick=0.1, lot_size=5, min_order_shares=10, min_order_value=1_000)
    assert allowed(ask(desk, 10, limit_price=100.3))
    assert refused(ask(desk, 10, limit_price=100.35), "price_tick", limit=0.1, value=100.35)
    assert refused(ask(desk, 12), "lot_size", limit=5, value=12)
    assert refused(ask(desk, 5), "min_order_shares", limit=10, value=5)
    assert allowed(ask(desk, 10))
    assert refused(ask(desk, 10, limit_price=99.9), "min_order_value", limit=1_000, value=999)
    assert refused(ask(desk, 10, "NEW"), "no_price")


def test_volume_share(make):
    desk = make(max_volume_pct=0.1)
    for number in range(3):
        start = desk.clock.now() + number * 60 * SECOND
        desk.market.apply(Bar("V", start, 10.0, 10.0, 10.0, 10.0, 100.0 * (number + 1), 60 * SECOND), start + 60 * SECOND)
    assert allowed(ask(desk, 20, "V"))
    assert refused(ask(desk, 20.2, "V"), "max_volume_share", limit=0.1, value=0.101)
    assert refused(ask(desk, 1, "NEW"), "no_volume")


# --- rates ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("window", "seconds"), [("second", 1), ("minute", 60), ("hour", 3_600)])
def test_messages_count_orders_refusals_and_cancels_and_cancels_always_go(make, window, seconds):
    code = f"max_messages_per_{window}"
    desk = make(**{code: 4}, max_order_shares=10)
    first = ask(desk, 1)
    assert refused(ask(desk, 11), "max_order_shares")
    assert desk.broker.cancel_order(first.order_id)
    assert allowed(ask(desk, 1))
    assert refused(ask(desk, 1), code, limit=4, value=5)
    assert desk.broker.cancel_order(first.order_id)
    desk.wait(seconds - 0.001)
    assert refused(ask(desk, 1), code)
    desk.wait(seconds)
    assert allowed(ask(desk, 1))


def test_more_messages_than_are_remembered_cannot_be_limited():
    with pytest.raises(ValueError, match=r"max_messages_per_hour = 20001: at most 20,000 messages"):
        MaxMessages(KEPT + 1, 3_600, "max_messages_per_hour")


def test_order_to_fill_ratio(make):
    desk = make(max_order_to_fill_ratio=2)
    order = ask(desk, 1)
    assert allowed(ask(desk, 1))
    assert refused(ask(desk, 1), "max_order_to_fill_ratio", limit=2, value=3)
    desk.fill(order, 0.5)
    desk.fill(order, 0.5)
    assert allowed(ask(desk, 1))


def test_fills_per_minute_count_open_orders(make):
    desk = make(max_fills_per_minute=2)
    order = ask(desk, 1)
    other = ask(desk, 1, "B")
    assert refused(ask(desk, 1, "C"), "max_fills_per_minute", limit=2, value=3)
    desk.fill(order)
    assert refused(ask(desk, 1, "C"), "max_fills_per_minute", limit=2, value=3)
    end(desk, other, S.UNKNOWN)
    assert refused(ask(desk, 1, "C"), "max_fills_per_minute")
    end(desk, other)
    assert allowed(ask(desk, 1, "C"))


def test_orders_per_decision(make):
    desk = make(max_orders_per_decision=2)
    assert refused(ask(desk, 1), "no_cause")
    for _ in range(2):
        assert allowed(ask(desk, 1, reason="firing 1"))
    assert refused(ask(desk, 1, reason="firing 1"), "max_orders_per_decision", limit=2, value=3)
    assert allowed(ask(desk, 1, "B", reason="firing 1"))
    assert allowed(ask(desk, 1, reason="firing 2"))


def test_open_orders_per_symbol(make):
    desk = make(max_open_orders_per_symbol=1)
    order = ask(desk, 1, limit_price=90.0)
    end(desk, order, S.UNKNOWN)
    assert refused(ask(desk, 1), "max_open_orders_per_symbol", limit=1, value=2)
    assert allowed(ask(desk, 1, "B"))
    end(desk, order)
    assert allowed(ask(desk, 1))


# --- sums of positions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sign", "code"), [(1, "max_long_value"), (-1, "max_short_value")])
def test_long_and_short_sums_count_what_is_open(make, sign, code):
    desk = make(**{code: 3_000})
    desk.fill(ask(desk, 10 * sign))
    unknown = ask(desk, 10 * sign, "B")
    end(desk, unknown, S.UNKNOWN)
    assert allowed(ask(desk, -50 * sign, "C"))
    assert refused(ask(desk, 10.01 * sign, "A"), code, limit=3_000, value=3_001)
    assert allowed(ask(desk, 10 * sign, "A"))


def test_net_exposure(make):
    desk = make(max_net_exposure=2_000)
    desk.fill(ask(desk, 20))
    assert refused(ask(desk, 0.1, "B"), "max_net_exposure", limit=2_000, value=2_010)
    desk.fill(ask(desk, -30, "B"))
    assert allowed(ask(desk, 30, "C"))
    assert allowed(ask(desk, -10, "C"))
    assert refused(ask(desk, -0.1, "C"), "max_net_exposure", limit=2_000, value=2_010)


def test_leverage(make):
    desk = make(max_leverage=2)
    assert allowed(ask(desk, 1_000))
    assert refused(ask(desk, 1_000.1, "B"), "max_leverage", limit=2, value=2.0001)
    assert allowed(ask(desk, 1_000, "B"))
    desk.portfolio.restore(-1.0, {})
    assert refused(ask(desk, 1, "C"), "max_leverage", limit=2, value=-1.0)


def test_buying_power_of_cash_deducts_open_orders(make):
    desk = make(check_buying_power=True)
    assert allowed(ask(desk, 600, "A"))
    assert refused(ask(desk, 400.1, "B"), "buying_power", limit=40_000, value=40_010)
    assert allowed(ask(desk, 400, "B"))
    assert refused(ask(desk, 1, "NEW"), "no_price")


def test_buying_power_of_the_venue_wins_and_closing_is_free(make):
    desk = make(check_buying_power=True)
    desk.fill(ask(desk, 10))
    desk.desk.account(Account("a", "paper", "USD", 99_000.0, 100_000.0, 1, buying_power=500.0))
    assert allowed(ask(desk, 5))
    assert refused(ask(desk, 1), "buying_power", limit=0, value=100)
    assert allowed(ask(desk, -10))
    assert refused(ask(desk, -1), "buying_power", limit=0, value=100)


def test_buying_power_is_unknown_while_an_open_order_has_no_price(make):
    desk = make(check_buying_power=True)
    desk.desk.force(Order("f", "Z", OrderSide.BUY, 1.0))
    assert refused(ask(desk, 1), "no_buying_power")


def test_group_exposure(make):
    desk = make(max_group_exposure=2_000, asset_groups={"tech": ["A", "B"], "energy": ["C"]})
    desk.fill(ask(desk, 10, "A"))
    end(desk, ask(desk, -5, "B"), S.UNKNOWN)
    assert refused(ask(desk, 5.1, "A"), "max_group_exposure", limit=2_000, value=2_010)
    assert allowed(ask(desk, 5, "A"))
    assert allowed(ask(desk, 20, "C"))
    desk.price("D", 100.0)
    assert allowed(ask(desk, 1_000, "D"))


def test_strategy_value_counts_its_own_orders_only(make):
    desk = make(max_strategy_value=2_000)
    desk.fill(ask(desk, 10))
    assert allowed(ask(desk, 5, "B"))
    foreign = Order("o", "C", OrderSide.BUY, 20.0, created_at=desk.clock.now(), strategy="other")
    assert allowed(desk.desk.submit(foreign))
    assert refused(ask(desk, 5.1, "C"), "max_strategy_value", limit=2_000, value=2_010)
    assert allowed(ask(desk, 5, "C"))


def test_the_exits_of_a_bracket_count_no_more_than_what_they_close(make):
    desk = make(max_strategy_value=2_000, max_short_value=500, max_long_value=1_500)
    entry, profit, loss = desk.broker.submit_bracket("A", 10, 110, 90)
    assert all(allowed(order) for order in (entry, profit, loss))
    assert refused(ask(desk, 10.1, "B"), "max_long_value")
    assert allowed(ask(desk, 5, "B"))
    desk.fill(entry)
    assert allowed(ask(desk, -5, "C")), "they close what is held, and go short of nothing"
    assert refused(ask(desk, -0.1, "C"), "max_short_value", limit=500, value=510)


@pytest.mark.parametrize(
    "limit", ["max_long_value", "max_net_exposure", "max_leverage", "max_strategy_value", "max_daily_turnover"]
)
def test_a_sum_without_a_price_refuses(make, limit):
    desk = make(**{limit: 1e9})
    assert refused(ask(desk, 1, "NEW"), "no_price")
    if limit != "max_daily_turnover":
        desk.desk.force(Order("f", "Z", OrderSide.BUY, 1.0, strategy="strategy"))
        assert refused(ask(desk, 1), "no_price")


# --- the day -------------------------------------------------------------------------------------------------------------


def test_daily_turnover_counts_what_was_sent_and_begins_again(make):
    desk = make(max_daily_turnover=2_000)
    end(desk, ask(desk, 10))
    assert refused(ask(desk, 10.1), "max_daily_turnover", limit=2_000, value=2_010)
    assert allowed(ask(desk, 10))
    desk.books.tallies.begin_day(desk.books.mark)
    assert allowed(ask(desk, 20))


@pytest.mark.parametrize("code", ["max_symbol_loss", "max_strategy_loss"])
def test_loss_of_a_symbol_and_of_a_strategy(make, code):
    desk = make(**{code: 100})
    desk.fill(ask(desk, 10), commission=1.0)
    desk.price("A", 90.2)
    assert allowed(ask(desk, 1))
    desk.price("A", 90.1)
    assert refused(ask(desk, 1), code, limit=100, value=100)
    assert allowed(ask(desk, -10))
    other = ask(desk, 1, "B")
    assert allowed(other) if code == "max_symbol_loss" else refused(other, code)
    desk.books.tallies.begin_day(desk.books.mark)
    assert allowed(ask(desk, 1))
    desk.price("A", 79.0)
    assert refused(ask(desk, 1), code, limit=100, value=111)


def test_a_loss_without_a_mark_refuses(make):
    desk = make(max_symbol_loss=100)
    desk.fill(ask(desk, 10))
    desk.portfolio.restore(0.0, {})
    desk.market._symbols.clear()
    assert refused(ask(desk, 10), "no_price")


def lose(desk, price):
    desk.fill(ask(desk, 10))
    desk.fill(ask(desk, -10), 5, price)
    desk.fill(desk.orders.open_orders[-1], price=price)


def test_losing_streak_counts_orders_and_cools_down(make):
    desk = make(max_losing_streak=2, losing_streak_cooldown_seconds=60)
    lose(desk, 99.0)
    lose(desk, 101.0)
    lose(desk, 99.0)
    assert desk.books.tallies.losing_streak == 1
    lose(desk, 99.0)
    assert refused(ask(desk, 1), "max_losing_streak", limit=2, value=2)
    desk.wait(59)
    assert refused(ask(desk, 1), "max_losing_streak")
    desk.wait(1)
    assert allowed(ask(desk, 1))


def test_a_losing_streak_without_a_cooldown_lasts_until_the_day_ends(make):
    desk = make(max_losing_streak=1)
    lose(desk, 99.0)
    desk.wait(3_600)
    assert refused(ask(desk, 1), "max_losing_streak")
    desk.books.tallies.begin_day(desk.books.mark)
    assert allowed(ask(desk, 1))


# --- data, clocks, our own orders ----------------------------------------------------------------------------------------


def test_silence_is_the_time_of_receipt(make):
    desk = make(max_silence_seconds=10)
    desk.wait(10)
    assert allowed(ask(desk, 1))
    desk.wait(0.001)
    assert refused(ask(desk, 1), "silent_data", limit=10, value=10.001)
    assert refused(ask(desk, 1, "NEW"), "silent_data")


def test_locked_book(make):
    desk = make(refuse_locked_book=True)
    assert refused(ask(desk, 1), "no_quote")
    quote(desk, 100.0, 100.0)
    assert refused(ask(desk, 1), "locked_book", limit=100, value=100)
    quote(desk, 100.0, 100.01)
    assert allowed(ask(desk, 1))


def test_jump(make):
    desk = make(max_jump_sigmas=4)
    desk.price("A", 101.0)
    assert refused(ask(desk, 1), "no_volatility")
    desk.price("A", 101.0 * 1.0399)
    assert allowed(ask(desk, 1))
    again = make(max_jump_sigmas=4)
    again.price("A", 101.0)
    again.price("A", 101.0 * 1.0401)
    assert refused(ask(again, 1), "max_jump", limit=4, value=4.01)


class Clock:
    simulated = False

    def __init__(self):
        self.wall, self.steady = 1_000 * SECOND, 5 * SECOND

    def now(self):
        return self.wall

    def monotonic(self):
        return self.steady


@pytest.mark.parametrize("sign", [1, -1])
def test_a_clock_that_was_set_refuses(make, sign):
    desk, clock = make(), Clock()
    check = ClockSkew(2, clock)
    order = Order("o", "A", OrderSide.BUY, 1.0)
    desk.books.now = desk.clock.now()
    clock.wall, clock.steady = clock.wall + 60 * SECOND, clock.steady + 60 * SECOND
    assert check.check(order, desk.books).allowed
    clock.wall += sign * 2 * SECOND
    assert check.check(order, desk.books).allowed
    clock.wall += sign
    assert check.check(order, desk.books).code == "clock_jump"


def test_data_from_the_future_show_a_skew(make):
    desk = make(max_clock_skew_seconds=2)
    desk.price("A", 100.0, at=desk.clock.now() + 2 * SECOND)
    assert allowed(ask(desk, 1))
    desk.price("A", 100.0, at=desk.clock.now() + 2 * SECOND + 1)
    assert refused(ask(desk, 1), "clock_skew", limit=2, value=2.000000001)
    assert refused(ask(desk, 1, "NEW"), "clock_skew")


def test_self_match(make):
    desk = make(prevent_self_match=True)
    quote(desk, 99.0, 101.0)
    resting = ask(desk, -1, limit_price=105.0)
    assert refused(ask(desk, 1, limit_price=105.0), "self_match", limit=105, value=105)
    assert allowed(ask(desk, 1, limit_price=104.99))
    assert allowed(ask(desk, 1))  # the market is at 101: ours is behind it
    assert refused(ask(desk, -1, limit_price=104.0), "self_match")  # our market order may be anywhere
    end(desk, resting, S.UNKNOWN)
    quote(desk, 104.0, 105.0)
    assert refused(ask(desk, 2), "self_match", limit=105, value=105)
    assert allowed(ask(desk, 2, stop_price=106.0))
    end(desk, resting)
    assert allowed(ask(desk, 2))


def test_a_market_order_without_any_price_could_meet_anything(make):
    desk = make(prevent_self_match=True)
    desk.desk.force(Order("f", "Z", OrderSide.SELL, 1.0, OrderType.LIMIT, 5.0))
    assert refused(ask(desk, 1, "Z"), "self_match")
    assert allowed(ask(desk, 1, "Z", limit_price=4.0))


def test_short_sales(make):
    desk = make(allow_shorts=False)
    desk.fill(ask(desk, 10))
    assert refused(ask(desk, -10.1), "no_shorts", limit=10, value=10.1)
    assert allowed(ask(desk, -6))
    assert refused(ask(desk, -4.1), "no_shorts", limit=4, value=4.1)
    assert allowed(ask(desk, -4))
    located = make(shortable_assets=["B"])
    assert refused(ask(located, -1), "not_shortable")
    assert allowed(ask(located, -1, "B"))


def test_order_kinds(make):
    desk = make(allowed_order_types=["limit"], allowed_times_in_force=["day"])
    assert refused(ask(desk, 1), "order_type_not_allowed")
    assert refused(ask(desk, 1, limit_price=90.0), "time_in_force_not_allowed")
    assert allowed(ask(desk, 1, limit_price=90.0, time_in_force="day"))
    with pytest.raises(ValueError, match=r"allowed_order_types = \['limt'\]: must be among market, limit"):
        LiveRiskConfig(allowed_order_types=["limt"])


def test_ramp_up(make):
    desk = make(ramp_up_seconds=60, ramp_up_order_value=1_000, ramp_up_orders=2)
    assert refused(ask(desk, 10.1), "ramp_up_order_value", limit=1_000, value=1_010)
    assert refused(ask(desk, 1, "NEW"), "no_price")
    assert allowed(ask(desk, 10))
    desk.wait(59)
    assert allowed(ask(desk, 1))
    assert refused(ask(desk, 1), "ramp_up_orders", limit=2, value=3)
    desk.wait(1)
    assert allowed(ask(desk, 500))


# --- all of them ---------------------------------------------------------------------------------------------------------

ARMED = {
    "max_price_drift_pct": 0.5,
    "max_market_deviation_pct": 0.5,
    "price_tick": 0.01,
    "max_volume_pct": 0.5,
    "max_messages_per_second": 2,
    "max_messages_per_minute": 2,
    "max_messages_per_hour": 2,
    "max_order_to_fill_ratio": 2,
    "max_orders_per_decision": 2,
    "max_open_orders_per_symbol": 2,
    "max_long_value": 1e3,
    "max_short_value": 1e3,
    "max_strategy_value": 1e3,
    "max_net_exposure": 1e3,
    "max_leverage": 2,
    "max_daily_turnover": 1e3,
    "max_fills_per_minute": 2,
    "max_symbol_loss": 1e3,
    "max_strategy_loss": 1e3,
    "max_losing_streak": 2,
    "max_silence_seconds": 1,
    "max_jump_sigmas": 2,
    "max_clock_skew_seconds": 1,
    "check_buying_power": True,
    "refuse_locked_book": True,
    "prevent_self_match": True,
    "allow_shorts": False,
    "allowed_order_types": ["limit"],
}


@pytest.mark.parametrize("field", ARMED)
def test_a_field_that_is_set_arms_exactly_one_check(room, field):
    desk = room(**{field: ARMED[field]})
    assert len(set(desk.gate.names) - set(room().gate.names)) == 1


VALUED = [
    "max_price_drift_pct",
    "max_market_deviation_pct",
    "max_long_value",
    "max_strategy_value",
    "max_net_exposure",
    "max_leverage",
    "max_daily_turnover",
    "max_symbol_loss",
    "max_strategy_loss",
    "max_jump_sigmas",
    "check_buying_power",
]


@pytest.mark.parametrize("field", VALUED)
def test_not_a_number_is_never_within_a_limit(room, field):
    desk = room(**{field: ARMED[field]})
    for _ in range(4):
        desk.price("A", 100.0)
    desk.desk.force(Order("f", "A", OrderSide.BUY, 1.0, strategy="strategy"))
    desk.fill(desk.orders.get("f"))
    assert allowed(ask(desk, 1))
    state = desk.market._symbols["A"]
    state.price = math.nan
    state.prices.append(math.nan)
    assert ask(desk, 1).state is S.REJECTED


def test_no_window_reopens_when_the_clock_is_set_back(make):
    desk = make(max_messages_per_minute=2, max_fills_per_minute=1, max_losing_streak=1, losing_streak_cooldown_seconds=60)
    tallies = desk.books.tallies
    for moment in (100 * SECOND, 40 * SECOND):
        tallies.messages.add(moment)
        tallies.fills.add(moment)
    assert tallies.messages.since(99 * SECOND) == tallies.fills.since(99 * SECOND) == 2
    assert tallies.messages.since(0) == 2
    tallies.losing_streak, tallies.last_loss_at = 1, 100 * SECOND
    desk.books.now = 40 * SECOND
    order = Order("o", "A", OrderSide.BUY, 1.0)
    assert not LosingStreak(1, 60.0).check(order, desk.books).allowed


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"ramp_up_orders": 3}, "ramp_up_seconds"),
        ({"max_group_exposure": 3}, "asset_groups"),
        ({"losing_streak_cooldown_seconds": 3}, "max_losing_streak"),
        ({"asset_groups": ["A"]}, "asset_groups"),
        ({"asset_groups": {"tech": "A"}}, "asset_groups.tech"),
    ],
)
def test_half_a_limit_is_refused(limits, named):
    with pytest.raises(ValueError, match=named):
        LiveRiskConfig(**limits)


def test_every_check_has_a_name_of_its_own(room):
    desk = room()
    limits = LiveRiskConfig(**ARMED, max_group_exposure=1, asset_groups={"g": ["A"]}, ramp_up_seconds=1)
    names = [name for name, _ in standard_checks(limits, Switch(), Connection(), LossWatch(limits), desk.clock)]
    assert len(names) == len(set(names))


def test_open_orders_that_close_more_than_is_held_use_buying_power(make):
    desk = make(check_buying_power=True)
    desk.fill(ask(desk, 10))
    desk.desk.account(Account("a", "paper", "USD", 99_000.0, 100_000.0, 1, buying_power=1_000.0))
    assert allowed(ask(desk, -6))
    assert allowed(ask(desk, -7))  # 3 of the 13 open a short position: 300 of the 1,000 are taken
    assert refused(ask(desk, 7.1, "B"), "buying_power", limit=700, value=710)
    assert allowed(ask(desk, 7, "B"))


def test_cancels_are_never_starved_by_the_rate_limit(make):
    desk = make(max_messages_per_second=10)
    orders = [desk.broker.submit_order("A", 1, "buy", "limit", 90.0 + number) for number in range(20)]
    accepted = [order for order in orders if not order.code]
    assert len(accepted) == 8, "a fifth of the messages is kept for cancels"
    for order in accepted:
        assert desk.broker.cancel_order(order.order_id)
    assert len(desk.wire.cancels) == 8
    assert desk.broker.submit_order("A", 1).code == "max_messages_per_second"
