"""The contract of a trigger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
class CompoundTrigger(Protocol):
    """A trigger that listens to other triggers of the run, by their names in `of`.

    Its config has them in a field `of`, a tuple of strings, so that one that there is not, and a compound of itself, are found
    with the other mistakes of a file.
    """

    @property
    def of(self) -> Sequence[str]:
        """The names of the triggers that it listens to."""
        ...

    def on_firing(self, firing: Firing, market: MarketView) -> Sequence[Firing]:
        """Return what a firing of one of them completes. A firing without a symbol concerns all of them."""
        ...


@runtime_checkable
class ManualTrigger(Protocol):
    """A trigger that goes off when somebody says so."""

    def on_command(self, symbol: str, reason: str, by: str) -> Firing:
        """Return the firing for a command of `by`; `symbol` is empty when it concerns none.

        Raises ValueError, with what to do instead, for a command that it does not take.
        """
        ...


@runtime_checkable
class StatefulTrigger(Protocol):
    """A trigger that remembers something of a symbol between events, and wants it back after a restart.

    Only runs on live data save it, with every firing and now and then: recorded data are read again instead. A compound
    is asked for all it remembers at once, under "".
    """

    def state(self, symbol: str) -> Mapping[str, Any] | None:
        """Return what must survive a restart of what is known of a symbol; None for nothing.

        Plain JSON values, and fresh ones: they are written later.
        """
        ...

    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        ...


Trigger = EventTrigger | TimeTrigger | CompoundTrigger | ManualTrigger
