"""The kit under pytest, in a process of its own, as the author of a plugin runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ml4t.live.testing.conformance.broker import BROKER_SCENARIOS
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS
from ml4t.live.testing.conformance.forecaster import FORECASTER_SCENARIOS
from ml4t.live.testing.conformance.observer import OBSERVER_SCENARIOS
from ml4t.live.testing.conformance.plugin import PLUGIN_SCENARIOS
from ml4t.live.testing.conformance.risk_check import RISK_CHECK_SCENARIOS
from ml4t.live.testing.conformance.trigger import TRIGGER_SCENARIOS

HERE = Path(__file__).parent
SOURCES = Path(sys.modules["ml4t.live"].__path__[0]).parents[1]

MODULE = """
import pytest
from toy_broker import ToyBroker, maker
from toy_feed import ToyFeed, maker as feed_maker
from ml4t.live.testing import ForecasterRig, ObserverRig, RiskCheckRig
from ml4t.live.testing.suites import (
    BrokerSuite, FeedSuite, ForecasterSuite, ObserverSuite, PluginSuite, RiskCheckSuite, TriggerSuite
)
from wrong_forecasters import Last
from wrong_observers import Listens
from wrong_risk_checks import CapsShares
from wrong_triggers import Hourly, rig_of


class Small(ToyBroker):
    find = None


class Liar(ToyBroker):
    async def connect(self):
        raise RuntimeError("the toy has no batteries")


class TestRight(BrokerSuite):
    maker = staticmethod(maker(Small, a_late_fee_completes_the_execution="it charges nothing"))


class TestPlainFunction(BrokerSuite):
    maker = maker(Small)


class TestWrong(BrokerSuite):
    maker = staticmethod(maker(Liar))


class TestForgetful(BrokerSuite):
    pass


class TestFixture(FeedSuite):
    @pytest.fixture
    def rigs(self, tmp_path):
        assert tmp_path.is_dir()
        return feed_maker(ToyFeed)


class TestCheck(RiskCheckSuite):
    @staticmethod
    def maker():
        return RiskCheckRig(check=CapsShares)


class TestTrigger(TriggerSuite):
    maker = staticmethod(lambda: rig_of(Hourly))


class TestForecaster(ForecasterSuite):
    maker = staticmethod(lambda: ForecasterRig(forecaster=Last, history=30))


class TestObserver(ObserverSuite):
    maker = staticmethod(lambda: ObserverRig(observer=Listens))


class TestPlugin(PluginSuite):
    plugin = "risk"


def test_discovery(blocked_discovery):
    from ml4t.live.plugins import Catalogue
    from ml4t.live.testing import DiscoveryBlocked
    with pytest.raises(DiscoveryBlocked, match="hand it a catalogue"):
        Catalogue.discover()
    assert Catalogue(entries=()).plugins() == []
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs the module, or what `-k` selects of it, and returns the outcome by test, and the text."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / "test_mine.py").write_text(MODULE)
    (folder / "conftest.py").write_text('pytest_plugins = ["ml4t.live.testing.suites"]\n')
    path = os.pathsep.join(filter(None, (str(HERE), str(SOURCES), os.environ.get("PYTHONPATH"))))

    def pytest_run(*arguments):
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", *arguments]
        done = subprocess.run(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
        )
        outcomes = re.findall(r"^test_mine\.py::([\w:]+).* (PASSED|FAILED|SKIPPED|ERROR)", done.stdout, re.MULTILINE)
        return dict(outcomes), done.stdout

    return pytest_run


def test_every_scenario_is_a_test_with_its_name(run):
    _, text = run("--collect-only", "-q")
    suites = {
        "TestRight": BROKER_SCENARIOS,
        "TestFixture": FEED_SCENARIOS,
        "TestCheck": RISK_CHECK_SCENARIOS,
        "TestTrigger": TRIGGER_SCENARIOS,
        "TestForecaster": FORECASTER_SCENARIOS,
        "TestObserver": OBSERVER_SCENARIOS,
        "TestPlugin": PLUGIN_SCENARIOS,
    }
    for suite, scenarios in suites.items():
        for scenario in scenarios:
            assert f"test_mine.py::{suite}::test_{scenario.name}" in text.splitlines()
    assert "Suite::" not in text  # the classes to derive from are no tests themselves


def test_what_passes_what_is_left_out_and_what_fails(run):
    chosen = (
        "a_market_order_fills",
        "allows_a_plain",
        "next_moment",
        "something_to_say",
        "kinds_are_kinds",
        "schema",
        "find_tells",
        "a_late_fee",
        "times_are",
        "test_discovery",
    )
    names = " or ".join(chosen)
    outcomes, text = run("-vv", "-k", names)
    assert outcomes == {
        "TestRight::test_a_market_order_fills": "PASSED",
        "TestRight::test_find_tells_how_an_order_stands": "SKIPPED",
        "TestRight::test_a_late_fee_completes_the_execution": "SKIPPED",
        "TestPlainFunction::test_a_market_order_fills": "PASSED",
        "TestPlainFunction::test_find_tells_how_an_order_stands": "SKIPPED",
        "TestPlainFunction::test_a_late_fee_completes_the_execution": "PASSED",
        "TestWrong::test_a_market_order_fills": "FAILED",
        "TestWrong::test_find_tells_how_an_order_stands": "FAILED",
        "TestWrong::test_a_late_fee_completes_the_execution": "FAILED",
        "TestForgetful::test_a_market_order_fills": "ERROR",
        "TestForgetful::test_find_tells_how_an_order_stands": "ERROR",
        "TestForgetful::test_a_late_fee_completes_the_execution": "ERROR",
        "TestFixture::test_times_are_those_of_the_source_in_order": "PASSED",
        "TestCheck::test_it_allows_a_plain_order": "PASSED",
        "TestTrigger::test_the_next_moment_is_later": "PASSED",
        "TestForecaster::test_it_has_something_to_say": "PASSED",
        "TestObserver::test_its_kinds_are_kinds": "PASSED",
        "TestPlugin::test_every_option_has_a_schema": "PASSED",
        "test_discovery": "PASSED",
    }
    assert "exempt: it charges nothing" in text
    assert "not declared: it has no `find`" in text
    assert "a_market_order_fills (A market order trades at the market, and everything about its execution is told)" in text
    assert "the toy has no batteries" in text
    assert "TestForgetful has no rigs: write `maker = staticmethod(my_rig)`" in text
