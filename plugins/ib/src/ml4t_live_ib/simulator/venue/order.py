"""An order as the simulated TWS holds it, and an execution."""

from __future__ import annotations

from typing import Any

from attrs import define, field, frozen

from ml4t_live_ib.simulator.protocol.fields import Values
from ml4t_live_ib.simulator.venue.contract import Contract

DONE = frozenset({"Filled", "Cancelled", "Inactive"})
"""The states in which nothing can happen to an order any more."""


WORKING = frozenset({"PreSubmitted", "Submitted"})
"""The states in which an order may trade; those before them have not reached an exchange."""


class Refused(Exception):
    """TWS says no; `code` is the vendor's."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(f"{code}: {text}")


@define(eq=False)
class Order:
    """One order. `client_id` and `order_id` are the client's, `perm_id` is the venue's and never changes."""

    perm_id: int
    client_id: int
    order_id: int
    contract: Contract
    account: str
    terms: Values
    """Everything the client has sent, by the vendor's names; a modification replaces it."""
    status: str = "PendingSubmit"
    filled: float = 0.0
    average: float = 0.0
    last_price: float = 0.0
    quantity: float = 0.0
    parent: Order | None = None
    transmitted: bool = True
    triggered: bool = False
    trail_stop: float | None = None
    oca_group: str = ""
    completed_at: int = 0
    """Nanoseconds UTC; 0 while it is open."""
    day: int = 0
    reason: str = ""
    silent_for: set[int] = field(factory=set)
    """The connections that are not told of it unless they ask."""

    @property
    def is_done(self) -> bool:
        """True when nothing can happen to it any more."""
        return self.status in DONE

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.terms["action"] == "BUY" else -1

    @property
    def kind(self) -> str:
        """The vendor's order type."""
        return str(self.terms["orderType"])

    @property
    def remaining(self) -> float:
        """What has not traded."""
        return self.quantity - self.filled

    @property
    def available(self) -> float:
        """What may trade now: a child trades no more than its parent has."""
        if self.parent is None:
            return self.remaining
        return min(self.remaining, self.parent.filled - self.filled)

    @property
    def ref(self) -> str:
        """The client's own id of it (`orderRef`)."""
        return str(self.terms.get("orderRef") or "")

    def as_open(self) -> dict[str, Any]:
        """Return the fields of an openOrder message."""
        return {
            **self.terms,
            **self.contract.values,
            "orderId": self.order_id,
            "clientId": self.client_id,
            "permId": self.perm_id,
            "account": self.account,
            "totalQuantity": self.quantity,
            "ocaGroup": self.oca_group,
            "status": self.status,
            "trailStopPrice": self.trail_stop,
            # TWS writes the word, and clients then read eight more fields.
            "deltaNeutralOrderType": self.terms.get("deltaNeutralOrderType") or "None",
            "deltaNeutralOpenClose": self.terms.get("deltaNeutralOpenClose") or "?",
        }

    def as_status(self) -> dict[str, Any]:
        """Return the fields of an orderStatus message."""
        return {
            "orderId": self.order_id,
            "status": self.status,
            "filled": self.filled,
            "remaining": 0.0 if self.status == "Cancelled" else self.remaining,
            "avgFillPrice": self.average,
            "permId": self.perm_id,
            "parentId": self.terms.get("parentId") or 0,
            "lastFillPrice": self.last_price,
            "clientId": self.client_id,
        }


@frozen
class Execution:
    """One trade of an order. Ids end in a revision: `.01` is the trade, `.02` its first correction."""

    exec_id: str
    order: Order
    quantity: float
    price: float
    time: int
    """Nanoseconds UTC."""
    cumulative: float
    average: float
    day: int
    commission: float | None
    realized: float
    corrects: str = ""

    @property
    def signed(self) -> float:
        """The quantity, negative for a sale."""
        return self.quantity * self.order.sign
