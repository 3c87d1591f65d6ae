from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.risk.loss import LossWatch
from ml4t.live.sessions.calendar import DAY

limits = st.tuples(st.none() | st.floats(1, 500), st.none() | st.floats(0.01, 0.9))
steps = st.lists(st.one_of(st.floats(1, 2_000), st.integers(-2, 4)), max_size=40)


@given(limits, steps, st.integers(0, 40))
def test_a_breach_is_what_a_look_at_the_whole_history_says(limits, script, restart_at):
    daily, drawdown = limits
    config = LiveRiskConfig(max_daily_loss=daily, max_drawdown_pct=drawdown)
    watch = LossWatch(config)
    day, start, peak, latched = 0, 1_000.0, 1_000.0, ""
    watch.roll(0, 1_000.0)
    equity = 1_000.0
    for number, step in enumerate(script):
        if number == restart_at:
            state, watch = watch.state(), LossWatch(config)
            watch.restore(state)
        if isinstance(step, int):
            moved = step > 0
            assert watch.roll((day + step) * DAY + 5, equity) is moved
            if moved:
                day, start = day + step, equity
                latched = latched if latched == "max_drawdown" else ""
                peak = max(peak, equity)
            continue
        equity = step
        peak = max(peak, equity)
        broken = "max_drawdown" if drawdown is not None and equity <= peak * (1 - drawdown) else ""
        broken = "max_daily_loss" if daily is not None and equity <= start - daily else broken
        assert watch.mark(equity) is (bool(broken) and not latched)
        latched = latched or broken
        assert (watch.breached_limit, bool(watch.breached)) == (latched, bool(latched))


def test_a_clock_set_back_does_not_return_to_the_old_day():
    watch = LossWatch(LiveRiskConfig(max_daily_loss=10))
    assert watch.roll(5 * DAY, 100.0)
    assert watch.mark(80.0)
    assert not watch.roll(4 * DAY, 80.0)
    assert watch.breached
    assert watch.roll(6 * DAY, 80.0)
    assert not watch.breached
    assert watch.day_start == 80.0


def test_before_the_first_day_nothing_is_broken():
    watch = LossWatch(LiveRiskConfig(max_daily_loss=10))
    assert not watch.mark(100.0)
    assert not watch.mark(50.0)


def test_an_unknown_balance_is_no_balance_and_the_first_one_is_the_days_start():
    watch = LossWatch(LiveRiskConfig(max_daily_loss=10, max_drawdown_pct=0.5))
    watch.roll(DAY, 0.0)
    assert not watch.mark(0.0)
    assert not watch.mark(100.0)
    assert (watch.day_start, watch.high_water_mark) == (100.0, 100.0)
    assert not watch.mark(90.1)
    assert watch.mark(90.0)


def test_a_balance_unknown_at_a_new_day_begins_it_when_it_is_known_again():
    watch = LossWatch(LiveRiskConfig(max_daily_loss=10, max_drawdown_pct=None))
    watch.restore({"day": 1, "day_start": 300.0, "high_water_mark": 300.0, "breached": "", "breached_limit": ""})
    watch.roll(2 * DAY, 0.0)
    assert not watch.mark(200.0)
    assert watch.day_start == 200.0
    assert watch.mark(190.0)


@pytest.mark.parametrize("limits", [{"max_daily_loss": 5, "max_drawdown_pct": None}, {"max_daily_loss": None}])
def test_an_equity_that_is_no_number_breaks_a_limit(limits):
    watch = LossWatch(LiveRiskConfig(**limits))
    watch.roll(DAY, 100.0)
    assert watch.mark(math.nan)


def test_without_limits_nothing_is_broken():
    watch = LossWatch(LiveRiskConfig(max_daily_loss=None, max_drawdown_pct=None))
    watch.roll(DAY, 100.0)
    assert not watch.mark(-1e9)
    assert not watch.mark(math.nan)


def test_after_a_drawdown_trading_goes_on_once_somebody_has_resumed_and_not_before():
    watch = LossWatch(LiveRiskConfig(max_daily_loss=None, max_drawdown_pct=0.1))
    watch.roll(DAY, 100.0)
    assert watch.mark(89.0)
    assert not watch.roll(2 * DAY, 89.0) or watch.breached_limit == "max_drawdown"
    watch.rearm(89.0)
    assert (watch.breached, watch.high_water_mark) == ("", 89.0)
    assert not watch.mark(88.0)
    assert not watch.breached
    assert watch.mark(80.0)


def test_the_mark_of_the_day_begins_with_it_and_that_of_the_start_stays():
    daily = LossWatch(LiveRiskConfig(max_daily_loss=None, max_drawdown_pct=0.1, drawdown_since="day"))
    for_ever = LossWatch(LiveRiskConfig(max_daily_loss=None, max_drawdown_pct=0.1, drawdown_since="start"))
    for watch in (daily, for_ever):
        watch.roll(DAY, 100.0)
        assert watch.mark(89.0)
        watch.roll(2 * DAY, 89.0)
    assert (daily.breached, daily.high_water_mark) == ("", 89.0)
    assert (for_ever.breached_limit, for_ever.high_water_mark) == ("max_drawdown", 100.0)
    for_ever.rearm(89.0)
    assert for_ever.high_water_mark == 100.0
    assert for_ever.mark(89.0)


def test_a_deposit_is_no_profit_that_may_be_lost_and_a_withdrawal_is_not_excused():
    watch = LossWatch(LiveRiskConfig(max_daily_loss=10, max_drawdown_pct=None))
    watch.deposited(50.0)
    watch.roll(DAY, 100.0)
    watch.deposited(1_000.0)
    assert not watch.mark(1_095.0)
    assert watch.mark(1_089.0)
    careful = LossWatch(LiveRiskConfig(max_daily_loss=10, max_drawdown_pct=None))
    careful.roll(DAY, 100.0)
    careful.deposited(-50.0)
    assert careful.mark(50.0)


def test_a_resume_begins_the_day_anew_too():
    watch = LossWatch(LiveRiskConfig(max_daily_loss=10, max_drawdown_pct=None))
    watch.roll(DAY, 100.0)
    assert watch.mark(80.0)
    watch.rearm(80.0)
    assert not watch.mark(71.0)
    assert watch.mark(70.0)
