"""The factories of the standard checks that stand on one number, each called with a `LimitConfig`."""

from __future__ import annotations

from collections.abc import Callable

from ml4t.live.contracts.risk import RiskCheck
from ml4t.live.risk import checks
from ml4t.live.standard.risk import LimitConfig


def _from_limit(check: Callable[[float], RiskCheck]) -> Callable[[LimitConfig], RiskCheck]:
    return lambda config: check(config.limit)


max_order_value = _from_limit(checks.MaxOrderValue)
max_order_shares = _from_limit(checks.MaxOrderShares)
max_position_value = _from_limit(checks.MaxPositionValue)
max_position_shares = _from_limit(checks.MaxPositionShares)
max_total_exposure = _from_limit(checks.MaxTotalExposure)
max_price_deviation_pct = _from_limit(checks.MaxPriceDeviation)
max_spread_pct = _from_limit(checks.MaxSpread)
max_data_staleness_seconds = _from_limit(checks.MaxDataStaleness)
dedup_window_seconds = _from_limit(checks.DuplicateOrder)
