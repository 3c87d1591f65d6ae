"""The standard checks, each put through the conformance kit."""

from __future__ import annotations

import asyncio

import pytest

from ml4t.live.clock import SystemClock
from ml4t.live.contracts import RiskCheck
from ml4t.live.risk.checks import standard_checks
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.risk.loss import LossWatch
from ml4t.live.risk.switch import Connection, Switch
from ml4t.live.testing import RiskCheckRig, check_risk_check
from ml4t.live.testing.conformance.risk_check.rig import TUESDAY

LIMITS = LiveRiskConfig(
    allowed_assets=["AAA", "BBB"],
    allow_shorts=False,
    allowed_order_types=["market", "limit"],
    asset_groups={"letters": ["AAA", "BBB"]},
    check_buying_power=True,
    dedup_window_seconds=5,
    lot_size=1,
    max_clock_skew_seconds=1e12,
    max_daily_loss=1_000,
    max_daily_turnover=50_000,
    max_data_staleness_seconds=60,
    max_drawdown_pct=0.1,
    max_fills_per_minute=10,
    max_group_exposure=50_000,
    max_jump_sigmas=10,
    max_leverage=2,
    max_long_value=50_000,
    max_losing_streak=3,
    max_market_deviation_pct=0.05,
    max_messages_per_hour=100,
    max_messages_per_minute=100,
    max_messages_per_second=100,
    max_net_exposure=50_000,
    max_open_orders=10,
    max_open_orders_per_symbol=5,
    max_order_shares=1_000,
    max_order_to_fill_ratio=10,
    max_order_value=50_000,
    max_orders_per_decision=5,
    max_orders_per_minute=10,
    max_position_shares=1_000,
    max_position_value=50_000,
    max_positions=5,
    max_price_deviation_pct=0.05,
    max_price_drift_pct=0.05,
    max_short_value=50_000,
    max_silence_seconds=60,
    max_spread_pct=0.01,
    max_strategy_loss=1_000,
    max_strategy_value=50_000,
    max_symbol_loss=1_000,
    max_total_exposure=50_000,
    max_volume_pct=0.5,
    min_order_value=10,
    prevent_self_match=True,
    price_tick=0.01,
    ramp_up_order_value=50_000,
    ramp_up_orders=10,
    ramp_up_seconds=60,
    refuse_locked_book=True,
    trade_only_in_session=True,
)

EXEMPT = {"clock_skew": {"it_reads_the_books_and_nothing_else": "it is there to look at the machine's clocks"}}


def checks() -> dict[str, RiskCheck]:
    connection = Connection()
    connection.up()
    losses = LossWatch(LIMITS)
    losses.roll(TUESDAY, 100_000.0)
    return dict(standard_checks(LIMITS, Switch(), connection, losses, SystemClock()))


@pytest.mark.parametrize("name", checks())
def test_a_standard_check_is_conformant(name):
    def rig():
        return RiskCheckRig(check=lambda: checks()[name], exempt=EXEMPT.get(name, {}))

    asyncio.run(check_risk_check(rig)).raise_if_failed()


def test_every_check_that_there_is_takes_part():
    from ml4t.live.risk import checks as package

    kinds = {name for name in package.__all__ if name[0].isupper()}
    assert {type(check).__name__ for check in checks().values()} == kinds
