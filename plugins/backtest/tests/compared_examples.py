"""Strategies that ml4t-backtest ships: its templates with a few numbers filled in, its examples, its rebalancer."""

from __future__ import annotations

from compared_kit import Counted
from ml4t.backtest import RebalanceConfig, RebalanceSchedule, Strategy, TargetWeightExecutor
from ml4t.backtest._validation.case_study_lean import CaseStudyWeightStrategy
from ml4t.backtest.config import RebalanceMode, ShareRounding
from ml4t.backtest.example_data import ExampleRoundTrip
from ml4t.backtest.strategies import LongShortStrategy, MeanReversionStrategy, MomentumStrategy, SignalFollowingStrategy


class SignalFollower(SignalFollowingStrategy):
    signal_column = "signal"
    position_size = 0.3

    def should_enter_long(self, signal):
        return signal > 0

    def should_enter_short(self, signal):
        return signal < 0

    def should_exit(self, signal):
        return signal == 0


class Momentum(MomentumStrategy):
    lookback = 5
    position_size = 0.3


class MeanReversion(MeanReversionStrategy):
    lookback = 6
    entry_threshold = -0.8
    exit_threshold = 0.2
    position_size = 0.4


class LongShort(LongShortStrategy):
    signal_column = "signal"
    long_count = 1
    short_count = 1
    rebalance_frequency = 3


class RoundTrip(ExampleRoundTrip):
    def __init__(self):
        super().__init__("A0", 7.0)


class CaseStudy(CaseStudyWeightStrategy):
    """Rebalances on the days of a table, and keeps the last close of what does not trade on one of them."""

    def __init__(self):
        days = [f"2024-{month:02}-{day:02}" for month in (2, 3, 11) for day in range(1, 31, 3)]
        weights = ({"A0": 0.6, "A1": 0.3}, {"A0": -0.2, "A2": 0.5}, {})
        targets = {day: weights[number % 3] for number, day in enumerate(days)}
        super().__init__(["A0", "A1", "A2"], targets, set(days), {})


class Executor(Counted):
    """The rebalancer of ml4t-backtest."""

    config = RebalanceConfig(min_trade_value=10.0, allow_fractional=True, allow_short=True)
    every = 4

    def __init__(self):
        super().__init__()
        self.executor = TargetWeightExecutor(self.config)

    def on_bar(self, count, timestamp, data, context, broker):
        if count % self.every == 0 and data:
            weight = (0.9, 0.5, -0.2, 0.0)[count // 4 % 4] / len(data)
            self.executor.execute(dict.fromkeys(data, weight), data, broker, timestamp=timestamp)


class IncrementalExecutor(Executor):
    config = RebalanceConfig(
        rebalance_mode=RebalanceMode.INCREMENTAL,
        share_rounding=ShareRounding.TRUNCATE,
        max_gross_leverage=0.8,
        cancel_before_rebalance=False,
        account_for_pending=True,
    )
    every = 3


class HybridExecutor(Executor):
    config = RebalanceConfig(
        rebalance_mode=RebalanceMode.HYBRID,
        round_lots=True,
        lot_size=5,
        min_weight_change=0.01,
        max_single_weight=0.4,
        cancel_before_rebalance=True,
        account_for_pending=False,
        allow_short=True,
    )
    every = 2


class ScheduledExecutor(Executor):
    """It decides by itself when it is time, and says at the end whether it ever was."""

    config = RebalanceConfig(schedule=RebalanceSchedule.fixed_n_sessions(2), calendar=None)
    every = 1


EXAMPLES: tuple[type[Strategy], ...] = (
    SignalFollower,
    Momentum,
    MeanReversion,
    LongShort,
    RoundTrip,
    CaseStudy,
    Executor,
    IncrementalExecutor,
    HybridExecutor,
    ScheduledExecutor,
)
