"""The broker that a strategy is handed: it answers at once from the desk's own books."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from math import nan
from typing import Any, Protocol

from ml4t.live.model import Fill, Order, OrderSide, OrderType, Position, TimeInForce
from ml4t.live.orders.brackets import make_bracket, make_oco
from ml4t.live.orders.desk import Desk
from ml4t.live.orders.identity import decision_id
from ml4t.live.orders.request import make_order, number, quantity_of, size_problem


class Memory(Protocol):
    """Where a strategy keeps what must outlive the process."""

    def put(self, value: object) -> None:
        """Replace what is kept."""
        ...

    def get(self) -> Any:
        """Return what is kept, None when nothing is."""
        ...


class DeskBroker:
    """One strategy's (or agent's) face of the desk.

    It counts the orders of each decision, so that the ids of its orders follow from the decision alone.
    """

    def __init__(self, desk: Desk, run: str, strategy: str, memory: Memory | None = None) -> None:
        self._desk = desk
        self._memory = memory
        self._new_fills: deque[Fill] | None = None
        self._run = run
        self._strategy = strategy
        self._decided_at = 0
        self._ordinals: dict[str, int] = {}
        self.cause = ""
        """What orders made now are due to: the id of a firing or forecast, set by the engine around a call."""

    def decide(self, moment: int) -> None:
        """Begin a decision on the data of `moment` (nanoseconds UTC); an earlier one continues the last decision."""
        if moment > self._decided_at:
            self._decided_at = moment
            if self._ordinals:
                self._ordinals.clear()

    def submit_order(
        self,
        asset: str,
        quantity: float | None = None,
        side: OrderSide | str | None = None,
        order_type: OrderType | str = OrderType.MARKET,
        limit_price: float | None = None,
        stop_price: float | None = None,
        *,
        notional: float | None = None,
        trail_amount: float | None = None,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
        reason: str = "",
        idempotency_key: str = "",
    ) -> Order:
        """Submit an order; without `side`, the sign of `quantity` is the direction.

        `notional` sizes it in money instead, in the currency of the symbol: as many as that buys at the limit, and without
        one at the last price, rounded towards zero, to whole units where the venue takes no fractions.

        The same `idempotency_key` again is the same order, whenever it is asked for; without one the decision is the key.
        Returns the order, PENDING or REJECTED with `code` and `reason`; never raises for a refusal.
        """
        with self._desk.lock:  # two threads at once make two decisions, not one twice
            size, problem = self._size(asset, quantity, notional, limit_price)
            order = self._make(
                asset,
                reason,
                size,
                side,
                order_type,
                limit_price,
                stop_price,
                time_in_force,
                trail_amount,
                idempotency_key,
                problem,
            )
            return self._desk.submit(order)

    def submit_bracket(
        self,
        asset: str,
        quantity: float,
        take_profit: float,
        stop_loss: float,
        entry_type: OrderType | str = OrderType.MARKET,
        entry_limit: float | None = None,
        *,
        side: OrderSide | str | None = None,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
        validate_prices: bool = True,
        reason: str = "",
    ) -> tuple[Order, Order, Order]:
        """Submit an entry with a limit order that takes the profit and a stop that ends the loss; return the three.

        The exits trade what the entry has traded, and each takes from the other what it trades. They are good till
        cancelled; `time_in_force` is the entry's. With `validate_prices` exits on the wrong side of the entry are refused.
        """
        with self._desk.lock:
            make = partial(self._make, asset, reason)
            entry = make(quantity, side, entry_type, entry_limit, time_in_force=time_in_force)
            last = self._desk.books.market.price(entry.symbol)
            bracket = make_bracket(make, entry, take_profit, stop_loss, last=last, validate_prices=validate_prices)
            entry, target, stop = self._desk.submit_linked(bracket)
            return entry, target, stop

    def submit_oco(
        self, asset: str, quantity: float, limit_price: float, stop_price: float, side: OrderSide | str, *, reason: str = ""
    ) -> tuple[Order, Order]:
        """Submit a limit order and a stop that both close a position, of which a fill of one takes as much from the other.

        `quantity` is positive, `side` the one that closes. Returns the limit order and the stop.
        """
        with self._desk.lock:
            pair = make_oco(partial(self._make, asset, reason), quantity, limit_price, stop_price, side)
            limit, stop = self._desk.submit_linked(pair)
            return limit, stop

    def _make(
        self,
        asset: str,
        reason: str,
        quantity: float,
        side: OrderSide | str | None,
        order_type: OrderType | str,
        limit_price: float | None = None,
        stop_price: float | None = None,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
        trail_amount: float | None = None,
        idempotency_key: str = "",
        problem: str = "",
    ) -> Order:
        return make_order(
            self._order_id(str(asset), idempotency_key),
            asset,
            quantity,
            side,
            order_type,
            limit_price=limit_price,
            stop_price=stop_price,
            trail_amount=trail_amount,
            time_in_force=time_in_force,
            created_at=self._desk.now(),
            strategy=self._strategy,
            cause=reason or self.cause,
            problem=problem,
        )

    def _size(self, asset: str, quantity: float | None, notional: float | None, limit_price: float | None) -> tuple[float, str]:
        """Return the quantity of an order, and what is wrong with how it was given."""
        if quantity is not None and notional is None:
            return quantity, ""
        price = number(limit_price) or self._desk.books.market.price(asset)
        problem = size_problem(asset, quantity, notional, price)
        if problem or notional is None:
            return nan, problem
        executor = self._desk.executor
        return quantity_of(notional, price, fractional=executor is None or executor.capabilities.fractional), ""

    def _order_id(self, asset: str, key: str) -> str:
        if key:
            return decision_id(self._run, self._strategy, asset, 0, key)
        ordinal = self._ordinals.get(asset, 0)
        self._ordinals[asset] = ordinal + 1
        return decision_id(self._run, self._strategy, asset, self._decided_at, ordinal)

    def cancel_order(self, order_id: str) -> bool:
        """Ask for a cancel; return False when there is no such open order."""
        return self._desk.cancel(order_id)

    def update_order(
        self,
        order_id: str,
        quantity: float | None = None,
        limit_price: float | None = None,
        stop_price: float | None = None,
        trail_amount: float | None = None,
    ) -> bool:
        """Ask for other terms of a working order; False when that was refused, and the order goes on as it is.

        `quantity` is the whole of it, what has traded included.
        """
        changes = {"quantity": quantity, "limit_price": limit_price, "stop_price": stop_price, "trail_amount": trail_amount}
        return self._desk.amend(order_id, **changes).allowed

    def replace_order(
        self,
        order_id: str,
        *,
        quantity: float | None = None,
        limit_price: float | None = None,
        stop_price: float | None = None,
    ) -> Order | None:
        """Ask for other terms of a working order, and return it as it stands; None when there is no such order.

        Its `amendment` says what was asked for. After a refusal it is unchanged, with the code and reason of the refusal.
        """
        verdict = self._desk.amend(order_id, quantity=quantity, limit_price=limit_price, stop_price=stop_price)
        order = self._desk.orders.get(order_id)
        return order if order is None or verdict.allowed else order.changed(code=verdict.code, reason=verdict.reason)

    def close_position(self, asset: str, *, reason: str = "") -> Order | None:
        """Submit the market order that brings the position to zero; None when nothing is left to close."""
        with self._desk.lock:
            quantity = self._desk.closing_quantity(asset)
            return self.submit_order(asset, quantity, reason=reason) if quantity else None

    def get_order(self, order_id: str) -> Order | None:
        """Return the order as it stands now."""
        return self._desk.orders.get(order_id)

    def new_fills(self) -> Sequence[Fill]:
        """Return the executions of the account that were booked since the last call; the first call begins the count."""
        if self._new_fills is None:
            self._new_fills = deque()
            self._desk.keeper.on_fill.append(self._new_fills.append)
        return [self._new_fills.popleft() for _ in range(len(self._new_fills))]

    def remember(self, value: object) -> None:
        """Keep a plain value (what JSON has) for the next process; it replaces the one before. Agents have no such memory."""
        if self._memory is not None:
            self._memory.put(value)

    def recall(self) -> Any:
        """Return what was last kept, None when nothing was."""
        return None if self._memory is None else self._memory.get()

    def get_position(self, asset: str) -> Position | None:
        """Return the holding, None when flat."""
        return self._desk.portfolio.position(asset)

    @property
    def positions(self) -> Mapping[str, Position]:
        """Every holding that is not zero."""
        return self._desk.portfolio.positions

    @property
    def pending_orders(self) -> Sequence[Order]:
        """The orders that may still trade."""
        return self._desk.orders.open_orders

    def get_cash(self) -> float:
        """Return the cash."""
        return self._desk.portfolio.cash

    def get_account_value(self) -> float:
        """Return cash plus positions at their marks."""
        return self._desk.portfolio.equity

    def get_positions(self) -> Mapping[str, Position]:
        """Return every holding that is not zero, as `positions`."""
        return self.positions

    def get_pending_orders(self, asset: str | None = None) -> Sequence[Order]:
        """Return the orders that may still trade, of one symbol or of all."""
        return [order for order in self.pending_orders if asset is None or order.symbol == asset]
