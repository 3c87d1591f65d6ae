"""What the desk needs of others: somebody who carries its orders, and somebody who writes down what happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ml4t.live.contracts.broker import BrokerCapabilities
from ml4t.live.journal import Also, RecordKind, StatePut
from ml4t.live.model import Order


class Executor(Protocol):
    """What carries orders to a venue; it answers through the desk's `order`, `fill` and `account`."""

    capabilities: BrokerCapabilities
    outside: bool
    """Its venue keeps books of its own, so that what it is handed must be durable before."""

    def submit(self, order: Order) -> None:
        """Send an order."""
        ...

    def submit_linked(self, orders: Sequence[Order]) -> None:
        """Send orders that belong together (a bracket, or a pair of which one cancels the other)."""
        ...

    def cancel(self, order: Order) -> None:
        """Ask for a cancel."""
        ...

    def replace(self, order: Order) -> None:
        """Ask for the terms of `order.amendment`."""
        ...


class Recorder(Protocol):
    """Writes to the journal and tells the observers."""

    def __call__(
        self,
        kind: RecordKind,
        subject: str,
        body: object,
        *,
        state: Sequence[StatePut] = (),
        on_durable: Callable[[], None] | None = None,
        also: Sequence[Also] = (),
    ) -> int:
        """Append a record, in one commit with those of `also`; `on_durable` is called once it is as safe as configured."""
        ...
