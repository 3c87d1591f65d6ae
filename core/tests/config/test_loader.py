"""A whole configuration becomes settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import attrs
import pytest

from ml4t.live.config import (
    BrokerSettings,
    Duration,
    FeedSettings,
    RiskCheckSettings,
    Secret,
    ShadowSettings,
    load,
    read,
    settle,
)
from ml4t.live.errors import ConfigError, PluginError
from ml4t.live.records import BrokerRecord, Component, FeedRecord, ForecasterRecord, Kind, RiskCheckRecord, TriggerRecord

MINUTE = 60 * 10**9


@attrs.frozen(kw_only=True)
class FeedConfig:
    symbols: tuple[str, ...] = ()
    data_dir: Path | None = None


@attrs.frozen(kw_only=True)
class BrokerConfig:
    key: Secret
    pin: Secret | None = None
    account: str = ""
    password: str = ""


@attrs.frozen(kw_only=True)
class CapConfig:
    max_weight: float = 1.0


@attrs.frozen(kw_only=True)
class MoveConfig:
    symbols: frozenset[str] = frozenset()
    every: Duration = MINUTE


@attrs.frozen(kw_only=True)
class CountConfig:
    of: tuple[str, ...]


@attrs.frozen
class UnreadableConfig:
    x: NoSuchType = None  # noqa: F821 - the point


@attrs.frozen
class Offer:
    component: Component


class Shelf:
    """A catalogue of a handful of components, by kind and `use`."""

    RECORDS: ClassVar = {
        (Kind.FEED, "replay"): (FeedRecord, FeedConfig),
        (Kind.FEED, "toy"): (FeedRecord, FeedConfig),
        (Kind.BROKER, "ib"): (BrokerRecord, BrokerConfig),
        (Kind.RISK_CHECK, "cap"): (RiskCheckRecord, CapConfig),
        (Kind.TRIGGER, "move"): (TriggerRecord, MoveConfig),
        (Kind.TRIGGER, "count"): (TriggerRecord, CountConfig),
        (Kind.TRIGGER, "unreadable"): (TriggerRecord, UnreadableConfig),
        (Kind.FORECASTER, "naive"): (ForecasterRecord, CapConfig),
    }

    def find(self, kind, use):
        if (kind, use) not in self.RECORDS:
            raise PluginError(f'use = "{use}": no {kind} of that name')
        record, config = self.RECORDS[kind, use]
        can = frozenset({"not-live"} if use == "toy" else ())
        return Offer(record(name=use, factory="gone:Thing", config=config, summary="", capabilities=can))

    def resolve(self, offer):
        if offer.component.name == "ib":
            raise PluginError('use = "ib": the SDK is missing')
        return dict


FEEDS = {"main": {"use": "replay", "symbols": ["A", "B"], "bars": "5m", "data_dir": "data"}}
SMALL = {"live": {"strategy": "mine:Strategy"}, "feeds": FEEDS}


def settings_of(data, **options):
    return load(data, catalogue=Shelf(), environ={"KEY": "k-1"}, **options)


def problems_of(data, **options):
    with pytest.raises(ConfigError) as caught:
        settings_of(data, **options)
    return caught.value.problems


def test_the_smallest_configuration_has_the_defaults():
    settings = settings_of(SMALL)
    assert settings.live.mode == "shadow"
    assert settings.risk.execution_mode == "shadow"
    assert settings.shadow == ShadowSettings()
    assert settings.engine.durability is None
    assert (settings.broker, settings.checks, settings.triggers, settings.path) == (None, (), (), None)
    assert settings.folder == Path.cwd()


def test_core_keys_are_taken_out_and_symbols_go_to_both():
    [feed] = settings_of(SMALL).feeds
    options = FeedConfig(symbols=("A", "B"), data_dir=Path.cwd() / "data")
    assert feed == FeedSettings(name="main", use="replay", symbols=("A", "B"), bars=5 * MINUTE, options=options)


def test_every_section_is_decoded():
    settings = settings_of(
        SMALL
        | {
            "broker": {"use": "ib", "key": {"env": "KEY"}, "account": {"env": "KEY"}},
            "risk": {
                "max_order_value": "off",
                "max_shares": 7,
                "checks": [{"use": "cap", "max_weight": 0.5}, {"use": "cap", "name": "b"}],
            },
            "triggers": {
                "up": {"use": "move", "symbols": ["A"], "every": "30s", "cooldown": "1m", "warmup": 20, "enabled": False}
            },
            "forecasters": {"n": {"use": "naive", "on": ["up"], "horizon": "1h", "budget_seconds": 5}},
            "engine": {"durability": "none", "reconnect_attempts": 3},
            "shadow": {"initial_cash": 5},
        }
    )
    assert settings.broker == BrokerSettings(use="ib", options=BrokerConfig(key=Secret("k-1"), account="k-1"))
    assert settings.risk.disabled()[:3] == ("max_order_value", "max_order_shares", "max_spread_pct")
    assert settings.risk.max_position_shares == 7
    assert settings.checks == (
        RiskCheckSettings(use="cap", name="cap", options=CapConfig(max_weight=0.5)),
        RiskCheckSettings(use="cap", name="b", options=CapConfig()),
    )
    [trigger] = settings.triggers
    assert (trigger.cooldown, trigger.warmup, trigger.enabled) == (MINUTE, 20, False)
    assert trigger.options == MoveConfig(symbols=frozenset({"A"}), every=MINUTE // 2)
    [forecaster] = settings.forecasters
    assert (forecaster.on, forecaster.horizon, forecaster.budget_seconds) == (("up",), 60 * MINUTE, 5.0)
    assert (settings.engine.durability, settings.engine.reconnect_attempts) == ("none", 3)
    assert settings.shadow.initial_cash == 5.0


@pytest.mark.parametrize(
    ("live", "risk", "mode"),
    [
        ({}, {}, "shadow"),
        ({"mode": "live"}, {}, "live"),
        ({"mode": "live"}, {"shadow_mode": False}, "live"),
        ({"mode": "paper"}, {"execution_mode": "paper"}, "paper"),
        ({}, {"execution_mode": "paper"}, "paper"),
        ({}, {"shadow_mode": True}, "shadow"),
    ],
)
def test_the_mode_is_one_whichever_names_it(live, risk, mode):
    broker = {"use": "ib", "key": {"env": "KEY"}}
    settings = settings_of(SMALL | {"live": SMALL["live"] | live, "risk": risk, "broker": broker})
    assert (settings.live.mode, settings.risk.execution_mode) == (mode, mode)


def test_options_of_a_strategy_may_hold_references():
    live = {"strategy": "mine:Strategy", "strategy_options": {"key": {"env": "KEY"}, "window": 5}}
    assert settings_of(SMALL | {"live": live}).live.strategy_options == {"key": Secret("k-1"), "window": 5}


def test_paths_are_relative_to_the_file(tmp_path):
    (tmp_path / "live.toml").write_text(
        '[live]\nstrategy = "m:S"\nstate_dir = "state"\n[feeds.main]\nuse = "replay"\ndata_dir = "d"\n'
    )
    settings = settings_of(tmp_path / "live.toml")
    assert settings.live.state_dir == tmp_path / "state"
    assert settings.feeds[0].options.data_dir == tmp_path / "d"
    assert settings.digest == read(tmp_path / "live.toml").digest
    assert settle(read(tmp_path / "live.toml"), catalogue=Shelf()) == settings


def test_deep_resolves_what_was_found():
    data = SMALL | {"live": {}, "broker": {"use": "ib", "key": {"env": "KEY"}}, "triggers": {"up": {"use": "move"}}}
    data |= {"forecasters": {"n": {"use": "naive", "on": ["up"], "horizon": "1h"}}}
    settings_of(data)
    assert problems_of(data, deep=True) == ['broker.use = "ib": the SDK is missing']


def test_one_value_is_one_problem():
    data = SMALL | {"feeds": {"main": {"use": "replay", "symbols": "A"}}}
    assert problems_of(data) == ['feeds.main.symbols = "A": must be a list; write ["A"]']


@pytest.mark.parametrize("section", ["feeds", "triggers", "observers"])
def test_a_component_that_is_no_table_is_named(section):
    [problem] = problems_of(SMALL | {section: {**(FEEDS if section == "feeds" else {}), "odd": 5}})
    assert problem.startswith(f"{section}.odd = 5: must be a table")


def test_a_bad_name_of_a_table_is_named():
    [problem] = problems_of(SMALL | {"feeds": {"my feed": FEEDS["main"]}})
    assert problem.startswith('feeds."my feed".name: is no name')


def test_risk_checks_that_are_text_are_named():
    [problem] = problems_of(SMALL | {"risk": {"checks": "cap"}})
    assert problem.startswith('risk.checks = "cap": must be an array of tables')


def test_a_symbol_of_a_forecaster_is_not_checked_when_a_feed_decides_for_itself():
    data = {"feeds": {"main": {"use": "replay"}}, "triggers": {"up": {"use": "move", "symbols": ["Z"]}}}
    data |= {"forecasters": {"n": {"use": "naive", "on": ["up"], "horizon": "1h", "symbols": ["Z"]}}}
    assert settings_of(data).forecasters[0].symbols == ("Z",)
    data["feeds"] = FEEDS
    assert [problem.split(":")[0] for problem in problems_of(data)] == [
        'triggers.up.symbols[0] = "Z"',
        'forecasters.n.symbols[0] = "Z"',
    ]


def test_the_parts_of_anybodys_compound_are_checked():
    triggers = {"up": {"use": "move"}, "two": {"use": "count", "of": ["up", "dwn"]}, "loop": {"use": "count", "of": ["loop"]}}
    assert problems_of(SMALL | {"triggers": triggers}) == [
        'triggers.two.of[1] = "dwn": there is no trigger of this name; triggers are loop, two, up',
        'triggers.loop.of[0] = "loop": loop is made of loop itself; take one of them out',
    ]


def test_a_key_that_usually_holds_a_secret_is_never_repeated():
    [problem] = problems_of(SMALL | {"shadow": {"initial_cash": "x"}, "engine": {}}, assignments=["shadow.initial_cash=hello"])
    assert '"hello"' in problem
    [problem] = problems_of(SMALL | {"broker": {"use": "ib", "key": {"env": "KEY"}, "token": "PK-1"}})
    assert problem.startswith("broker.token = ***: unknown key")
    [problem] = problems_of(SMALL | {"broker": {"use": "ib", "key": {"env": "KEY"}, "pin": "PK-1"}})
    assert problem.startswith("broker.pin: a configuration file is no place for a secret")
    [problem] = problems_of(SMALL | {"broker": {"use": "ib", "key": {"env": "KEY"}, "password": ["PK-1"]}})
    assert "PK-1" not in problem


def test_the_types_for_plugins_come_without_the_machinery():
    code = (
        "import sys, ml4t.live.config; print({m for m in sys.modules if m in ('cattrs', 'ml4t.live.config.loader', 'tomllib')})"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"


def test_a_name_that_is_not_there_is_an_attribute_error():
    import ml4t.live.config as package

    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        package.lode  # noqa: B018


def test_a_plugins_class_that_cannot_be_read_blames_its_author():
    [problem] = problems_of(SMALL | {"triggers": {"odd": {"use": "unreadable"}}})
    assert problem.startswith("triggers.odd: the plugin's class UnreadableConfig cannot be read (name 'NoSuchType'")
    assert problem.endswith("tell its author")


@pytest.mark.parametrize("mode", ["shadow", "paper", "live"])
def test_what_is_not_fit_for_real_money_is_refused_in_live_mode_only(mode):
    broker = {} if mode == "shadow" else {"broker": {"use": "ib", "key": {"env": "KEY"}}}
    data = {"live": {"strategy": "mine:Strategy", "mode": mode}, "feeds": {"main": {"use": "toy", "symbols": ["A"]}}, **broker}
    if mode == "live":
        [problem] = problems_of(data)
        assert problem == ('feeds.main.use = "toy": is for shadow and paper runs; use another, or write live.mode = "paper"')
    else:
        assert settings_of(data).live.mode == mode
