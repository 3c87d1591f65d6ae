"""What the engine needs of a venue that exists in memory, and who else may bring one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from ml4t.live.model import MarketEvent, Order, Position
from ml4t.live.orders.ports import Executor
from ml4t.live.shadow.sink import VenueSink


class MemoryVenue(Executor, Protocol):
    """A venue in memory: it takes orders, and tells the desk what becomes of them."""

    unsaved: dict[str, Mapping[str, Any] | None]
    """What a restart should know of resting orders, by id, since it was last taken; None for one that has ended."""

    @property
    def resting(self) -> Mapping[str, Any]:
        """The symbols with orders that meet single events: `on_event` is called for these, and no others."""
        ...

    @property
    def on_event(self) -> Callable[[MarketEvent], None]:
        """What is called with an event of a symbol that is resting."""
        ...

    def end_day(self, now: int) -> None:
        """End the orders that were good for a day that is over."""
        ...

    def restore(
        self,
        cash: float,
        positions: Mapping[str, Position],
        orders: Sequence[Order],
        *,
        later: Sequence[Order] = ...,
        notes: Mapping[str, Mapping[str, Any]] = ...,
        executions: Mapping[str, int] = ...,
        family: Iterable[Order] = ...,
    ) -> None:
        """Take back the account and the orders that were open; see `ShadowVenue.restore`."""
        ...

    def arrive(self, order_id: str) -> None:
        """Let an order that was to come `later` rest now."""
        ...


@runtime_checkable
class BringsVenue(Protocol):
    """A strategy that brings the venue of its shadow orders: one that was made for another framework does."""

    @property
    def initial_cash(self) -> float:
        """The cash that the account begins with."""
        ...

    def shadow_venue(self, sink: VenueSink) -> MemoryVenue:
        """Return the venue; it says to `sink` what becomes of the orders."""
        ...
