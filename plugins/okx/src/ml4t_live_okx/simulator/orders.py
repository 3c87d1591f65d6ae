"""One order at the simulated venue, and one execution of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from attrs import define, field, frozen

from ml4t_live_okx.simulator.instruments import ZERO, Listed

WORKING = frozenset({"live", "partially_filled"})


def plain(value: Decimal | None) -> str:
    """Return a number as the API writes it, nothing for None."""
    return "" if value is None else f"{value.normalize():f}"


@define(eq=False)
class VenueOrder:
    """An order as OKX keeps it: sizes are in coins for spot and in contracts else, times milliseconds UTC."""

    id: str
    client_id: str
    listed: Listed
    side: str
    kind: str
    size: Decimal
    price: Decimal | None
    mode: str
    position_side: str
    created: int
    in_quote: bool = False
    """True when `size` is an amount of money."""
    tag: str = ""
    reduce_only: bool = False
    state: str = "live"
    filled: Decimal = ZERO
    paid: Decimal = ZERO
    """Size times price of all that has traded."""
    fee: Decimal = ZERO
    updated: int = 0
    last: Execution | None = None
    said: dict[str, str] = field(factory=dict)
    """What the next update says besides: the outcome of an amendment, why it was cancelled."""
    algo_id: str = ""
    algo_client_id: str = ""
    """Which algo order made it, by either id; empty when none did."""
    linked_algo: str = ""
    """The stop that goes when it has traded, by its id."""
    attached: list[dict[str, str]] = field(factory=list)
    """The exits that are made when it has traded."""

    @property
    def is_working(self) -> bool:
        """True while it may trade."""
        return self.state in WORKING

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.side == "buy" else -1

    @property
    def remaining(self) -> Decimal:
        """What has not traded."""
        return self.size - self.filled

    @property
    def instrument_type(self) -> str:
        """OKX's type: a spot pair that is traded with borrowed money is MARGIN."""
        return "MARGIN" if self.listed.kind == "SPOT" and self.mode != "cash" else self.listed.kind

    def as_json(self) -> dict[str, Any]:
        """Return it as the API writes it."""
        last = self.last
        return {
            "accFillSz": plain(self.filled), "algoClOrdId": self.algo_client_id, "algoId": self.algo_id,
            "attachAlgoOrds": self.attached,
            "avgPx": plain(self.paid / self.filled) if self.filled else "", "cTime": str(self.created), "cancelSource": "",
            "cancelSourceReason": "", "category": "normal", "ccy": "", "clOrdId": self.client_id,
            "execType": "T" if last else "",
            "fee": plain(self.fee), "feeCcy": last.fee_currency if last else self.listed.quote,
            "fillPx": plain(last.price) if last else "", "fillSz": plain(last.size) if last else "0",
            "fillTime": str(last.time) if last else "", "instId": self.listed.id, "instType": self.instrument_type,
            "isTpLimit": "false", "lever": "10" if self.mode != "cash" else "", "linkedAlgoOrd": {"algoId": self.linked_algo},
            "ordId": self.id, "ordType": self.kind, "pnl": "0", "posSide": self.position_side, "px": plain(self.price),
            "pxType": "", "pxUsd": "", "pxVol": "", "quickMgnType": "", "rebate": "0", "rebateCcy": self.listed.quote,
            "reduceOnly": str(self.reduce_only).lower(), "side": self.side, "slOrdPx": "", "slTriggerPx": "",
            "slTriggerPxType": "", "source": "", "state": self.state, "stpId": "", "stpMode": "cancel_maker",
            "sz": plain(self.size), "tag": self.tag, "tdMode": self.mode, "tgtCcy": "quote_ccy" if self.in_quote else "",
            "tpOrdPx": "", "tpTriggerPx": "", "tpTriggerPxType": "", "tradeId": last.trade_id if last else "",
            "uTime": str(self.updated or self.created),
        }  # fmt: skip

    def as_push(self) -> dict[str, Any]:
        """Return it as the order channel says it, which says a little more."""
        last = self.last
        fee = {"fillFee": plain(last.fee) if last else "0", "fillFeeCcy": last.fee_currency if last else ""}
        told = {"amendResult": "", "amendSource": "", "code": "0", "msg": "", "reqId": "", "execType": "T" if last else ""}
        value = plain(last.size * last.price) if last else ""
        return {**self.as_json(), **fee, **told, "fillNotionalUsd": value, "notionalUsd": "", "fillPnl": "0", **self.said}


@frozen(eq=False)
class Execution:
    """One execution. `fee` has OKX's sign: negative when it was paid."""

    trade_id: str
    bill_id: str
    order: VenueOrder
    price: Decimal
    size: Decimal
    fee: Decimal
    fee_currency: str
    time: int
    cumulative: Decimal

    @property
    def name(self) -> str:
        """The framework's id of it."""
        return f"{self.order.id}-{self.trade_id}"

    def as_json(self) -> dict[str, Any]:
        """Return it as the list of fills has it."""
        order = self.order
        return {
            "instType": order.instrument_type, "instId": order.listed.id, "tradeId": self.trade_id, "ordId": order.id,
            "clOrdId": order.client_id, "billId": self.bill_id, "subType": "1", "tag": order.tag, "fillPx": plain(self.price),
            "fillSz": plain(self.size), "fillIdxPx": "", "fillPnl": "0", "side": order.side, "posSide": order.position_side,
            "execType": "T", "feeCcy": self.fee_currency, "fee": plain(self.fee), "ts": str(self.time),
            "fillTime": str(self.time), "feeRate": "", "tradeQuoteCcy": order.listed.quote,
        }  # fmt: skip
