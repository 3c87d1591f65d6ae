"""The order book of a backtest broker, with ours behind it: no order gets into it that the gate has not let pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any

from attrs import define
from ml4t.backtest.broker import Broker
from ml4t.backtest.core import OrderBook
from ml4t.backtest.types import Order, OrderStatus
from ml4t.backtest.types import OrderSide as TheirSide
from ml4t.backtest.types import OrderType as TheirType

from ml4t.live.model import Order as LiveOrder
from ml4t.live.model import OrderSide, OrderState, OrderType
from ml4t.live.orders.facade import DeskBroker

_LIMITED = frozenset({TheirType.LIMIT, TheirType.STOP_LIMIT})
_STOPPED = frozenset({TheirType.STOP, TheirType.STOP_LIMIT})
"""The types whose orders have such a price: the backtest takes one with any order, and looks at it only for these."""


@define
class _Bracket:
    """A bracket that is being made."""

    ask: Callable[[], Iterable[LiveOrder]]
    begins: int
    """How many orders there were before it."""
    ours: Iterator[LiveOrder] | None = None
    """Those of its orders that the book has not made yet, once the desk was asked."""


class GatedOrderBook(OrderBook):
    """An order book whose every new order, cancel and amendment goes through the desk first.

    The desk is asked last: for an order that fills at once just before it does, for any other where the base class has
    checked all it checks and would reserve buying power. What the backtest refuses by itself has not left.
    """

    def __init__(self, broker: Broker, desk: DeskBroker) -> None:
        super().__init__(
            broker,
            account=broker.account,
            market=broker._market_state,
            orders=broker._order_state,
            risk=broker._risk_state,
            fill_engine=broker._fill_engine,
        )
        self.desk = desk
        self.ours: dict[str, str] = {}
        """The client order id of every order of theirs that is open, or has ended since `settle` last looked."""
        self.theirs: dict[str, Order] = {}
        """Those orders, by their client order id."""
        self.before: dict[str, float] = {}
        """What orders that were taken over from an earlier process had traded there, by their client order id."""
        self.at_once = False
        """True when nobody but this broker fills the orders, so that a cancel is done when it is asked for."""
        self.whole_units = False
        """True rounds a quantity down before it is sent, as the backtest does when it fills."""
        self.is_asking = False
        """True while the desk is asked for an order of the strategy's: that one is not to be put in once more."""
        self.changed: Callable[[], None] = _nothing
        """Called when a new order has ended at once."""
        self._said: dict[str, Mapping[str, Any]] = {}
        """When and why a cancel was asked for, by client order id, where that is not now and by the strategy."""
        self._reserved: tuple[Any, float, dict[str, Any]] | None = None
        """What checks of cash reckoned with before the order that is being made (day, cash, positions); None without them."""
        self._bracket: _Bracket | None = None
        self._admitted: LiveOrder | None = None

    # ------------------------------------------------------------------ what the base class calls

    def submit_order(self, *asked: Any, **named: Any) -> Order | None:
        """Make an order, as the base class does; it is open, or has been filled or refused at once."""
        if self.broker.next_bar_submission_precheck or self.broker.buying_power_reservation:
            known = self._submission_shadow_positions.copy()
            self._reserved = self._submission_shadow_bar, self._submission_shadow_cash, known
        order: Order | None = super().submit_order(*asked, **named)
        if order is not None and order.status is not OrderStatus.PENDING:
            self.changed()
        return order

    def _fill_immediately(self, order: Order) -> Order:
        return super()._fill_immediately(order) if self._pass(order) else order

    def _should_apply_buying_power_reservation(self, order: Order) -> bool:
        return True

    def _passes_buying_power_check(self, order: Order) -> bool:
        if super()._should_apply_buying_power_reservation(order) and not super()._passes_buying_power_check(order):
            return False
        if self._pass(order):
            return True
        if self._reserved is not None:  # nothing is, for an order that the gate refuses
            self._submission_shadow_bar, self._submission_shadow_cash, self._submission_shadow_positions = self._reserved
        return False

    def update_order(self, order_id: str, **changes: Any) -> bool:
        """Amend an order here and at the venue; False when it is not open, or the gate or the venue refuses."""
        ours = self.ours.get(order_id)
        if ours is None:
            return bool(super().update_order(order_id, **changes))
        order = self.theirs[ours]
        wanted = {name: value for name, value in changes.items() if name not in _unlooked_at(order.order_type)}
        if "quantity" in wanted:  # theirs is what is left to trade, ours the whole
            wanted["quantity"] += order.filled_quantity + self.before.get(ours, 0.0)
        was, left = vars(order).copy(), self.orders.partial_quantities.copy()
        if not super().update_order(order_id, **changes):  # it raises what the backtest raises, before anything has left
            return False
        if not wanted or self.desk.update_order(ours, **wanted):
            return True
        vars(order).update(was)
        self.orders.partial_quantities.update(left)
        return False

    def cancel_order(self, order_id: str, **said: Any) -> bool:
        """Ask for a cancel; False when the order is not open."""
        ours = self.ours.get(order_id)
        if ours is None:
            return bool(super().cancel_order(order_id, **said))
        self._said[ours] = said
        asked = self.desk.cancel_order(ours)
        if asked and self.at_once and ours in self.theirs:
            self.withdraw(ours)
        return asked

    # ------------------------------------------------------------------ what the venue and the bracket do

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Say that what the desk takes meanwhile is on its way into this book by itself."""
        self.is_asking = True
        try:
            yield
        finally:
            self.is_asking = False

    @contextmanager
    def bracket(self, ask: Callable[[], Iterable[LiveOrder]]) -> Iterator[None]:
        """Take what `ask` returns for the orders that are made meanwhile, entry and exits: the gate sees them together.

        It is called when the entry has passed the checks of the base class, so that nothing leaves before. What is not made
        in the end is cancelled.
        """
        self._bracket = made = _Bracket(ask, len(self.orders.orders))
        try:
            yield
        finally:
            self._bracket = None
            for order in made.ours or ():
                self.desk.cancel_order(order.order_id)

    def admit(self, order: LiveOrder) -> Order | None:
        """Take an order that was decided elsewhere (by a person, an agent, the emergency stop); the gate has seen it."""
        self._admitted = order
        self.before[order.order_id] = order.filled_quantity
        try:
            return self.submit_order(order.symbol, order.remaining, *theirs_of(order))
        finally:
            self._admitted = None

    def forget(self, order_id: str) -> None:
        """Let go of an order that has ended."""
        del self.ours[self.theirs.pop(order_id).order_id]
        self.before.pop(order_id, None)
        self._said.pop(order_id, None)

    def withdraw(self, order_id: str) -> None:
        """Take an order out: the desk has said that it is cancelled."""
        super().cancel_order(self.theirs[order_id].order_id, **self._said.get(order_id, {}))

    def _pass(self, order: Order) -> bool:
        """Ask the desk for an order; when it refuses, the order is rejected with its reason."""
        if self.whole_units and self._admitted is None and not self._round(order):
            return False
        ours = self._admitted or (self._ask(order) if self._bracket is None else self._ask_for_all(order, self._bracket))
        if ours is None:
            return False
        if ours.state is OrderState.REJECTED:
            order.reject(ours.reason, ours.code)
            return False
        self.ours[order.order_id] = ours.order_id
        self.theirs[ours.order_id] = order
        return True

    def _round(self, order: Order) -> bool:
        order.quantity = float(int(order.quantity))
        if order.quantity <= 0:
            order.reject("Quantity rounds to zero (share_type=INTEGER)", "quantity_rounds_to_zero")
        return bool(order.quantity > 0)

    def _ask_for_all(self, order: Order, bracket: _Bracket) -> LiveOrder | None:
        if bracket.ours is None:
            if order is not self.orders.orders[bracket.begins]:  # an exit: the backtest has refused the entry by itself
                return self._ask_alone(order)
            with self.asking():
                bracket.ours = iter(bracket.ask())
        return next(bracket.ours)

    def _ask_alone(self, exit_: Order) -> LiveOrder | None:
        """Ask for an exit without its entry: a backtest goes on with it, and no venue is to open a position with it."""
        if self.at_once:
            return self._ask(exit_)
        exit_.reject("the entry of its bracket was refused", "parent_refused")
        return None

    def _ask(self, order: Order) -> LiveOrder:
        with self.asking():
            return self.desk.submit_order(
                order.asset,
                order.quantity,
                OrderSide[_name(order.side)],
                OrderType[_name(order.order_type)],
                order.limit_price if order.order_type in _LIMITED else None,
                order.stop_price if order.order_type in _STOPPED else None,
                trail_amount=order.trail_amount if order.order_type is TheirType.TRAILING_STOP else None,
                reason=order._risk_exit_reason or "",
            )


def _unlooked_at(kind: TheirType) -> frozenset[str]:
    """Return the prices that say nothing of an order of this type."""
    if kind is TheirType.TRAILING_STOP:
        return frozenset({"limit_price"})
    return frozenset(
        name
        for name, kinds in (("limit_price", _LIMITED), ("stop_price", _STOPPED), ("trail_amount", frozenset()))
        if kind not in kinds
    )


def theirs_of(order: LiveOrder) -> tuple[Any, ...]:
    """Return the arguments of `submit_order` after the quantity that ask for the same as one of our orders."""
    return (
        TheirSide[order.side.name],
        TheirType[order.order_type.name],
        order.limit_price,
        order.stop_price,
        order.trail_amount,
    )


def _name(member: Enum | str) -> str:
    """Return the name of a member of an enumeration, which strategies write as text now and then."""
    return member.name if isinstance(member, Enum) else str(member).upper()


def _nothing() -> None:
    """Do nothing."""


def install(broker: Broker, desk: DeskBroker) -> GatedOrderBook:
    """Put a gated book in the place of a broker's own, brackets included, and return it."""
    book = GatedOrderBook(broker, desk)
    broker._order_book = book
    submit = broker.submit_bracket

    def submit_bracket(
        asset: str,
        quantity: float,
        take_profit: float,
        stop_loss: float,
        entry_type: TheirType = TheirType.MARKET,
        entry_limit: float | None = None,
        validate_prices: bool = True,
    ) -> Any:
        def ask() -> Iterable[LiveOrder]:
            whole = float(int(quantity)) if book.whole_units else quantity
            kind = OrderType[_name(entry_type)]
            # The backtest warns of exits on the wrong side of the entry, and goes on.
            return desk.submit_bracket(asset, whole, take_profit, stop_loss, kind, entry_limit, validate_prices=False)

        with book.bracket(ask):
            return submit(asset, quantity, take_profit, stop_loss, entry_type, entry_limit, validate_prices)

    broker.submit_bracket = submit_bracket
    return book
