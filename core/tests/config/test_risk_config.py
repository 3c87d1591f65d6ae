"""The limits: every one can be set, switched off and spelt both ways, and none can be set to nonsense."""

from __future__ import annotations

import typing

import attrs
import pytest

from ml4t.live.risk import config as module
from ml4t.live.risk.config import LiveRiskConfig

NUMBERS = [f.name for f in attrs.fields(LiveRiskConfig) if "float" in str(f.type) or "int" in str(f.type)]


def test_the_defaults_are_shadow_and_limited():
    config = LiveRiskConfig()
    assert config.execution_mode == "shadow"
    assert config.shadow_mode
    assert config.disabled()[:3] == ("max_position_shares", "max_order_shares", "max_spread_pct")


def test_the_typed_arguments_are_the_fields_and_the_older_spellings():
    names = {f.name for f in attrs.fields(LiveRiskConfig)} | set(LiveRiskConfig.also_accepts)
    assert set(module._Limits.__annotations__) == names
    hints, own = typing.get_type_hints(module._Limits), typing.get_type_hints(LiveRiskConfig)
    assert {name: hints[name] for name in NUMBERS} == {name: own[name] for name in NUMBERS}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "5"])
def test_a_number_that_is_no_limit_is_refused(name, value):
    with pytest.raises(ValueError, match=rf"^{name} = .*: .*; None .* switches the limit off$"):
        LiveRiskConfig(**{name: value})


@pytest.mark.parametrize("name", [name for name in NUMBERS if name != "check_budget_ms"])
def test_every_limit_can_be_switched_off_and_is_then_listed(name):
    assert name in LiveRiskConfig(**{name: None}).disabled()


def test_the_budget_of_a_check_cannot_be_switched_off():
    with pytest.raises(ValueError, match=r"check_budget_ms = None: cannot be switched off"):
        LiveRiskConfig(check_budget_ms=None)


@pytest.mark.parametrize("name", ["max_drawdown_pct", "max_price_deviation_pct", "max_spread_pct"])
def test_a_share_is_not_a_percentage(name):
    assert getattr(LiveRiskConfig(**{name: 1}), name) == 1
    with pytest.raises(ValueError, match=rf"{name} = 10: is a share between 0 and 1; write 0.1 for 10 per cent"):
        LiveRiskConfig(**{name: 10})


@pytest.mark.parametrize("name", ["max_positions", "max_orders_per_minute", "max_open_orders"])
def test_a_count_is_whole(name):
    with pytest.raises(ValueError, match=f"{name} = 2.0: must be a whole number"):
        LiveRiskConfig(**{name: 2.0})


def test_max_shares_is_max_position_shares():
    assert LiveRiskConfig(max_shares=5).max_position_shares == 5
    assert LiveRiskConfig(max_position_shares=5).max_shares == 5
    assert LiveRiskConfig(max_shares=5) == LiveRiskConfig(max_position_shares=5, max_shares=5)
    with pytest.raises(ValueError, match="max_shares = 5: contradicts max_position_shares = 6; they are one limit"):
        LiveRiskConfig(max_shares=5, max_position_shares=6)
    with pytest.raises(ValueError, match="contradicts"):
        LiveRiskConfig(max_shares=5, max_position_shares=None)


def test_shadow_mode_is_an_execution_mode():
    assert LiveRiskConfig(shadow_mode=True).execution_mode == "shadow"
    assert LiveRiskConfig(shadow_mode=False).execution_mode is None
    assert not LiveRiskConfig(shadow_mode=False).shadow_mode
    assert LiveRiskConfig(shadow_mode=False, execution_mode="paper").execution_mode == "paper"
    assert LiveRiskConfig(shadow_mode=True, execution_mode=None).execution_mode == "shadow"
    assert "execution_mode" not in LiveRiskConfig(shadow_mode=False).disabled()
    for shadow, mode in [(True, "live"), (False, "shadow")]:
        with pytest.raises(ValueError, match=f"shadow_mode = {shadow}: contradicts execution_mode = '{mode}'"):
            LiveRiskConfig(shadow_mode=shadow, execution_mode=mode)
    with pytest.raises(ValueError, match="shadow_mode = 1: must be True or False"):
        LiveRiskConfig(shadow_mode=1)


def test_symbols_are_sets_that_do_not_overlap():
    config = LiveRiskConfig(allowed_assets=["A", "B"], blocked_assets=iter(("C",)))
    assert config.allowed_assets == {"A", "B"}
    assert config.blocked_assets == {"C"}
    with pytest.raises(ValueError, match=r"blocked_assets = \['B'\]: are in allowed_assets too; take them out"):
        LiveRiskConfig(allowed_assets=["A", "B"], blocked_assets=["B"])
    with pytest.raises(ValueError, match=r"allowed_assets = 'AAPL': must be several symbols; write \['AAPL'\]"):
        LiveRiskConfig(allowed_assets="AAPL")
    for bad in (5, None):
        with pytest.raises(ValueError, match="must be several symbols"):
            LiveRiskConfig(blocked_assets=bad)
    for bad in ([""], [5]):
        with pytest.raises(ValueError, match="is no symbol"):
            LiveRiskConfig(blocked_assets=bad)


@pytest.mark.parametrize(
    ("name", "value"),
    [("on_breach", "stop"), ("execution_mode", "demo"), ("kill_switch_enabled", 1), ("kill_switch_enabled", "no")],
)
def test_a_choice_is_one_of_the_choices(name, value):
    with pytest.raises(ValueError, match=f"{name} = {value!r}: must be"):
        LiveRiskConfig(**{name: value})


def test_a_misspelt_limit_is_an_error_not_a_missing_limit():
    with pytest.raises(TypeError, match=r"max_ordr_value is not a limit of LiveRiskConfig; did you mean max_order_value\?"):
        LiveRiskConfig(max_ordr_value=5)
    with pytest.raises(TypeError, match=r"zzz is not a limit of LiveRiskConfig$"):
        LiveRiskConfig(zzz=5)


def test_it_is_frozen_hashable_and_evolves():
    config = LiveRiskConfig(max_shares=5)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        config.max_order_value = 1e9
    assert attrs.evolve(config, max_order_value=5).max_position_shares == 5
    assert attrs.evolve(config, max_position_shares=6).max_shares == 6
    assert hash(config) == hash(LiveRiskConfig(max_position_shares=5))
