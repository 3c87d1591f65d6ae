"""The conformance kit: whether an adapter does what its contract asks, proved against a simulator of its venue."""

from ml4t.live.testing.conformance.check import check_broker, check_feed
from ml4t.live.testing.conformance.report import NotConformant, Outcome, Report, Result
from ml4t.live.testing.conformance.scenario import NoSuchScenario

__all__ = ["NoSuchScenario", "NotConformant", "Outcome", "Report", "Result", "check_broker", "check_feed"]
