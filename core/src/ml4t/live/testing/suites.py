"""The conformance kit under pytest: a class to derive from, one test a scenario. The only module of core that needs pytest.

In a test module of a plugin::

    from ml4t.live.testing.suites import BrokerSuite

    class TestMyBroker(BrokerSuite):
        maker = staticmethod(my_rig)

`pytest_plugins = ["ml4t.live.testing.suites"]` in a `conftest.py` adds the fixture `blocked_discovery`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import pytest

from ml4t.live.testing.conformance.broker import BROKER_SCENARIOS
from ml4t.live.testing.conformance.check import (
    check_broker,
    check_feed,
    check_forecaster,
    check_observer,
    check_plugin,
    check_risk_check,
    check_trigger,
)
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS, POLLED_SCENARIOS
from ml4t.live.testing.conformance.forecaster import FORECASTER_SCENARIOS
from ml4t.live.testing.conformance.observer import OBSERVER_SCENARIOS
from ml4t.live.testing.conformance.plugin import PLUGIN_SCENARIOS, PluginRig
from ml4t.live.testing.conformance.report import Outcome
from ml4t.live.testing.conformance.risk_check import RISK_CHECK_SCENARIOS
from ml4t.live.testing.conformance.scenario import Scenario
from ml4t.live.testing.conformance.trigger import TRIGGER_SCENARIOS
from ml4t.live.testing.discovery import blocked_discovery


class _Suite:
    maker: ClassVar[Callable[[], Any]]

    @pytest.fixture
    def rigs(self) -> Callable[[], Any]:
        """Where the rigs come from: the attribute `maker`."""
        maker: Callable[[], Any] = _maker_of(type(self))
        return maker


class BrokerSuite(_Suite):
    """Every scenario for a broker as a test of its own, `test_` before its name.

    Give it a `maker`, or override the fixture `rigs` when rigs need fixtures of yours. A scenario about something that the
    adapter does not declare, or that the rig is exempt from, is skipped with its reason.
    """


class FeedSuite(_Suite):
    """Every scenario for a feed as a test of its own; otherwise as `BrokerSuite`."""


class PolledFeedSuite(FeedSuite):
    """Besides, every scenario for a feed whose source has to be asked."""


class RiskCheckSuite(_Suite):
    """Every scenario for a risk check as a test of its own; otherwise as `BrokerSuite`."""


class TriggerSuite(_Suite):
    """Every scenario for a trigger as a test of its own; otherwise as `BrokerSuite`."""


class ForecasterSuite(_Suite):
    """Every scenario for a forecaster as a test of its own; otherwise as `BrokerSuite`."""


class ObserverSuite(_Suite):
    """Every scenario for an observer as a test of its own; otherwise as `BrokerSuite`."""


class PluginSuite:
    """Every scenario for the packaging of an installed plugin as a test of its own. Give it the plugin's name."""

    plugin: ClassVar[str]

    @pytest.fixture
    def rigs(self) -> Callable[[], PluginRig]:
        """Where the rigs come from: the attribute `plugin`."""
        if not hasattr(self, "plugin"):
            pytest.fail(f'{type(self).__name__} has no plugin: write `plugin = "my-plugin"`, the name of its entry point')
        return lambda: PluginRig(plugin=self.plugin)


@pytest.fixture(name="blocked_discovery")
def _blocked_discovery() -> Iterator[None]:
    """Let nobody look for installed plugins during the test."""
    with blocked_discovery():
        yield


def _maker_of(suite: type) -> Any:
    """Return the maker of a suite. Read from the class: a plain function there is no method."""
    if not hasattr(suite, "maker"):
        pytest.fail(f"{suite.__name__} has no rigs: write `maker = staticmethod(my_rig)`, or override the fixture `rigs`")
    return suite.maker


def _add_tests(suite: type, scenarios: Sequence[Scenario[Any]], check: Callable[..., Any]) -> None:
    for scenario in scenarios:
        test = _test(scenario, check)
        test.__qualname__ = f"{suite.__name__}.{test.__name__}"
        setattr(suite, test.__name__, test)


def _test(scenario: Scenario[Any], check: Callable[..., Any]) -> Callable[..., None]:
    def test(self: object, rigs: object) -> None:
        __tracebackhide__ = True
        result = asyncio.run(check(rigs, only=scenario.name))[scenario.name]
        if result.outcome in {Outcome.EXEMPT, Outcome.NOT_DECLARED}:
            pytest.skip(f"{result.outcome}: {result.reason}")
        result.raise_if_failed()

    test.__name__ = f"test_{scenario.name}"
    test.__doc__ = scenario.summary
    return test


_add_tests(BrokerSuite, BROKER_SCENARIOS, check_broker)
_add_tests(FeedSuite, FEED_SCENARIOS, check_feed)
_add_tests(PolledFeedSuite, POLLED_SCENARIOS, check_feed)
_add_tests(RiskCheckSuite, RISK_CHECK_SCENARIOS, check_risk_check)
_add_tests(TriggerSuite, TRIGGER_SCENARIOS, check_trigger)
_add_tests(ForecasterSuite, FORECASTER_SCENARIOS, check_forecaster)
_add_tests(ObserverSuite, OBSERVER_SCENARIOS, check_observer)
_add_tests(PluginSuite, PLUGIN_SCENARIOS, check_plugin)
