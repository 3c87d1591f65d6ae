"""The baselines, put through the conformance kit."""

from __future__ import annotations

from ml4t.live.testing.suites import ForecasterSuite
from ml4t_live_forecast_baselines import rigs


class TestNaive(ForecasterSuite):
    maker = staticmethod(rigs.naive)


class TestDrift(ForecasterSuite):
    maker = staticmethod(rigs.drift)
