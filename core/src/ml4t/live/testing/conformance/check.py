"""The calls that prove a part correct, one a kind."""

from __future__ import annotations

from collections.abc import Collection

from ml4t.live.testing.conformance.broker import BROKER_SCENARIOS
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS, POLLED_SCENARIOS
from ml4t.live.testing.conformance.forecaster import FORECASTER_SCENARIOS, ForecasterRig
from ml4t.live.testing.conformance.observer import OBSERVER_SCENARIOS, ObserverRig
from ml4t.live.testing.conformance.part import Maker
from ml4t.live.testing.conformance.plugin import PLUGIN_SCENARIOS, PluginRig
from ml4t.live.testing.conformance.report import Report
from ml4t.live.testing.conformance.risk_check import RISK_CHECK_SCENARIOS, RiskCheckRig
from ml4t.live.testing.conformance.scenario import examine
from ml4t.live.testing.conformance.trigger import TRIGGER_SCENARIOS, TriggerRig
from ml4t.live.testing.rig import BrokerMaker, FeedMaker

Only = str | Collection[str] | None


async def check_broker(maker: BrokerMaker, *, only: Only = None) -> Report:
    """Put a broker adapter through every scenario, or those that `only` names; each gets a rig of its own from `maker`.

    What the adapter does not declare is left out, and what the rig is exempt from, each with its reason in the report. It
    takes some minutes of the machine's time. Raises NoSuchScenario for a name in `only` or in the rig's `exempt` that is none.
    """
    return await examine("broker", BROKER_SCENARIOS, maker, only)


async def check_feed(maker: FeedMaker, *, only: Only = None) -> Report:
    """Put a feed through every scenario, or those that `only` names; otherwise as `check_broker`.

    Some are about feeds that ask: those whose source is a `PolledSource`.
    """
    return await examine("feed", (*FEED_SCENARIOS, *POLLED_SCENARIOS), maker, only)


async def check_risk_check(maker: Maker[RiskCheckRig], *, only: Only = None) -> Report:
    """Put a risk check through every scenario, in less than a second; otherwise as `check_broker`."""
    return await examine("risk check", RISK_CHECK_SCENARIOS, maker, only)


async def check_trigger(maker: Maker[TriggerRig], *, only: Only = None) -> Report:
    """Put a trigger through every scenario for its sort, in about a second; otherwise as `check_broker`."""
    return await examine("trigger", TRIGGER_SCENARIOS, maker, only)


async def check_forecaster(maker: Maker[ForecasterRig], *, only: Only = None) -> Report:
    """Put a forecaster, agent or critic through every scenario, as fast as it answers; otherwise as `check_broker`."""
    return await examine("forecaster", FORECASTER_SCENARIOS, maker, only)


async def check_observer(maker: Maker[ObserverRig], *, only: Only = None) -> Report:
    """Put an observer through every scenario; otherwise as `check_broker`."""
    return await examine("observer", OBSERVER_SCENARIOS, maker, only)


async def check_plugin(maker: Maker[PluginRig], *, only: Only = None) -> Report:
    """Put the packaging of an installed plugin through every scenario, in some seconds; otherwise as `check_broker`."""
    return await examine("plugin", PLUGIN_SCENARIOS, maker, only)
