"""Orders of ours that OKX keeps as algo orders: sent, found again wherever they are by now, cancelled and amended."""

from __future__ import annotations

import msgspec
from attrs import evolve, frozen

from ml4t.live.contracts import OrderUpdate
from ml4t.live.errors import BrokerRefused
from ml4t.live.model import Order, OrderState, OrderType, Terms
from ml4t.live.times import NANOS
from ml4t_live_okx.algos import AlgoRow, algo_terms, algo_update, exit_update, exits_of
from ml4t_live_okx.batches import Batches, taken
from ml4t_live_okx.errors import NO_SUCH_ORDER, NOT_CANCELLED, Refused
from ml4t_live_okx.instruments import Listing
from ml4t_live_okx.names import Names
from ml4t_live_okx.orders import algo_amend_body, amend_body
from ml4t_live_okx.pairs import orders_of
from ml4t_live_okx.rest import Rest
from ml4t_live_okx.times import from_millis
from ml4t_live_okx.updates import Attached, OrderRow, terms_of, update_of

TYPES = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
EARLIER = 600 * NANOS
"""How much before an order was made by our clock it may have been taken by OKX's."""
KEPT = 10_000
"""Exits that are remembered; older ones are looked for."""
ENDS = ("effective", "canceled", "order_failed")


def waits(order: Order) -> bool:
    """True for an order that is an algo order at OKX, or a part of one."""
    return order.order_type in TYPES or bool(order.parent_id or order.oco_group)


@frozen
class Place:
    """Where an order is that OKX has made: it waits in `algo`, or has become `made`."""

    algo: AlgoRow
    made: OrderRow | None
    number: str
    """OKX's id of what it has become; empty while it waits."""


@frozen
class Attachment:
    """Where an exit is that is not made yet: attached to its `entry`, as `said`."""

    entry: OrderRow
    said: Attached


class WaitingRoom:
    """The algo orders of one account. Everything raises BrokerConnectionError when OKX cannot be asked."""

    def __init__(self, rest: Rest, names: Names, cancels: Batches, amends: Batches) -> None:
        self._rest = rest
        self._names = names
        self._cancels = cancels
        self._amends = amends
        self._pairs: dict[str, str] = {}

    def note(self, pair: str) -> None:
        """Remember which pair two exits are, so that they are found without looking."""
        for order_id in orders_of(pair) or ():
            self._pairs[order_id] = pair
        while len(self._pairs) > KEPT:
            del self._pairs[next(iter(self._pairs))]

    async def find(self, order: Order, listing: Listing) -> OrderUpdate | None:
        """Return how an order stands, None when OKX does not have it."""
        place = await self._place(order)
        if place is None:
            return None
        if isinstance(place, Attachment):
            return exit_update(order.order_id, place.entry, place.said)
        if place.made is not None:
            return evolve(update_of(place.made, listing), terms=_terms(order, place, listing))
        update = evolve(algo_update(place.algo, listing, terms=True), order_id=order.order_id)
        if place.number:
            return evolve(update, state=OrderState.CANCELLED, reason="OKX forgets what was cancelled without a trade")
        if order.order_type is OrderType.LIMIT:
            return evolve(update, state=OrderState.WORKING if place.algo.is_live else OrderState.CANCELLED, terms=None)
        return update

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel. Raises BrokerRefused for what is not there, has ended, or goes with its entry."""
        for last in (False, True):
            place = await self._there(order, "cancelled")
            try:
                if place.made is not None:
                    taken(await self._cancels.add({"instId": order.symbol, "ordId": place.made.ordId}))
                else:
                    body = [{"instId": order.symbol, "algoId": place.algo.algoId}]
                    taken((await self._rest.cancel("trade/cancel-algos", body))[0])
            except Refused as refused:
                if last or refused.venue_code != NOT_CANCELLED:
                    raise
                continue  # it may have been triggered since it was looked for
            return

    async def replace(self, order: Order, listing: Listing, terms: Terms, request: str) -> None:
        """Ask to change an order to these terms. Raises BrokerRefused, also for what OKX does not amend."""
        place = await self._there(order, "changed")
        if order.order_type is OrderType.LIMIT and place.made is not None:
            ids = {"ordId": place.made.ordId}
            taken(await self._amends.add(amend_body(order, listing, terms, ids, request)))
            return
        if place.made is not None or order.order_type is OrderType.TRAILING_STOP:
            what = "a stop that has been triggered" if place.made is not None else "a trailing stop"
            raise BrokerRefused(f"{what} cannot be changed at OKX; cancel it and send another", code="unsupported")
        body = algo_amend_body(order, listing, terms, place.algo.algoId)
        taken((await self._rest.submit("trade/amend-algos", body))[0])

    # ------------------------------------------------------------------ where it is

    async def _there(self, order: Order, what: str) -> Place:
        """Return where an order is that is made. Raises Refused when OKX does not have it, or only as a part of its entry."""
        place = await self._place(order)
        if place is None:
            raise Refused(f"OKX does not have the order {order.order_id}", venue_code=NO_SUCH_ORDER)
        if isinstance(place, Attachment):
            raise Refused(
                f"an exit is {what} at OKX once its entry has traded; until then cancel the entry, and it goes with it",
                venue_code="attached",
            )
        return place

    async def _place(self, order: Order) -> Place | Attachment | None:
        linked = bool(order.parent_id or order.oco_group)
        client_id = await self._pair(order) if linked else order.order_id
        algo = await self._names.algo({"algoClOrdId": client_id}) if client_id else None
        if algo is None:
            return await self._attached(order)
        number = algo.linkedOrd.ordId if order.order_type is OrderType.LIMIT else algo.made
        made = await self._names.order({"instId": order.symbol, "ordId": number}) if number else None
        if made is not None:
            made = msgspec.structs.replace(made, clOrdId=order.order_id)
        return Place(algo, made, number)

    async def _pair(self, order: Order) -> str:
        """Return the pair that an exit belongs to, empty when OKX has none."""
        if order.order_id not in self._pairs:
            await self._attached(order)
        if order.order_id not in self._pairs:
            await self._search(order)
        return self._pairs.get(order.order_id, "")

    async def _attached(self, order: Order) -> Attachment | None:
        """Return where an exit is attached, None when it is not."""
        if not order.parent_id:
            return None
        entry = await self._names.order({"instId": order.symbol, "clOrdId": order.parent_id})
        if entry is not None:
            for limit, stop, said in exits_of(entry):
                self.note(said.attachAlgoClOrdId)
                if order.order_id in {limit, stop}:
                    return Attachment(entry, said)
        return None

    async def _search(self, order: Order) -> None:
        """Look through the pairs of exits that OKX has had since an order was made: those that wait, then those that ended."""
        places = [("trade/orders-algo-pending", {}), *(("trade/orders-algo-history", {"state": state}) for state in ENDS)]
        for path, query in places:
            for kind in ("oco", "conditional"):
                asked = {"ordType": kind, "instId": order.symbol, **query}
                async for said in self._rest.pages(path, asked, "algoId"):
                    self.note(said["algoClOrdId"])
                    if order.order_id in self._pairs:
                        return
                    if from_millis(said["cTime"]) < order.created_at - EARLIER:
                        break


def _terms(order: Order, place: Place, listing: Listing) -> Terms:
    """Return what an order asks for: of one that was triggered its stop as well, which is no part of what it has become."""
    if place.made is None or order.order_type is not OrderType.LIMIT:
        return algo_terms(place.algo, listing)
    return terms_of(place.made, listing)
