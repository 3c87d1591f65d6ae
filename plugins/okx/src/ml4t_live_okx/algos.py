# ruff: noqa: N815 - the fields of rows have the names that they have on the wire
"""What OKX says of algo orders: stops, trailing stops and pairs of exits, until they are triggered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct
from msgspec.json import Decoder

from ml4t.live.contracts import OrderUpdate
from ml4t.live.model import Order, OrderSide, OrderState, OrderType, Terms
from ml4t_live_okx.instruments import Listing
from ml4t_live_okx.pairs import leg_of, orders_of
from ml4t_live_okx.times import from_millis
from ml4t_live_okx.updates import STATES, Attached, OrderRow, order_of, units

AT_MARKET = "-1"
"""The price of an order that trades at the market once it is triggered."""
_ENDED: Mapping[str, OrderState] = MappingProxyType(
    {
        "canceled": OrderState.CANCELLED,
        "order_failed": OrderState.REJECTED,
        "partially_failed": OrderState.REJECTED,
    }
)
"""Any other state counts as working: of one that was triggered, the order that it has made tells the rest."""


class LinkedOrder(Struct, frozen=True):
    """The limit order that goes with a stop, by its id."""

    ordId: str = ""


class AlgoRow(Struct):
    """An algo order as the channel and the API say it. Numbers are texts, and empty when there is none."""

    algoId: str
    algoClOrdId: str
    instId: str
    instType: str
    ordType: str
    state: str
    side: str
    sz: str
    cTime: str
    uTime: str = ""
    ordId: str = ""
    slTriggerPx: str = ""
    slOrdPx: str = ""
    tpOrdPx: str = ""
    triggerPx: str = ""
    ordPx: str = ""
    callbackSpread: str = ""
    actualSide: str = ""
    failCode: str = ""
    amendResult: str = ""
    linkedOrd: LinkedOrder = LinkedOrder()

    @property
    def is_live(self) -> bool:
        """True while it waits."""
        return self.state in {"live", "pause"}

    @property
    def is_pair(self) -> bool:
        """True for a pair of exits of ours."""
        return orders_of(self.algoClOrdId) is not None

    @property
    def order_id(self) -> str:
        """Our id of the order that waits, of a pair that of the stop; OKX's for one that somebody sent without any."""
        return leg_of(self.algoClOrdId, is_limit=False) or self.algoId

    @property
    def made(self) -> str:
        """The order that it has made by being triggered, by its id; empty before."""
        return "" if self.ordId == self.linkedOrd.ordId else self.ordId


algo_rows = Decoder(list[AlgoRow])


def algo_update(row: AlgoRow, listing: Listing, *, terms: bool = False) -> OrderUpdate:
    """Return how an order that waits stands; of a pair of exits, the stop, which is for what is left of the other."""
    state, reason = _ENDED.get(row.state, OrderState.WORKING), ""
    if state is OrderState.REJECTED:
        reason = f"OKX could not place the order when its price was reached ({row.failCode or 'no reason given'})"
    elif row.amendResult == "-1":
        reason = "OKX did not amend it"
    elif row.is_pair and row.actualSide == "tp":
        state, reason = OrderState.CANCELLED, "the other exit has traded"
    told = terms or row.amendResult or row.is_pair
    return OrderUpdate(
        order_id=row.order_id,
        state=state,
        time=from_millis(row.uTime or row.cTime),
        venue_order_id=row.made or row.algoId,
        reason=reason,
        terms=algo_terms(row, listing) if told and row.is_live else None,
    )


def algo_terms(row: AlgoRow, listing: Listing) -> Terms:
    """Return the quantity and the prices that an order has that waits. Where a trailing stop stands was not asked for."""
    price, stop = row.slOrdPx or row.ordPx, row.slTriggerPx or row.triggerPx
    return Terms(
        units(row.sz, listing),
        float(price) if price not in {"", AT_MARKET} else None,
        float(stop) if stop else None,
        float(row.callbackSpread) if row.callbackSpread else None,
    )


def algo_order(row: AlgoRow, listing: Listing, made: OrderRow | None = None) -> Order:
    """Return an order that waits, or that was triggered and works as `made`, as one of the framework's."""
    terms = algo_terms(row, listing)
    kind = OrderType.STOP if terms.limit_price is None else OrderType.STOP_LIMIT
    return Order(
        order_id=row.order_id if row.algoClOrdId else "",
        symbol=row.instId,
        side=OrderSide(row.side),
        quantity=terms.quantity,
        order_type=OrderType.TRAILING_STOP if row.ordType == "move_order_stop" else kind,
        limit_price=terms.limit_price,
        stop_price=terms.stop_price,
        trail_amount=terms.trail_amount,
        created_at=from_millis(row.cTime),
        state=OrderState.WORKING if made is None else STATES.get(made.state, OrderState.WORKING),
        venue_order_id=row.algoId if made is None else made.ordId,
        filled_quantity=0.0 if made is None else units(made.accFillSz, listing),
        updated_at=from_millis(row.uTime or row.cTime),
    )


def exits_of(entry: OrderRow) -> Iterator[tuple[str, str, Attached]]:
    """Yield the ids of the limit order and of the stop that go with an entry, and what OKX says of the two."""
    for each in entry.attachAlgoOrds:
        both = orders_of(each.attachAlgoClOrdId)
        if both is not None:
            yield *both, each


def exit_updates(entry: OrderRow) -> Iterator[OrderUpdate]:
    """Yield what becomes of the exits of an entry that has ended without them: OKX says nothing of them by themselves."""
    for limit, stop, said in exits_of(entry):
        for order_id in (limit, stop):
            if (update := exit_update(order_id, entry, said)).state is not OrderState.WORKING:
                yield update


def exit_update(order_id: str, entry: OrderRow, said: Attached) -> OrderUpdate:
    """Return how an exit stands that is not made yet: it works with its entry, and goes with one that has not traded."""
    state, reason = OrderState.WORKING, ""
    if said.failCode:
        state, reason = (
            OrderState.REJECTED,
            f"OKX could not place the exit: {said.failReason or 'no reason given'} ({said.failCode})",
        )
    elif not entry.is_working and not float(entry.accFillSz or 0):
        state, reason = OrderState.CANCELLED, "its entry has ended without a trade"
    return OrderUpdate(order_id, state, from_millis(entry.uTime), reason=reason)


def exit_orders(entry: OrderRow, listing: Listing) -> Iterator[Order]:
    """Yield the exits of an entry that works, as orders of the framework's: they are part of it, and shown nowhere else."""
    parent = order_of(entry, listing)
    side = OrderSide.SELL if parent.side is OrderSide.BUY else OrderSide.BUY
    for limit, stop, said in exits_of(entry):
        shared = parent.changed(
            side=side,
            limit_price=None,
            filled_quantity=0.0,
            state=OrderState.WORKING,
            parent_id=parent.order_id,
            venue_order_id="",
        )
        yield shared.changed(order_id=limit, order_type=OrderType.LIMIT, limit_price=float(said.tpOrdPx))
        yield shared.changed(order_id=stop, order_type=OrderType.STOP, stop_price=float(said.slTriggerPx))
