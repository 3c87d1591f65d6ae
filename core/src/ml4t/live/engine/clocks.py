"""Which clock a run goes by: the machine's, or that of its data."""

from __future__ import annotations

import structlog

from ml4t.live.clock import Clock, DataClock, SystemClock
from ml4t.live.engine.parts import Parts
from ml4t.live.model import MarketEvent
from ml4t.live.times import NANOS

HISTORICAL_AFTER = 7 * 86_400 * NANOS
"""A feed in code that does not say whether its data are recorded ones is taken to be so when its first event is this old."""

_log = structlog.get_logger("ml4t.live")


def decided_clock(parts: Parts, given: Clock | None) -> Clock | None:
    """Return the clock of a run: the one `given`, or what the feeds say; None when the first event has to decide.

    Raises ValueError for recorded data in another mode than shadow.
    """
    historical = parts.historical
    if historical and parts.mode != "shadow":
        raise ValueError(f"mode {parts.mode!r} does not trade on recorded data; use mode 'shadow'")
    if given is not None:
        return given
    if historical is None and parts.mode == "shadow":
        return None
    return DataClock() if historical else SystemClock()


def clock_of(event: MarketEvent) -> Clock:
    """Return the clock of a run whose first event is `event`. Raises TypeError when it is none."""
    if not isinstance(event, MarketEvent):
        raise TypeError(f"a feed pushed {event!r}; a feed pushes Trade, Quote, Bar or Funding")
    recorded = abs(SystemClock().now() - event.event_time) > HISTORICAL_AFTER
    _log.info("the feed does not say whether its data are recorded", taken_as="recorded" if recorded else "live")
    return DataClock() if recorded else SystemClock()


def by_itself(clock: Clock | None) -> Clock:
    """Return a clock that goes by itself: the machine's where the data move the engine's, or have not decided on one."""
    return SystemClock() if clock is None or isinstance(clock, DataClock) else clock
