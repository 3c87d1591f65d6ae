"""One algo order at the simulated venue: an order that waits for a price, or a pair of exits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from attrs import define, field

from ml4t_live_okx.simulator.instruments import Listed
from ml4t_live_okx.simulator.orders import VenueOrder, plain

AT_MARKET = Decimal(-1)
"""The price of an order that trades at the market, in the words of the API."""


@define(eq=False)
class VenueAlgo:
    """An algo order as OKX keeps it: `kind` is `conditional`, `oco`, `trigger` or `move_order_stop`; times milliseconds UTC."""

    id: str
    client_id: str
    listed: Listed
    side: str
    kind: str
    size: Decimal
    mode: str
    position_side: str
    created: int
    stop: Decimal | None = None
    """The price that triggers it; of a trailing stop, where that stands now."""
    stop_price: Decimal = AT_MARKET
    """The price of the order that `stop` makes."""
    target: Decimal | None = None
    """The price that takes the profit, where that too waits for one."""
    target_price: Decimal = AT_MARKET
    spread: Decimal | None = None
    """How far a trailing stop stays behind."""
    rises: bool = False
    """True for a `trigger` order that waits for a higher price than there was when it was taken."""
    in_coins: bool = False
    """True when the size of the order that it makes is in coins although it trades at the market on spot."""
    tag: str = ""
    state: str = "live"
    updated: int = 0
    order: VenueOrder | None = None
    """What it has made, by being triggered."""
    twin: VenueOrder | None = None
    """The limit order that takes the profit, and goes when `stop` is reached."""
    actual_side: str = ""
    fail_code: str = ""
    said: dict[str, str] = field(factory=dict)

    @property
    def is_live(self) -> bool:
        """True while it waits."""
        return self.state == "live"

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.side == "buy" else -1

    @property
    def instrument_type(self) -> str:
        """OKX's type: a spot pair that is traded with borrowed money is MARGIN."""
        return "MARGIN" if self.listed.kind == "SPOT" and self.mode != "cash" else self.listed.kind

    def reached(self, price: Decimal) -> str:
        """Return which of its prices the market has come to: `sl`, `tp` or none."""
        if self.spread is not None:
            behind = price + self.sign * self.spread
            self.stop = behind if self.stop is None else self.sign * min(self.sign * self.stop, self.sign * behind)
        ahead = (1 if self.rises else -1) if self.kind == "trigger" else self.sign
        if self.stop is not None and ahead * (price - self.stop) >= 0:
            return "sl"
        return "tp" if self.target is not None and self.sign * (price - self.target) <= 0 else ""

    def as_json(self) -> dict[str, Any]:
        """Return it as the API writes it."""
        loss = self.kind in {"conditional", "oco"} and self.stop is not None
        trigger, trailing = self.kind == "trigger", self.kind == "move_order_stop"
        made, twin = self.order, self.twin
        return {
            "activePx": "", "actualPx": plain(made.price) if made else "", "actualSide": self.actual_side,
            "actualSz": plain(made.size) if made else "0", "algoClOrdId": self.client_id, "algoId": self.id,
            "amendPxOnTriggerType": "0", "attachAlgoOrds": [], "callbackRatio": "", "callbackSpread": plain(self.spread),
            "ccy": "", "clOrdId": "", "closeFraction": "", "failCode": self.fail_code, "instId": self.listed.id,
            "instType": self.instrument_type, "isTradeBorrowMode": "", "last": "",
            "lever": "10" if self.mode != "cash" else "", "linkedOrd": {"ordId": twin.id if twin else ""},
            "moveTriggerPx": plain(self.stop) if trailing else "", "ordId": made.id if made else "",
            "ordIdList": [made.id] if made else [], "ordPx": plain(self.stop_price) if trigger else "", "ordType": self.kind,
            "posSide": self.position_side, "reduceOnly": "false", "side": self.side,
            "slOrdPx": plain(self.stop_price) if loss else "", "slTriggerPx": plain(self.stop) if loss else "",
            "slTriggerPxType": "last" if loss else "", "state": self.state, "sz": plain(self.size), "tag": self.tag,
            "tdMode": self.mode, "tgtCcy": "base_ccy" if self.in_coins else "",
            "tpOrdPx": plain(self.target_price) if self.target else "", "tpTriggerPx": plain(self.target),
            "tpTriggerPxType": "last" if self.target else "", "triggerPx": plain(self.stop) if trigger else "",
            "triggerPxType": "last" if trigger else "", "triggerTime": str(self.updated) if made else "",
            "cTime": str(self.created), "uTime": str(self.updated or self.created),
        }  # fmt: skip

    def as_push(self) -> dict[str, Any]:
        """Return it as the channel of algo orders says it."""
        return {**self.as_json(), "amendResult": "", "reqId": "", "notionalUsd": "", **self.said}
