"""What a conformance run needs of a venue: a simulator with books of its own, and the adapter that talks to it.

Both are written by whoever ships the adapter. The methods of a venue are called on the event loop's thread and return when
the venue, which has a thread of its own, has done what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from ml4t.live.contracts.broker import Broker
from ml4t.live.contracts.feed import Feed
from ml4t.live.model import Fill, Order

Address = tuple[str, int]
"""Host and port of a listening socket."""


class SimulatedServer(Protocol):
    """What every simulated vendor can be made to do."""

    address: Address

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        ...

    def drop(self, *, reset: bool = False) -> None:
        """Close every connection, with FIN or with RST, and take new ones."""
        ...

    def mute(self, on: bool) -> None:
        """Keep connections open, answer heartbeats, and send nothing else while it is on; what is muted is sent never."""
        ...

    def restart(self) -> None:
        """Stop listening, drop everybody, and come back on the same address with the same books."""
        ...


class VenueControl(SimulatedServer, Protocol):
    """A simulated venue for orders. Its books are its own, and survive its connections."""

    @property
    def requests(self) -> int:
        """How many requests to submit, cancel or replace an order have arrived."""
        ...

    def price(self, symbol: str, price: float) -> None:
        """Let the market be there: market orders trade at it, resting orders when it touches them."""
        ...

    def hold(self, on: bool) -> None:
        """While it is on, orders are acknowledged and trade only by `execute`."""
        ...

    def execute(self, order_id: str, quantity: float, price: float, *, commission: float | None = 0.0) -> str:
        """Trade that much of an order; return the execution's id. None: the fee comes later, with `charge`."""
        ...

    def charge(self, execution_id: str, commission: float) -> None:
        """Send the fee of an execution."""
        ...

    def repeat(self, execution_id: str) -> None:
        """Send an execution again, as it was."""
        ...

    def correct(self, execution_id: str, price: float) -> None:
        """Send a correction of an execution: it traded at this price."""
        ...

    def execute_before_acknowledging(self) -> None:
        """Execute the next order whole, and tell of it before it is acknowledged."""
        ...

    def reject_next(self, reason: str) -> None:
        """Turn the next order away for this reason."""
        ...

    def lose_next_answer(self) -> None:
        """Take the next order, and send no answer and no news of it on this connection; questions are answered."""
        ...

    def lose_next_request(self) -> None:
        """Swallow the next order as if it had never arrived."""
        ...

    def sync_partially(self, on: bool) -> None:
        """Leave out a part of what a client needs to know at its start."""
        ...

    def orders(self) -> Sequence[Order]:
        """Return every order ever taken, with our id and where it stands."""
        ...

    def fills(self) -> Sequence[Fill]:
        """Return what has traded, every execution once."""
        ...

    def positions(self) -> Mapping[str, float]:
        """Return what is held, by symbol."""
        ...

    def cash(self) -> float:
        """Return the cash of the account."""
        ...


class BrokerRig(Protocol):
    """A venue, and adapters that talk to it.

    `exempt` names the scenarios that cannot be at this vendor, each with the reason. `patience` is how many seconds an
    adapter of `broker()` needs at most to find out that a connection is dead.

    The account is new: a paper one where the vendor has paper accounts, flat, with cash for a thousand of either symbol at a
    price of 100, where every scenario begins. What both symbols trade in is a cent and a whole unit.
    """

    venue: VenueControl
    symbol: str
    second_symbol: str
    secrets: Sequence[str]
    exempt: Mapping[str, str]
    patience: float

    def broker(self, *, address: Address | None = None, wrong_credentials: bool = False) -> Broker:
        """Return a new adapter that is not connected yet; `address` is the venue's own when it is None."""
        ...


class FeedControl(SimulatedServer, Protocol):
    """A simulated source of market data."""

    @property
    def subscriptions(self) -> frozenset[str]:
        """The symbols that somebody listens to now, in the framework's form."""
        ...

    def emit(self, symbol: str, price: float, size: float = 1.0) -> int:
        """Let a trade (or the bar that the feed is subscribed to) happen; return its event time, nanoseconds UTC.

        It happens whether or not anybody is connected: whoever asks for the past afterwards is told of it.
        """
        ...


class FeedRig(Protocol):
    """A source, and feeds that listen to it. `exempt` and `patience` are those of `BrokerRig`."""

    source: FeedControl
    symbols: Sequence[str]
    unknown_symbol: str
    secrets: Sequence[str]
    exempt: Mapping[str, str]
    patience: float

    def feed(self, symbols: Sequence[str], *, address: Address | None = None, wrong_credentials: bool = False) -> Feed:
        """Return a new feed of these symbols; `address` is the source's own when it is None."""
        ...


BrokerMaker = Callable[[], AbstractAsyncContextManager[BrokerRig]]
"""What `check_broker` takes: every scenario has a rig of its own."""

FeedMaker = Callable[[], AbstractAsyncContextManager[FeedRig]]
"""What `check_feed` takes: every scenario has a rig of its own."""
