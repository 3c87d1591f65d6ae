"""Nothing of ml4t-backtest is left out of the differential test by oversight: all is tried, or refused with a reason."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import pkgutil
import warnings
from collections.abc import Iterable, Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import ml4t.backtest
import pytest
from compared_kit import LATEST
from compared_strategies import ALL
from configurations import CLOCKED, FIELDS, PROFILES, configuration
from differential import attempt
from engine_options import OPTIONS
from market_data import QUOTES, Market
from ml4t.backtest import BacktestConfig, DataFeed, Engine, OrderType, Strategy, models, risk
from ml4t.backtest.broker import Broker
from ml4t.backtest.execution import impact, limits

from ml4t_live_backtest.limits import NOT_LIVE
from ml4t_live_backtest.parity import run_backtest

HERE = Path(__file__).parent

CALLED_ELSEWHERE = {"from_config": "test_parts.py::test_the_broker_of_a_session_is_made_by_its_own_engine"}
"""Members of a broker that no compared strategy uses, and the test that does."""

OTHER_NAMES = {f"{name}_col" for name in ("timestamp", "price", "open", "high", "low", "close", "volume", "mid")}
"""What a feed is told when the columns of a table have other names than ours: a table is read with ours."""

FEED = {*OTHER_NAMES, *QUOTES, "entity_col", "prices_df", "signals_df", "context_df", "feed_spec", "contract", "calendar"}
FILES = {"prices_path", "signals_path", "context_path"}
"""They are read by `frames.read_frame`."""

NOT_HOSTED = {"_Callbacks": "runtime"}
"""Strategies that it ships and that need an option of its engine which is refused."""


def compared_sources() -> Iterator[ast.Module]:
    for path in sorted(HERE.glob("compared_*.py")):
        yield ast.parse(path.read_text())


def names(trees: Iterable[ast.AST], of: str = "") -> set[str]:
    """Return every attribute that is looked up, of the name `of` if that is given."""
    found = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return {node.attr for node in found if not of or (isinstance(node.value, ast.Name) and node.value.id == of)}


# ---------------------------------------------------------------------- the configuration


def test_every_field_of_a_configuration_is_varied():
    fields = {each.name for each in dataclasses.fields(BacktestConfig)}
    clocked = {name for changes in CLOCKED for name in changes}
    assert fields == FIELDS.keys() | clocked


def test_every_member_of_an_enumeration_is_tried():
    for name, values in FIELDS.items():
        for kind in {type(value) for value in values if isinstance(value, Enum)}:
            assert set(kind) <= set(values), name


def test_every_field_that_is_varied_is_really_set():
    for name, values in FIELDS.items():
        for value in values:
            assert getattr(configuration("default", {name: value}, quotes=True), name) == value


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_is_one(profile):
    assert isinstance(BacktestConfig.from_preset(profile), BacktestConfig)


# ---------------------------------------------------------------------- the engine, its models and its feed


def test_every_option_of_the_engine_is_tried_or_refused():
    options = inspect.signature(Engine.__init__).parameters.keys() - {"self", "feed", "strategy", "config"}
    tried = {name for each in OPTIONS for name in each}
    assert options <= tried | NOT_LIVE.keys()
    assert not tried & NOT_LIVE.keys()


def _models(module: Any) -> set[str]:
    """Return the classes of a module that work something out, protocols and abstract ones aside."""
    found = [each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__]
    return {
        each.__name__
        for each in found
        if hasattr(each, "calculate") and not inspect.isabstract(each) and not getattr(each, "_is_protocol", False)
    }


def _types(thing: Any) -> set[str]:
    """Return the names of the types of a thing and of what it holds."""
    inner = thing.values() if isinstance(thing, dict) else vars(thing).values() if hasattr(thing, "__dict__") else ()
    held = [each for each in inner if hasattr(each, "calculate") or isinstance(each, dict)]
    return {type(thing).__name__}.union(*map(_types, held))


def test_every_model_of_the_engine_is_tried_or_refused():
    tried = set().union(*(_types(each) for options in OPTIONS for each in options.values()))
    there = _models(impact) | _models(limits) | (_models(models) if LATEST else set())
    assert there - tried <= {"VolatilityVolumeSlippage"}  # refused: see test_limits


def test_every_argument_of_a_feed_is_known_or_refused():
    arguments = inspect.signature(DataFeed.__init__).parameters.keys() - {"self"}
    assert arguments - FEED - FILES <= NOT_LIVE.keys()


# ---------------------------------------------------------------------- the broker and what it is handed


def test_every_public_member_of_the_broker_is_used_by_a_strategy_or_a_test():
    members = {name for name in dir(Broker) if not name.startswith("_")}
    unused = members - names(compared_sources(), "broker")
    for name in unused:
        file, test = CALLED_ELSEWHERE[name].split("::")
        (found,) = [each for each in ast.walk(ast.parse((HERE / file).read_text())) if getattr(each, "name", "") == test]
        assert name in names([found])
    assert unused == CALLED_ELSEWHERE.keys()


def test_every_type_of_order_and_every_rule_is_used():
    used = names(compared_sources(), "OrderType")
    assert {each.name for each in OrderType} - {"MARKET"} <= used  # MARKET is what an order is when nothing is said
    called = {node.id for tree in compared_sources() for node in ast.walk(tree) if isinstance(node, ast.Name)}
    rules = {name for name in risk.__all__ if inspect.isclass(getattr(risk, name)) and "evaluate" in vars(getattr(risk, name))}
    assert rules - {"PositionRule"} <= called
    held = {name for name in risk.__all__ if name.endswith("Limit") and not inspect.isabstract(getattr(risk, name))}
    assert held | {"RiskManager"} <= called


# ---------------------------------------------------------------------- what it ships, and that ours do something


def _shipped() -> Iterator[type[Strategy]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in pkgutil.walk_packages(ml4t.backtest.__path__, "ml4t.backtest."):
            for each in vars(_imported(module.name)).values():
                if inspect.isclass(each) and issubclass(each, Strategy) and each.__module__ == module.name:
                    yield each


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:  # it compares itself with libraries that are not installed
        return ml4t


def test_every_strategy_that_it_ships_is_compared():
    shipped = {each for each in _shipped() if each is not Strategy}
    assert len(shipped) >= 6
    compared = {base for each in ALL for base in each.__mro__}
    assert {each.__name__ for each in shipped - compared} <= NOT_HOSTED.keys()
    assert set(NOT_HOSTED.values()) <= NOT_LIVE.keys()


def test_at_least_twenty_strategies_are_compared():
    assert len({each.__name__ for each in ALL}) == len(ALL) >= 20


@pytest.mark.parametrize("strategy", ALL, ids=lambda each: each.__name__)
def test_every_strategy_trades(strategy):
    if strategy.__name__ == "StopLimits" and not LATEST:
        return  # ml4t-backtest 0.1 never fills one
    market = Market(seed=1, assets=2, bars=25, signals=True, context=True, volatility=0.02)
    run = attempt(lambda: run_backtest(strategy, market.recording(), configuration("default", {}, quotes=False)))
    assert not isinstance(run, str), run
    assert run.fills
