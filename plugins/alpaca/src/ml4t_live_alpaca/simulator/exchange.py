"""The simulated exchange: takes orders, moves prices, and trades what the price reaches. Pure bookkeeping, no I/O."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from ml4t_live_alpaca.simulator.books import Books, Execution
from ml4t_live_alpaca.simulator.intake import Refusal, checked_order, reservable
from ml4t_live_alpaca.simulator.orders import VenueOrder, plain
from ml4t_live_alpaca.symbols import is_crypto

ALL = Decimal(10**12)


class News(Protocol):
    """Where the exchange tells what happened to an order."""

    def __call__(self, event: str, order: VenueOrder, **more: Any) -> None:
        """Tell of `event`; `more` belongs to the event and not to the order."""
        ...


class Exchange:
    """Every order ever taken, and the prices that they meet.

    `tell` gets every event in the order in which it happened. All of it runs on one thread.
    """

    def __init__(
        self, books: Books, prices: dict[str, Decimal], now: Callable[[], int], tell: News, rng: random.Random
    ) -> None:
        self.books = books
        self.prices = prices
        self.orders: dict[str, VenueOrder] = {}
        self.by_client_id: dict[str, VenueOrder] = {}
        self.held = False
        """While True orders rest, and trade by `execute` only."""
        self.working: dict[str, dict[str, VenueOrder]] = {}
        """By symbol and id, the orders that may still trade; ended ones leave when somebody looks."""
        self.open = True
        """False outside regular hours: only orders for extended hours trade, and crypto."""
        self.largest_fill = ALL
        self._now = now
        self._tell = tell
        self._rng = rng

    # ------------------------------------------------------------------ what clients ask for

    def submit(self, body: dict[str, Any]) -> VenueOrder:
        """Take an order. Raises Refusal with the venue's code and words."""
        orders = checked_order(body, self.prices, self.new_id, self._now())
        order = orders[0]
        if order.client_order_id in self.by_client_id:
            raise Refusal(422, 40010001, "client_order_id must be unique")
        self.books.check_funds(order, self.reserved(), self.prices)
        for each in orders:
            self._keep(each)
        return order

    def reserved(self) -> Decimal:
        """Return what the working buys may still cost."""
        return reservable((order for symbol in list(self.working) for order in self._working(symbol)), self.prices)

    def begin(self, order: VenueOrder) -> None:
        """Tell that an order is taken, and let it meet the market."""
        self._say("pending_new", order, status="pending_new")
        self._say("new", order, status="new")
        for leg in order.legs:
            status = "new" if order.order_class == "oco" else "held"
            self._say(status, leg, status=status)
        self.match(order.symbol)
        if order.time_in_force in {"ioc", "fok"} and order.is_working and not self.held:
            self._end("canceled", order, "canceled_at")

    def cancel(self, order: VenueOrder) -> None:
        """Cancel an order, with what hangs on it. Raises Refusal when it has ended."""
        if not order.is_working:
            raise Refusal(422, 42210000, f'order is already in "{order.status}" state')
        self._end("canceled", order, "canceled_at")
        for linked in [*order.legs, *self._siblings(order)]:
            if linked.is_working:
                self._end("canceled", linked, "canceled_at")

    def replace(self, order: VenueOrder, body: dict[str, Any]) -> VenueOrder:
        """Put another order in the place of one: a new order with an id of its own. Raises Refusal."""
        if order.status not in {"new", "partially_filled"}:
            raise Refusal(422, 42210000, f'order in "{order.status}" state cannot be replaced')
        if order.notional is not None:
            raise Refusal(422, 42210000, "notional orders cannot be replaced")
        client_id = body.get("client_order_id") or self.new_id()
        if client_id in self.by_client_id:
            raise Refusal(422, 40010001, "client_order_id must be unique")
        named = {name: body.get(name, getattr(order, name)) for name in ("qty", "limit_price", "stop_price", "time_in_force")}
        changes = {name: plain(value) if isinstance(value, Decimal) else value for name, value in named.items()}
        trail = {"trail_price": body.get("trail") or (order.trail_price and plain(order.trail_price))}
        same = {"symbol": order.symbol, "side": order.side, "type": order.type, "client_order_id": client_id}
        (new,) = checked_order({**changes, **trail, **same}, self.prices, self.new_id, self._now())
        new.replaces, new.order_class, new.parent, new.legs = order.id, order.order_class, order.parent, order.legs
        new.extended_hours, new.hwm = order.extended_hours, order.hwm
        self._keep(new)
        return new

    def replaced(self, order: VenueOrder, new: VenueOrder) -> None:
        """Let a replacement take effect; it is refused when the order has ended meanwhile."""
        if not order.is_working:
            self._end("rejected", new, "failed_at")
            self._say("order_replace_rejected", order, status=order.status)
            return
        order.replaced_by = new.id
        order.stamps["replaced_at"] = self._now()
        for leg in new.legs:
            leg.parent = new
        if order.parent is not None:
            order.parent.legs[:] = [new if leg is order else leg for leg in order.parent.legs]
        self._say("replaced", order, status="replaced")
        self._say("new", new, status="new")
        self.match(new.symbol)

    # ------------------------------------------------------------------ what the market does

    def move(self, symbol: str, price: Decimal) -> None:
        """Let a price be there, and trade what it reaches."""
        self.prices[symbol] = price
        self.match(symbol)

    def match(self, symbol: str) -> None:
        """Trade every active order in a symbol that the price reaches."""
        if self.held or symbol not in self.prices:
            return
        while True:
            order = next((each for each in self._active(symbol) if self._price_of(each) is not None), None)
            if order is None:
                return
            price = self._price_of(order)
            assert price is not None
            if order.notional is not None:
                order.qty = (order.notional / price).quantize(Decimal("1e-9"))
            self.execute(order, min(order.remaining, self.largest_fill), price)

    def execute(self, order: VenueOrder, qty: Decimal, price: Decimal) -> Execution:
        """Trade that much of an order at a price."""
        order.filled_qty += qty
        order.paid += qty * price
        execution = self.books.trade(order, qty, price, self._now(), self.new_id())
        done = order.filled_qty >= (order.qty or order.filled_qty)
        if done:
            order.stamps["filled_at"] = self._now()
        self._say(
            "fill" if done else "partial_fill", order, status="filled" if done else "partially_filled", **execution.news()
        )
        self._move_links(order, done=done)
        return execution

    def end_day(self) -> None:
        """Let every day order expire."""
        for order in [order for symbol in list(self.working) for order in self._working(symbol)]:
            if order.is_working and order.time_in_force in {"day", "opg", "cls"} and order.parent is None:
                self._end("expired", order, "expired_at")

    def auction(self, time_in_force: str) -> None:
        """Trade what waits for the opening (`opg`) or the closing auction (`cls`) at the price that is there."""
        for order in [order for symbol in list(self.working) for order in self._working(symbol)]:
            if order.is_active and order.time_in_force == time_in_force:
                price = self.prices[order.symbol]
                if order.limit_price is None or order.sign * (price - order.limit_price) <= 0:
                    self.execute(order, order.remaining, price)
                else:
                    self._end("expired", order, "expired_at")

    def reject(self, order: VenueOrder) -> None:
        """Turn away an order that had been taken."""
        self._end("rejected", order, "failed_at")

    def expire(self, order: VenueOrder) -> None:
        """Let one order expire."""
        self._end("expired", order, "expired_at")

    def head(self, order: VenueOrder) -> VenueOrder:
        """Return the order that stands in the place of another now."""
        while order.replaced_by is not None:
            order = self.orders[order.replaced_by]
        return order

    def new_id(self) -> str:
        """Return an id that the seed determines."""
        return str(UUID(int=self._rng.getrandbits(128), version=4))

    # ------------------------------------------------------------------ inside

    def _keep(self, order: VenueOrder) -> None:
        self.orders[order.id] = self.by_client_id[order.client_order_id] = order
        self.working.setdefault(order.symbol, {})[order.id] = order

    def _working(self, symbol: str) -> list[VenueOrder]:
        """Return the orders in a symbol that may still trade, and forget the others."""
        known = self.working.get(symbol, {})
        for ended in [order for order in known.values() if not order.is_working]:
            del known[ended.id]
        return list(known.values())

    def _active(self, symbol: str) -> Iterator[VenueOrder]:
        for order in self._working(symbol):
            in_hours = self.open or order.extended_hours or is_crypto(symbol)
            if in_hours and order.is_active and order.time_in_force not in {"opg", "cls"}:
                yield order

    def _price_of(self, order: VenueOrder) -> Decimal | None:
        """Return what an order trades at now, None when the price does not reach it."""
        price = self.prices[order.symbol]
        if not self._is_triggered(order, price):
            return None
        if order.limit_price is None:
            return price
        if order.sign * (price - order.limit_price) > 0:
            return None
        return price

    def _is_triggered(self, order: VenueOrder, price: Decimal) -> bool:
        if order.type == "trailing_stop":
            order.hwm = price if order.hwm is None else (min if order.sign > 0 else max)(order.hwm, price)
            trail = order.trail_price if order.trail_price is not None else order.hwm * (order.trail_percent or 0) / 100
            order.stop_price = order.hwm + order.sign * trail
        if order.stop_price is not None and order.sign * (price - order.stop_price) >= 0:
            order.triggered = True
        return order.triggered or order.stop_price is None

    def _siblings(self, order: VenueOrder) -> list[VenueOrder]:
        """Return the orders of which one cancels the other."""
        if order.parent is None:
            return []
        linked = [each for each in order.parent.legs if each is not order]
        return [*linked, order.parent] if order.parent.order_class == "oco" else linked

    def _move_links(self, order: VenueOrder, *, done: bool) -> None:
        """Let the legs begin when their entry is done, and the other exit end when one is."""
        if not done:
            return
        both_ways = order.legs if order.order_class == "oco" else []
        for other in [*both_ways, *self._siblings(order)]:
            if other.is_working:
                self._end("canceled", other, "canceled_at")
        if order.parent is None and order.order_class in {"bracket", "oto"}:
            for leg in order.legs:
                if leg.status == "held":
                    self._say("new", leg, status="new")
            self.match(order.symbol)

    def _end(self, event: str, order: VenueOrder, stamp: str) -> None:
        order.stamps[stamp] = self._now()
        self._say(event, order, status=event)

    def _say(self, event: str, order: VenueOrder, *, status: str, **more: Any) -> None:
        order.status = status
        order.updated_at = self._now()
        self._tell(event, order, **more)
