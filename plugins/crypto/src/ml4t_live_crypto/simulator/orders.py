"""One order at the simulated venue, and one execution of it, as the API and the stream say them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from attrs import define, frozen

from ml4t_live_crypto.simulator.pairs import QUOTE, Pair

ZERO = Decimal(0)
WORKING = frozenset({"NEW", "PARTIALLY_FILLED"})


def plain(value: Decimal | None) -> str:
    """Return a number as the API writes it, 0 for None."""
    return f"{value or ZERO:.8f}"


@define(eq=False)
class VenueOrder:
    """An order as Binance keeps it; times are milliseconds UTC."""

    id: int
    client_id: str
    pair: Pair
    side: str
    kind: str
    quantity: Decimal
    price: Decimal | None
    stop: Decimal | None
    within: str
    created: int
    status: str = "NEW"
    triggered: bool = True
    """False while a stop order waits for its price."""
    filled: Decimal = ZERO
    paid: Decimal = ZERO
    updated: int = 0

    @property
    def is_working(self) -> bool:
        """True while it may trade."""
        return self.status in WORKING

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.side == "BUY" else -1

    @property
    def remaining(self) -> Decimal:
        """What has not traded."""
        return self.quantity - self.filled

    def as_json(self) -> dict[str, Any]:
        """Return it as the API writes it."""
        return {
            "symbol": self.pair.id, "orderId": self.id, "orderListId": -1, "clientOrderId": self.client_id,
            "price": plain(self.price), "origQty": plain(self.quantity), "executedQty": plain(self.filled),
            "origQuoteOrderQty": plain(ZERO), "cummulativeQuoteQty": plain(self.paid), "status": self.status,
            "timeInForce": self.within, "type": self.kind, "side": self.side, "stopPrice": plain(self.stop),
            "icebergQty": plain(ZERO), "time": self.created, "updateTime": self.updated or self.created,
            "isWorking": self.triggered, "workingTime": self.created, "selfTradePreventionMode": "EXPIRE_MAKER",
        }  # fmt: skip

    def report(self, what: str, now: int, execution: Execution | None = None) -> dict[str, Any]:
        """Return what the stream tells when `what` has happened to it."""
        cancelled = what == "CANCELED"
        said = {
            "e": "executionReport", "E": now, "s": self.pair.id, "c": f"c{self.id}" if cancelled else self.client_id,
            "S": self.side, "o": self.kind, "f": self.within, "q": plain(self.quantity), "p": plain(self.price),
            "P": plain(self.stop), "F": plain(ZERO), "g": -1, "C": self.client_id if cancelled else "", "x": what,
            "X": self.status, "r": "NONE", "i": self.id, "l": plain(ZERO), "z": plain(self.filled), "L": plain(ZERO),
            "n": "0", "N": None, "T": self.updated, "t": -1, "I": self.id * 10, "w": self.is_working, "m": False, "M": False,
            "O": self.created, "Z": plain(self.paid), "Y": plain(ZERO), "Q": plain(ZERO), "W": self.created,
            "V": "EXPIRE_MAKER",
        }  # fmt: skip
        if execution is not None:
            status = "FILLED" if execution.cumulative >= self.quantity else "PARTIALLY_FILLED"
            said |= {
                "X": status, "l": plain(execution.quantity), "z": plain(execution.cumulative), "L": plain(execution.price),
                "n": plain(execution.fee), "N": execution.fee_asset, "T": execution.time, "t": execution.id,
                "Y": plain(execution.quantity * execution.price), "M": True,
            }  # fmt: skip
        return said


@frozen(eq=False)
class Execution:
    """One execution; its fee is positive when it was paid."""

    id: int
    order: VenueOrder
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    time: int
    cumulative: Decimal

    @property
    def name(self) -> str:
        """The framework's id of it."""
        return f"{self.order.id}-{self.id}"

    def as_json(self) -> dict[str, Any]:
        """Return it as the list of the account's trades has it."""
        order = self.order
        return {
            "symbol": order.pair.id, "id": self.id, "orderId": order.id, "orderListId": -1, "price": plain(self.price),
            "qty": plain(self.quantity), "quoteQty": plain(self.price * self.quantity), "commission": plain(self.fee),
            "commissionAsset": self.fee_asset, "time": self.time, "isBuyer": order.side == "BUY", "isMaker": False,
            "isBestMatch": True,
        }  # fmt: skip


def fee_of(order: VenueOrder, cost: Decimal, price: Decimal, *, in_quote: bool) -> tuple[Decimal, str]:
    """Return a fee that comes to `cost` of the quote currency, and the asset that it is taken in."""
    return (cost / price, order.pair.base) if order.side == "BUY" and not in_quote else (cost, QUOTE)
