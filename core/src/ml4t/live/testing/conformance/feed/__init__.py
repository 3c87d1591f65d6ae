"""What every feed is put through, a module a subject."""

from __future__ import annotations

from ml4t.live.testing.conformance.scenario import Scenario
from ml4t.live.testing.rig import FeedRig

FEED_SCENARIOS: tuple[Scenario[FeedRig], ...] = ()
