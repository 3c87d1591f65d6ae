"""What tests of the framework, of plugins and of strategies are built with."""

from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance import (
    ForecasterRig,
    NoSuchScenario,
    NotConformant,
    ObserverRig,
    PluginRig,
    Report,
    RiskCheckRig,
    TriggerRig,
    check_broker,
    check_feed,
    check_forecaster,
    check_observer,
    check_plugin,
    check_risk_check,
    check_trigger,
)
from ml4t.live.testing.discovery import DiscoveryBlocked, blocked_discovery
from ml4t.live.testing.faults import Faults
from ml4t.live.testing.feeds import ListFeed, SimulatedFeed
from ml4t.live.testing.history import check_history
from ml4t.live.testing.polled import QUICK_POLLING, PolledRig, PolledSource
from ml4t.live.testing.venue import SearchableVenue, SimulatedVenue
from ml4t.live.testing.virtual_loop import VirtualDeadline, VirtualDeadlock, VirtualTimeLoop, run_virtual

__all__ = [
    "QUICK_POLLING",
    "ChaosProxy",
    "DiscoveryBlocked",
    "Faults",
    "ForecasterRig",
    "ListFeed",
    "NoSuchScenario",
    "NotConformant",
    "ObserverRig",
    "PluginRig",
    "PolledRig",
    "PolledSource",
    "Report",
    "RiskCheckRig",
    "SearchableVenue",
    "SimulatedFeed",
    "SimulatedVenue",
    "TriggerRig",
    "VirtualDeadline",
    "VirtualDeadlock",
    "VirtualTimeLoop",
    "blocked_discovery",
    "check_broker",
    "check_feed",
    "check_forecaster",
    "check_history",
    "check_observer",
    "check_plugin",
    "check_risk_check",
    "check_trigger",
    "run_virtual",
]
