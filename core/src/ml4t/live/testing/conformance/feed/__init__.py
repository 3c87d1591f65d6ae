"""What every feed is put through, a module a subject."""

from __future__ import annotations

from ml4t.live.testing.conformance.feed import closing, reconnecting, silence, symbols, times
from ml4t.live.testing.conformance.scenario import Scenario, scenarios_of
from ml4t.live.testing.rig import FeedRig

FEED_SCENARIOS: tuple[Scenario[FeedRig], ...] = tuple(scenarios_of(times, symbols, reconnecting, silence, closing))
