"""The contract of a trigger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from ml4t.live.contracts.market import MarketView
from ml4t.live.model import Firing, MarketEvent


@runtime_checkable
class EventTrigger(Protocol):
    """A trigger that looks at market events.

    It sees every event of its symbols, so that its memory is whole; the engine stamps and records what comes back, as
    suppressed during warm-up and cooldown. A trigger reads no clock and does no I/O: same events, same firings.
    """

    def on_event(self, event: MarketEvent, market: MarketView) -> Firing | None:
        """Return a firing when the condition became true with this event, else None. `market` includes the event."""
        ...


@runtime_checkable
class TimeTrigger(Protocol):
    """A trigger that goes off at moments known beforehand."""

    def next_time(self, after: int) -> int | None:
        """Return the first moment later than `after` (nanoseconds UTC) at which to fire, None for never again."""
        ...


@runtime_checkable
class StatefulTrigger(Protocol):
    """A trigger that remembers something between events, and wants it back after a restart."""

    def state(self) -> Mapping[str, Any]:
        """Return what must survive a restart, as plain JSON values."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        ...


Trigger = EventTrigger | TimeTrigger
