"""The contract of a broker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from attrs import field, frozen
from attrs.validators import ge

from ml4t.live.model import Account, Fill, Order, OrderState, OrderType, Position, Terms, TimeInForce


@frozen
class BrokerCapabilities:
    """What a broker can do; the engine refuses the rest before it reaches the wire."""

    order_types: frozenset[OrderType] = frozenset({OrderType.MARKET, OrderType.LIMIT})
    times_in_force: frozenset[TimeInForce] = frozenset({TimeInForce.GTC, TimeInForce.DAY})
    replace: bool = False
    fractional: bool = False
    shorts: bool = True
    kinds: frozenset[str] = frozenset({"paper", "live"})
    """The kinds of account it can connect to."""
    brackets: bool = False
    """It has `SubmitsBrackets.submit_bracket`."""
    oco: bool = False
    """It has `SubmitsOco.submit_oco`."""
    find_together: int = field(default=8, validator=ge(1))
    """How many orders `FindsOrders.find` may be asked about at once: few where each is a request of its own, many where they
    share an answer."""


@frozen
class OrderUpdate:
    """What a venue said about one order. `order_id` is ours; `filled_quantity` is cumulative and never goes down.

    `terms` are the quantity and prices that the order has there now: the answer to `replace`, and None when nothing was
    said of them.
    """

    order_id: str
    state: OrderState
    time: int
    venue_order_id: str = ""
    filled_quantity: float | None = None
    code: str = ""
    reason: str = ""
    terms: Terms | None = None


@frozen
class BrokerSnapshot:
    """A complete and consistent picture of the account: a partial one must raise instead.

    `orders` are the working ones, with our `order_id` where the venue knows it (empty for a foreign order);
    `fills` are those since the time that was asked for.
    """

    account: Account
    positions: Sequence[Position]
    orders: Sequence[Order]
    fills: Sequence[Fill] = ()


class BrokerSink(Protocol):
    """Where a broker puts what the venue says. Call it on the event loop's thread only."""

    def order(self, update: OrderUpdate) -> None:
        """Report a change of an order."""
        ...

    def fill(self, fill: Fill) -> None:
        """Report an execution; reporting it twice is harmless."""
        ...

    def account(self, account: Account) -> None:
        """Report new balances."""
        ...

    def available(self, why: str) -> None:
        """Report why no orders can be sent although the connection stands; empty: they can again.

        The venue's own way to the market is lost, say. Nothing is sent from then on, and nothing concluded from what the
        venue does not show. When it is back the books are compared before orders may leave. Every `run` begins available.
        """
        ...


@runtime_checkable
class Broker(Protocol):
    """A connection to one account at one venue.

    Every method may raise `BrokerConnectionError`. The engine owns order states, client order ids, durable intents,
    deduplication, reconciliation and rate limits; a broker translates.

    One that can look up an order by our id also has `FindsOrders.find`.
    """

    capabilities: BrokerCapabilities

    async def connect(self) -> BrokerSnapshot:
        """Connect, and return the account as it stands. Wrong credentials raise `BrokerRefused`, at once."""
        ...

    async def submit(self, order: Order) -> str:
        """Send the order under its `order_id`; return the venue's order id once the venue has it.

        Raises `BrokerRefused` when the venue said no, `OutcomeUnknown` when nobody can tell. A duplicate id is no
        error: return the id of the order that the venue already has.
        """
        ...

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel; the outcome arrives as an `OrderUpdate`. Raises as `submit`."""
        ...

    async def replace(self, order: Order, *, quantity: float, limit_price: float | None, stop_price: float | None) -> None:
        """Ask to change a working order to these terms; the outcome arrives as an `OrderUpdate` with `terms`.

        `quantity` is the whole of it, what has traded included. Raises as `submit`.
        """
        ...

    async def snapshot(self, since: int) -> BrokerSnapshot:
        """Return the account as it stands, with the fills since `since` (nanoseconds UTC)."""
        ...

    async def run(self, sink: BrokerSink) -> None:
        """Deliver order and fill updates until cancelled. Raises `BrokerConnectionError` when the stream is lost."""
        ...

    async def close(self) -> None:
        """Let go of the connection; calling it twice is harmless."""
        ...


@runtime_checkable
class FindsOrders(Protocol):
    """What a broker has besides when its venue can look up one order by our id. Without it complete snapshots are read."""

    async def find(self, order: Order) -> OrderUpdate | None:
        """Return how an order stands, whether it works or has ended, with `filled_quantity` where the venue says it.

        None means that the venue is sure that it never had it. Whoever cannot tell raises `BrokerConnectionError` or
        `OutcomeUnknown` and is asked again.
        """
        ...


@runtime_checkable
class SubmitsBrackets(Protocol):
    """What a broker has besides that declares `brackets`."""

    async def submit_bracket(self, entry: Order, take_profit: Order, stop_loss: Order) -> Sequence[str]:
        """Send an entry with its two exits as one; return the venue's ids in this order. Raises as `submit`, for all.

        The exits trade what the entry has traded, and each takes from the other what it trades: the venue reports that as
        `terms` or as a cancel.
        """
        ...


@runtime_checkable
class SubmitsOco(Protocol):
    """What a broker has besides that declares `oco`."""

    async def submit_oco(self, first: Order, second: Order) -> Sequence[str]:
        """Send two orders of which one cancels the other; return the venue's ids in this order. Raises as `submit`."""
        ...
