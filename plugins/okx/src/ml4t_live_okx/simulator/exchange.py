"""The simulated exchange: takes orders, moves prices, and trades what the price reaches. Pure bookkeeping, no I/O."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

from ml4t_live_okx.simulator.books import Books, Refusal
from ml4t_live_okx.simulator.instruments import Listed
from ml4t_live_okx.simulator.intake import check_terms, checked_order
from ml4t_live_okx.simulator.orders import Execution, VenueOrder

ALL = Decimal(10**12)
AT_ONCE = frozenset({"market", "ioc", "fok", "optimal_limit_ioc"})
"""The kinds of order of which nothing is left to wait."""


class Exchange:
    """Every order ever taken, and the prices that they meet. `tell` gets an order after each change of it."""

    def __init__(
        self,
        books: Books,
        catalogue: Mapping[str, Listed],
        prices: dict[str, Decimal],
        *,
        position_mode: str,
        now: Callable[[], int],
        tell: Callable[[VenueOrder], None],
        rng: random.Random,
    ) -> None:
        self.books = books
        self.catalogue = catalogue
        self.prices = prices
        self.position_mode = position_mode
        self.orders: dict[str, VenueOrder] = {}
        self.by_client_id: dict[str, VenueOrder] = {}
        self.held = False
        """While True orders rest, and trade by `execute` only."""
        self.largest_fill = ALL
        self._working: dict[str, dict[str, VenueOrder]] = {}
        self._now = now
        self._tell = tell
        self._number = 2_000_000_000_000_000_000 + rng.randrange(10**15)
        self._trades = 130_000_000 + rng.randrange(10**6)

    def submit(self, body: Mapping[str, Any]) -> VenueOrder:
        """Take an order. Raises Refusal with the venue's code and words."""
        self._number += 1
        order = checked_order(body, self.catalogue, self.position_mode, str(self._number), self._now())
        if order.client_id and order.client_id in self.by_client_id:
            raise Refusal("51016", "Client order ID already exists.")
        self.books.check_funds(order, self.working(), self.prices)
        self.orders[order.id] = order
        self._working.setdefault(order.listed.id, {})[order.id] = order
        if order.client_id:
            self.by_client_id[order.client_id] = order
        return order

    def begin(self, order: VenueOrder) -> None:
        """Tell that an order is taken, and let it meet the market."""
        self._say(order)
        price = self.prices[order.listed.id]
        if order.kind == "post_only" and order.price is not None and order.sign * (price - order.price) <= 0:
            self.end(order, source="31")
            return
        self.match(order.listed.id)
        if order.kind in AT_ONCE and order.is_working and not self.held:
            self.end(order, source="14")

    def cancel(self, order: VenueOrder) -> None:
        """Cancel an order. Raises Refusal when it has ended."""
        if not order.is_working:
            raise Refusal("51400", "Cancellation failed as the order has been filled, canceled or does not exist.")
        self.end(order, source="1")

    def check_amend(self, order: VenueOrder, body: Mapping[str, Any]) -> tuple[Decimal, Decimal | None]:
        """Return the size and the price that an amendment asks for. Raises Refusal."""
        if not order.is_working:
            raise Refusal("51503", "Order modification failed as the order has been filled, canceled or does not exist.")
        size = Decimal(str(body.get("newSz") or order.size))
        price = Decimal(str(body["newPx"])) if body.get("newPx") else order.price
        if size <= order.filled:
            raise Refusal("51509", "Modification failed as the new size is not larger than what has been filled.")
        check_terms(order, size, price)
        return size, price

    def amend(self, order: VenueOrder, size: Decimal, price: Decimal | None, request: str) -> None:
        """Put an order on other terms. What it has traded counts, whatever it was when that was asked for."""
        order.said = {"reqId": request, "amendResult": "0" if order.is_working and size > order.filled else "-1"}
        if order.said["amendResult"] == "0":
            order.size, order.price = size, price
        else:
            order.said |= {"code": "51503", "msg": "Order modification failed"}
        self._say(order)
        order.said = {}
        self.match(order.listed.id)

    def end(self, order: VenueOrder, *, source: str) -> None:
        """End an order that works; `source` says why, in OKX's numbers."""
        order.state = "canceled"
        order.said = {"cancelSource": source}
        self._working[order.listed.id].pop(order.id, None)
        self._say(order)

    def move(self, instrument: str, price: Decimal) -> None:
        """Let the price of an instrument be there."""
        self.prices[instrument] = price
        self.match(instrument)

    def match(self, instrument: str) -> None:
        """Trade every order in an instrument that the price reaches."""
        if self.held:
            return
        price = self.prices[instrument]
        for order in list(self._working.get(instrument, {}).values()):
            if order.in_quote:
                order.size = (order.size / price).quantize(order.listed.lot, ROUND_DOWN)
                order.in_quote = False
            while order.is_working and _reaches(order, price):
                self.execute(order, min(order.remaining, self.largest_fill), price)

    def execute(self, order: VenueOrder, size: Decimal, price: Decimal, commission: Decimal | None = None) -> Execution:
        """Trade that much of an order at a price."""
        self._trades += 1
        execution = self.books.trade(order, size, price, self._now(), str(self._trades), commission)
        order.state = "filled" if order.filled >= order.size else "partially_filled"
        if not order.is_working:
            self._working[order.listed.id].pop(order.id, None)
        self._say(order)
        return execution

    def working(self) -> list[VenueOrder]:
        """Return the orders that may still trade, oldest first."""
        return [order for orders in self._working.values() for order in orders.values()]

    def _say(self, order: VenueOrder) -> None:
        order.updated = self._now()
        self._tell(order)


def _reaches(order: VenueOrder, price: Decimal) -> bool:
    return order.price is None or order.sign * (price - order.price) <= 0
