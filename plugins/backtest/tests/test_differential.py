"""The installed ml4t-backtest against the live engine: the same strategies, configurations and bars; zero differences.

`DIFFERENTIAL_EXAMPLES=20000` (and a seed, `DIFFERENTIAL_SEED=7`) makes a long run of the random part.
"""

from __future__ import annotations

import os

import pytest
from compared_kit import LATEST
from compared_strategies import ALL
from configurations import CLOCKED, FIELDS, PROFILES, configuration, variations
from differential import differences
from engine_options import OPTIONS
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from market_data import CLOCKS, Market
from ml4t.backtest.config import ShareType, SlippageType
from ml4t.backtest.execution.limits import VolumeParticipationLimit
from ml4t.backtest.types import ExecutionMode
from random_strategy import VERBS, RandomStrategy

from ml4t_live_backtest.parity import run_backtest

EXAMPLES = int(os.environ.get("DIFFERENTIAL_EXAMPLES", "0"))
SEED = int(os.environ.get("DIFFERENTIAL_SEED", "0"))

MARKETS = (
    Market(seed=1, assets=2, bars=25, signals=True, context=True),
    Market(seed=2, assets=3, bars=25, signals=True, gaps=True, halts=True, late=True, clock="minutes"),
)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("strategy", ALL, ids=lambda each: each.__name__)
def test_every_strategy_trades_the_same_in_every_profile(strategy, profile):
    market = MARKETS[(ALL.index(strategy) + PROFILES.index(profile)) % 2]
    assert differences(strategy, market.recording(), configuration(profile, {}, quotes=False)) == []


SMALL = Market(seed=4, bars=14, assets=2, gaps=True, quotes=True, clock="hours over the change to summer time")


def everything():
    """Return a strategy that does of everything something."""
    return RandomStrategy(5, tuple(VERBS))


def _kind(option: object) -> str:
    return type(option).__name__


@pytest.mark.parametrize("options", OPTIONS, ids=lambda each: " ".join(map(_kind, each.values())))
def test_every_option_of_the_engine_is_honoured(options):
    assert differences(everything, SMALL.recording(), configuration("realistic", {}, quotes=True), options) == []


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_of_a_configuration_is_honoured(name):
    for value in FIELDS[name]:
        config = configuration("realistic", {name: value}, quotes=True)
        assert differences(everything, SMALL.recording(), config) == [], value


@pytest.mark.parametrize("changes", CLOCKED, ids=str)
def test_what_a_configuration_says_about_time_is_honoured(changes):
    assert differences(everything, SMALL.recording(), configuration("realistic", changes, quotes=True)) == []


markets = st.builds(
    Market,
    seed=st.integers(0, 10_000),
    bars=st.integers(1, 30),
    assets=st.integers(1, 4),
    clock=st.sampled_from([*CLOCKS]),
    volatility=st.sampled_from((0.01, 0.001, 0.08)),
    gaps=st.booleans(),
    halts=st.booleans(),
    late=st.booleans(),
    quotes=st.booleans(),
    signals=st.booleans(),
    context=st.booleans(),
    spread_out=st.booleans(),
)
random_strategies = st.builds(
    lambda seed, verbs: lambda: RandomStrategy(seed, tuple(verbs)),
    st.integers(0, 10_000),
    st.lists(st.sampled_from([*VERBS]), min_size=1, max_size=8),
)


def examples(short: int):
    """Return the settings of a test: `short` examples, always the same; another number of them in a long run."""

    def decorate(test):
        number = EXAMPLES or short
        fixed = settings(
            max_examples=number, derandomize=not EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        return fixed(seed(SEED)(test) if EXAMPLES else test)

    return decorate


@examples(60)
@given(random_strategies, markets, st.sampled_from(PROFILES), variations, st.sampled_from(OPTIONS))
def test_whatever_a_strategy_does_it_trades_the_same(make, market, profile, changes, options):
    config = configuration(profile, changes, quotes=market.quotes)
    assert differences(make, market.recording(), config, options) == []


@examples(40)
@given(st.sampled_from(ALL), markets, st.sampled_from(PROFILES), variations, st.sampled_from(OPTIONS))
def test_every_strategy_trades_the_same_in_any_configuration(strategy, market, profile, changes, options):
    config = configuration(profile, changes, quotes=market.quotes)
    assert differences(strategy, market.recording(), config, options) == []


@pytest.mark.parametrize("seed", [34, 43, 53])
def test_checks_of_cash_when_an_order_is_made_reckon_from_the_same_moment(seed):
    """Their day begins with the first order that they look at, not with one that they let be. A search found it."""
    market = Market(seed=seed, bars=14, assets=3, clock="minutes", gaps=True)
    changes = {
        "next_bar_submission_precheck": True,
        "buying_power_reservation": bool(seed % 2),
        "initial_cash": 3_000.0,
        "share_type": list(ShareType)[seed % 2],
    }
    config = configuration("backtrader", changes, quotes=False)
    verbs = ("submit", "limit", "close", "target")
    assert differences(lambda: RandomStrategy(seed, verbs), market.recording(), config) == []


def test_what_floats_leave_of_an_order_is_the_same_as_nothing():
    """A backtest fills 4e-16 of a share a bar later; the desk calls the order filled, and books that too. A search found it."""
    market = Market(seed=299, bars=29, clock="minutes", gaps=True, halts=True, spread_out=True)
    changes = {
        "execution_mode": ExecutionMode.SAME_BAR,
        "partial_fills_allowed": True,
        "skip_cash_validation": True,
        "slippage_type": SlippageType.PERCENTAGE,
        "slippage_rate": 0.001,
    }
    config = configuration("vectorbt_futures_strict", changes, quotes=False)
    limit = {"execution_limits": VolumeParticipationLimit(max_participation=0.2)}
    recording = market.recording()

    def make():
        return RandomStrategy(53, ("close", "limit", "trail"))

    assert differences(make, recording, config, limit) == []
    quantities = [fill.quantity for fill in run_backtest(make, recording, config, limit).fills]
    assert not LATEST or min(quantities) < 1e-9  # with 0.1 it comes out even
