"""An order and the words that describe it (row 42 of the table of controls)."""

from __future__ import annotations

from enum import StrEnum
from operator import attrgetter
from typing import Any

from attrs import frozen

from ml4t.live.model.verdict import Verdict


class OrderSide(StrEnum):
    """Which way an order trades."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self is OrderSide.BUY else -1


class OrderType(StrEnum):
    """When and at what price an order may trade."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"
    MOC = "market_on_close"


class TimeInForce(StrEnum):
    """How long an order works."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    OPG = "opg"


class OrderState(StrEnum):
    """Where an order stands.

    NEW -> REJECTED (refused by a risk check)
        -> INTENT (durable) -> SENT -> WORKING -> PARTIALLY_FILLED -> FILLED | CANCELLED | REJECTED | EXPIRED
    UNKNOWN: sent without proof of the outcome. It counts as exposure until the venue has been asked.
    """

    NEW = "new"
    INTENT = "intent"
    SENT = "sent"
    WORKING = "working"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def is_open(self) -> bool:
        """True while the order may still trade, or while nobody can prove that it may not."""
        return self not in _FINAL


_FINAL = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED})


class OrderStatus(StrEnum):
    """The coarse status that a backtest knows."""

    PENDING = "pending"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


_STATUS = {
    OrderState.FILLED: OrderStatus.FILLED,
    OrderState.CANCELLED: OrderStatus.CANCELLED,
    OrderState.EXPIRED: OrderStatus.CANCELLED,
    OrderState.REJECTED: OrderStatus.REJECTED,
}


@frozen
class Terms:
    """What of an order can be amended: its whole quantity and its prices."""

    quantity: float
    limit_price: float | None = None
    stop_price: float | None = None
    trail_amount: float | None = None


@frozen
class Order:
    """One order as it is known at one moment; every change is a new object under the same `order_id`.

    `order_id` is our client order id, derived from the decision that made the order. `quantity` is positive, in units of
    the instrument; `side` gives the direction. Times are nanoseconds UTC.
    """

    order_id: str
    symbol: str
    side: OrderSide
    quantity: float
    order_type: OrderType = OrderType.MARKET
    limit_price: float | None = None
    stop_price: float | None = None
    trail_amount: float | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    created_at: int = 0
    strategy: str = ""
    cause: str = ""
    """What led to it: the id of a firing or a forecast, or the text the strategy gave."""
    state: OrderState = OrderState.NEW
    venue_order_id: str = ""
    filled_quantity: float = 0.0
    average_price: float | None = None
    commission: float = 0.0
    updated_at: int = 0
    code: str = ""
    """The stable code of the refusal, when it was refused."""
    reason: str = ""
    """Why it is in this state, in words, when there is something to say."""
    verdict: Verdict | None = None
    """What refused it, with the numbers that decided; None unless it was refused here and not by the venue."""
    amendment: Terms | None = None
    """What it is being amended to; None unless the venue has been asked and has not answered."""
    parent_id: str = ""
    """The order that it waits for: it trades what that one has traded and no more; empty without one."""
    oco_group: str = ""
    """What it shares with the orders of which one cancels the other; empty without any."""

    @property
    def status(self) -> OrderStatus:
        """The coarse status: PENDING while open, else how it ended."""
        return _STATUS.get(self.state, OrderStatus.PENDING)

    @property
    def is_open(self) -> bool:
        """True while it may still trade."""
        return self.state.is_open

    @property
    def remaining(self) -> float:
        """The quantity that has not traded yet."""
        return self.quantity - self.filled_quantity

    @property
    def terms(self) -> Terms:
        """What it asks for, as far as that can be amended."""
        return Terms(self.quantity, self.limit_price, self.stop_price, self.trail_amount)

    @property
    def largest_quantity(self) -> float:
        """The quantity that it may come to: the larger of its own and of the one that it is being amended to."""
        return self.quantity if self.amendment is None else max(self.quantity, self.amendment.quantity)

    @property
    def reserved(self) -> float:
        """The quantity that may still trade, whatever the venue makes of an amendment."""
        return self.largest_quantity - self.filled_quantity

    @property
    def signed_remaining(self) -> float:
        """The remaining quantity, negative for a sell."""
        return self.remaining if self.side is OrderSide.BUY else -self.remaining

    def changed(self, **changes: Any) -> Order:
        """Return the order with some fields changed: `attrs.evolve` in half the time, for the way of every order."""
        values = list(_values(self))
        for name, value in changes.items():
            values[_PLACES[name]] = value
        return Order(*values)


_PLACES = {name: place for place, name in enumerate(Order.__match_args__)}
_values = attrgetter(*_PLACES)
