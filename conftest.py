"""Settings of hypothesis for every test of the repository."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How long an example takes is the machine's affair, and the examples are the same in every run: one that is new is no fault of
# the change that is tested. `pytest --hypothesis-profile=search` looks for new ones.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("search"), derandomize=True)
settings.load_profile("same")
