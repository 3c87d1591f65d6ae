"""The conformance kit: whether a part does what its contract asks; adapters are tried against a simulator of their venue."""

from ml4t.live.testing.conformance.check import (
    check_broker,
    check_feed,
    check_forecaster,
    check_observer,
    check_plugin,
    check_risk_check,
    check_trigger,
)
from ml4t.live.testing.conformance.forecaster import ForecasterRig
from ml4t.live.testing.conformance.observer import ObserverRig
from ml4t.live.testing.conformance.plugin import PluginRig
from ml4t.live.testing.conformance.report import NotConformant, Outcome, Report, Result
from ml4t.live.testing.conformance.risk_check import RiskCheckRig
from ml4t.live.testing.conformance.scenario import NoSuchScenario
from ml4t.live.testing.conformance.trigger import TriggerRig

__all__ = [
    "ForecasterRig",
    "NoSuchScenario",
    "NotConformant",
    "ObserverRig",
    "Outcome",
    "PluginRig",
    "Report",
    "Result",
    "RiskCheckRig",
    "TriggerRig",
    "check_broker",
    "check_feed",
    "check_forecaster",
    "check_observer",
    "check_plugin",
    "check_risk_check",
    "check_trigger",
]
