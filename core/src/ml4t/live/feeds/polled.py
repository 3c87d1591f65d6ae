"""One symbol of a polling feed: what is known of it, and when it is asked for next."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from ml4t.live.feeds.polling_config import PollingConfig
from ml4t.live.model import Bar
from ml4t.live.times import NANOS

SPREAD = 0.1
"""Polls come up to this fraction of their interval late, and no later than `LATEST` seconds, so that not all come at once."""
LATEST = 2.0
_MOST_DOUBLINGS = 6


class Polled:
    """Tells new bars from known ones.

    The first answer that has a complete bar is history: `since` is where that one ends. An empty answer before it says
    nothing, and neither does one that has become empty.
    """

    def __init__(self, symbol: str, config: PollingConfig, *, known_until: int | None = None) -> None:
        self.symbol = symbol
        self.since = known_until
        self.failures = 0
        self.refused = ""
        self._answered = False
        self._config = config
        self._missed_until = 0
        self._running: Bar | None = None

    @property
    def is_well(self) -> bool:
        """True when the last thing heard of it was an answer."""
        return self._answered and not self.failures and not self.refused

    def take(self, found: Iterable[Bar], now: int) -> Sequence[Bar]:
        """Return what is new in an answer, oldest first."""
        self._answered, self.failures = True, 0
        bars = list(found)
        complete = self.complete(bars, now)
        if self.since is None:
            self.since = max((bar.end_time for bar in complete), default=None)
            return []
        new = [replace(bar, backfilled=True) if bar.end_time <= self._missed_until else bar for bar in complete]
        if complete:
            self.since = complete[-1].end_time
        return [*new, *self._unfinished(bars, now)]

    def complete(self, bars: Iterable[Bar], now: int) -> list[Bar]:
        """Return the complete bars from `since` on, each once, oldest first."""
        since = self.since or 0
        last = {bar.event_time: bar for bar in bars if bar.event_time >= since and self._is_complete(bar, now)}
        return [last[time] for time in sorted(last)]

    def failed(self, now: int) -> None:
        """Note that a request failed: what had ended by then was missed."""
        self.failures += 1
        self._missed_until = now

    def seconds_to_next(self, now: int, rng: random.Random) -> float:
        """Return the seconds until the next poll: `delay` after the next multiple of `every`, later after failures."""
        every = self._config.every
        late = rng.uniform(0.0, min(every * SPREAD / NANOS, LATEST))
        if self.failures:
            return every / NANOS * 2.0 ** min(self.failures - 1, _MOST_DOUBLINGS) + late
        return (every - (now - self._config.delay) % every) / NANOS + late

    def _unfinished(self, bars: Sequence[Bar], now: int) -> Sequence[Bar]:
        """Return the bar that is running, when it is wanted and has changed."""
        if not self._config.incomplete or self.since is None:
            return []
        running = max((bar for bar in bars if not self._is_complete(bar, now)), key=lambda bar: bar.event_time, default=None)
        if running is None or running.event_time < self.since:
            return []
        running = replace(running, complete=False)
        if running == self._running:
            return []
        self._running = running
        return [running]

    def _is_complete(self, bar: Bar, now: int) -> bool:
        return bar.complete and bar.end_time + self._config.delay <= now
