# ruff: noqa: N815 - the fields of rows have the names that they have on the wire
"""What OKX says of orders and executions, as the framework's updates, fills and orders."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.json import Decoder

from ml4t.live.contracts import OrderUpdate
from ml4t.live.model import Fill, Order, OrderSide, OrderState, OrderType, Terms, TimeInForce
from ml4t_live_okx.instruments import Listing
from ml4t_live_okx.pairs import orders_of
from ml4t_live_okx.times import from_millis

VENUE = "okx"
STATES: Mapping[str, OrderState] = MappingProxyType(
    {
        "live": OrderState.WORKING,
        "partially_filled": OrderState.PARTIALLY_FILLED,
        "filled": OrderState.FILLED,
        "canceled": OrderState.CANCELLED,
        "mmp_canceled": OrderState.CANCELLED,
    }
)
"""A state that is not here counts as working, and as exposure."""
_TIMES = {"ioc": TimeInForce.IOC, "optimal_limit_ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}
_BY_US = frozenset({"", "1"})
_CANCELLED: Mapping[str, str] = MappingProxyType(
    {
        "0": "the system cancelled it",
        "2": "a liquidation cancelled it",
        "3": "it was cancelled because the position is being liquidated",
        "4": "OKX cancelled it because of the account's margin",
        "6": "its margin was not enough",
        "9": "it was cancelled because of auto-deleveraging",
        "14": "it could not trade at once",
        "15": "its price was beyond the limit",
        "20": "cancel-all-after ran out",
        "31": "it would have taken from the book",
        "32": "it would have traded with another order of this account",
    }
)
"""By OKX's number, why an order was cancelled."""


class Linked(Struct, frozen=True):
    """The stop that goes with a limit order, by its id; empty for any other order."""

    algoId: str = ""


class Attached(Struct):
    """A pair of exits that is made when the entry that it is attached to has traded."""

    attachAlgoClOrdId: str = ""
    slTriggerPx: str = ""
    tpOrdPx: str = ""
    failCode: str = ""
    failReason: str = ""


class OrderRow(Struct):
    """An order as the order channel and the API say it. Numbers are texts, and empty when there is none."""

    instId: str
    instType: str
    ordId: str
    clOrdId: str
    side: str
    ordType: str
    state: str
    sz: str
    px: str
    accFillSz: str
    uTime: str
    cTime: str
    tgtCcy: str = ""
    tradeId: str = ""
    fillSz: str = ""
    fillPx: str = ""
    fillTime: str = ""
    fillFee: str = ""
    fillFeeCcy: str = ""
    cancelSource: str = ""
    amendResult: str = ""
    msg: str = ""
    algoId: str = ""
    algoClOrdId: str = ""
    linkedAlgoOrd: Linked = Linked()
    attachAlgoOrds: list[Attached] = []

    @property
    def order_id(self) -> str:
        """Our id, once `Names` has put it there; OKX's for an order that somebody sent without one."""
        return self.clOrdId or self.ordId

    @property
    def is_working(self) -> bool:
        """True while it may trade."""
        return STATES.get(self.state, OrderState.WORKING).is_open

    @property
    def is_exit(self) -> bool:
        """True for the limit order of a pair of exits, of which the stop is an algo order."""
        return self.ordType == "limit" and orders_of(self.algoClOrdId) is not None


order_rows = Decoder(list[OrderRow])


def update_of(row: OrderRow, listing: Listing, *, terms: bool = False) -> OrderUpdate:
    """Return how an order stands; with its terms when they were asked for, when it was amended, and when it is an exit.

    An exit is for what its entry has traded, which may be less than it was to be.
    """
    reason = row.msg if row.amendResult == "-1" else ""
    if row.state == "canceled" and row.cancelSource not in _BY_US:
        reason = _CANCELLED.get(row.cancelSource, f"OKX cancelled it, for its reason {row.cancelSource}")
    return OrderUpdate(
        order_id=row.order_id,
        state=STATES.get(row.state, OrderState.WORKING),
        time=from_millis(row.uTime),
        venue_order_id=row.ordId,
        filled_quantity=units(row.accFillSz, listing),
        reason=reason,
        terms=terms_of(row, listing) if terms or row.amendResult or row.is_exit else None,
    )


def terms_of(row: OrderRow, listing: Listing) -> Terms:
    """Return the quantity and the price that an order has."""
    return Terms(units(row.sz, listing), _number(row.px))


def order_of(row: OrderRow, listing: Listing) -> Order:
    """Return a working order as one of the framework's; `order_id` is empty for one without a client order id."""
    terms = terms_of(row, listing)
    return Order(
        order_id=row.clOrdId,
        symbol=row.instId,
        side=OrderSide(row.side),
        quantity=terms.quantity,
        order_type=OrderType.MARKET if terms.limit_price is None else OrderType.LIMIT,
        limit_price=terms.limit_price,
        time_in_force=_TIMES.get(row.ordType, TimeInForce.GTC),
        created_at=from_millis(row.cTime),
        state=STATES.get(row.state, OrderState.WORKING),
        venue_order_id=row.ordId,
        filled_quantity=units(row.accFillSz, listing),
        updated_at=from_millis(row.uTime),
    )


def execution_of(row: OrderRow, listing: Listing, account: str) -> Fill | None:
    """Return the execution that an update of an order tells of, None when it tells of none."""
    size = _number(row.fillSz)
    if not size or row.tradeId in {"", "0"}:
        return None
    said = {
        "instId": row.instId, "ordId": row.ordId, "tradeId": row.tradeId, "side": row.side,
        "fillSz": row.fillSz, "fillPx": row.fillPx, "fee": row.fillFee, "feeCcy": row.fillFeeCcy, "ts": row.fillTime,
    }  # fmt: skip
    return fill_of(said, listing, account, row.order_id)


def fill_of(said: Mapping[str, Any], listing: Listing, account: str, order_id: str) -> Fill:
    """Return the execution that a line of the list of fills is.

    A trade has one id at OKX on both sides, so that of the order belongs to it.
    """
    price = float(said["fillPx"])
    return Fill(
        execution_id=f"{said['ordId']}-{said['tradeId']}",
        order_id=order_id,
        symbol=said["instId"],
        side=OrderSide(said["side"]),
        quantity=units(said["fillSz"], listing),
        price=price,
        time=from_millis(said.get("fillTime") or said["ts"]),
        commission=_commission(said, listing, price),
        venue=VENUE,
        account=account,
        venue_order_id=said["ordId"],
    )


def units(size: str, listing: Listing) -> float:
    """Return a size of OKX's in coins, 0 for an empty one."""
    return float(Decimal(size or 0) * listing.contract)


def _commission(said: Mapping[str, Any], listing: Listing, price: float) -> float:
    """Return what was paid, in the quote currency; OKX's fee is negative when it was paid.

    One in a third currency is left at 0, as one that is not known.
    """
    fee, currency = -(_number(str(said.get("fee") or "")) or 0.0), said.get("feeCcy")
    if currency == listing.base:
        return fee * price
    return fee if currency == listing.instrument.currency else 0.0


def _number(text: str) -> float | None:
    return float(text) if text else None
