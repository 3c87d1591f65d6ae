"""What every feed is put through, a module a subject."""

from __future__ import annotations

from ml4t.live.testing.conformance.feed import closing, polling, reconnecting, silence, symbols, times
from ml4t.live.testing.conformance.scenario import Scenario, scenarios_of
from ml4t.live.testing.rig import FeedRig

FEED_SCENARIOS: tuple[Scenario[FeedRig], ...] = tuple(scenarios_of(times, symbols, reconnecting, silence, closing))

POLLED_SCENARIOS: tuple[Scenario[FeedRig], ...] = tuple(scenarios_of(polling))
"""What a feed whose source has to be asked is put through besides."""
