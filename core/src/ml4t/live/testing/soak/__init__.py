"""A day of bad luck in minutes: thousands of orders and market events through an adapter while its line and its venue fail."""

from ml4t.live.testing.soak.plan import SoakPlan, SoakRig, WholeRig
from ml4t.live.testing.soak.report import SoakReport
from ml4t.live.testing.soak.soaking import soak

__all__ = ["SoakPlan", "SoakReport", "SoakRig", "WholeRig", "soak"]
