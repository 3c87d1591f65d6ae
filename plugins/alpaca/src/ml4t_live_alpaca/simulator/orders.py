"""One order at the simulated venue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from attrs import define, field

from ml4t_live_alpaca.symbols import is_crypto
from ml4t_live_alpaca.times import to_text

WORKING = frozenset({"accepted", "pending_new", "new", "partially_filled", "held", "pending_cancel", "pending_replace"})
"""The statuses of an order that may still trade."""
BUYS = "buy"


@define(eq=False)
class VenueOrder:
    """An order as Alpaca keeps it; quantities and prices are decimals, times nanoseconds UTC."""

    id: str
    client_order_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    created_at: int
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    hwm: Decimal | None = None
    extended_hours: bool = False
    order_class: str = ""
    status: str = "pending_new"
    filled_qty: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    updated_at: int = 0
    stamps: dict[str, int] = field(factory=dict)
    """When it was filled, cancelled and so on, by the name of the field."""
    replaced_by: str | None = None
    replaces: str | None = None
    parent: VenueOrder | None = None
    legs: list[VenueOrder] = field(factory=list)
    triggered: bool = False
    """True once its stop has been reached."""

    @property
    def is_working(self) -> bool:
        """True while it may trade."""
        return self.status in WORKING

    @property
    def is_active(self) -> bool:
        """True when it trades if the market is there: a leg is held until its entry has traded."""
        return self.status in {"new", "partially_filled", "pending_replace"}

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.side == BUYS else -1

    @property
    def remaining(self) -> Decimal:
        """What has not traded; nothing while a notional order has no quantity."""
        return (self.qty or Decimal(0)) - self.filled_qty

    def as_json(self, *, nested: bool = True) -> dict[str, Any]:
        """Return it as the API writes it."""
        average = _text(self.paid / self.filled_qty) if self.filled_qty else None
        return {
            "id": self.id,
            "client_order_id": self.client_order_id,
            "created_at": to_text(self.created_at),
            "updated_at": to_text(self.updated_at or self.created_at),
            "submitted_at": to_text(self.created_at),
            **{name: self._stamp(name) for name in ("filled_at", "expired_at", "canceled_at", "failed_at", "replaced_at")},
            "replaced_by": self.replaced_by,
            "replaces": self.replaces,
            "asset_id": asset_id(self.symbol),
            "symbol": self.symbol,
            "asset_class": asset_class(self.symbol),
            "notional": _text(self.notional),
            "qty": _text(self.qty) if self.notional is None else None,
            "filled_qty": _text(self.filled_qty),
            "filled_avg_price": average,
            "order_class": self.order_class,
            "order_type": self.type,
            "type": self.type,
            "side": self.side,
            "position_intent": f"{self.side}_to_open",
            "time_in_force": self.time_in_force,
            "limit_price": _text(self.limit_price),
            "stop_price": _text(self.stop_price),
            "status": self.status,
            "extended_hours": self.extended_hours,
            "legs": [leg.as_json() for leg in self.legs] if self.legs and nested else None,
            "trail_percent": _text(self.trail_percent),
            "trail_price": _text(self.trail_price),
            "hwm": _text(self.hwm),
            "subtag": None,
            "source": None,
        }

    def _stamp(self, name: str) -> str | None:
        return to_text(self.stamps[name]) if name in self.stamps else None


def asset_id(symbol: str) -> str:
    """Return the id of an asset."""
    return str(uuid5(NAMESPACE_DNS, symbol))


def asset_class(symbol: str) -> str:
    """Return Alpaca's name for the class of an asset."""
    return "crypto" if is_crypto(symbol) else "us_equity"


def plain(value: Decimal) -> str:
    """Return a number as the API writes it."""
    return f"{value.normalize():f}"


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
