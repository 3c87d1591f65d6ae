"""The books of a backtest broker, kept equal to ours: for paper and live runs, where a venue fills the orders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from ml4t.backtest.broker import Broker
from ml4t.backtest.config import ShareType
from ml4t.backtest.execution.result import ExecutionResult
from ml4t.backtest.models import NoSlippage
from ml4t.backtest.types import Order, OrderStatus

from ml4t.live.model import Fill, OrderState
from ml4t.live.model import Order as LiveOrder
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.orders.states import DUST
from ml4t_live_backtest.book import GatedOrderBook
from ml4t_live_backtest.limits import NOT_AT_A_VENUE, refuse_at_a_venue
from ml4t_live_backtest.memory import adopted

_CANCELLED = frozenset({OrderState.CANCELLED, OrderState.EXPIRED})


class Mirror:
    """Books in a backtest broker what the venue has done, at the venue's prices and fees, before each bar.

    The broker goes on to size orders, to look after position rules and to answer the strategy; it fills nothing itself.
    Where the books still differ afterwards (the account had holdings before, a dividend, a trade by hand) ours are taken
    over.
    """

    def __init__(self, broker: Broker, book: GatedOrderBook, desk: DeskBroker) -> None:
        self._broker = broker
        self._book = book
        self._desk = desk
        book.whole_units = broker.share_type is ShareType.INTEGER
        broker.immediate_fill = False
        broker._process_orders = _leave_to_the_venue
        for member in NOT_AT_A_VENUE:
            setattr(broker, member, refuse_at_a_venue(member))
        for order in desk.pending_orders:
            book.admit(order)
        desk.new_fills()  # from now on

    def catch_up(self, timestamp: datetime) -> None:
        """Book everything since the last time, as of `timestamp`."""
        market = self._broker._market_state
        market.time = market.time or timestamp
        for fill in self._desk.new_fills():
            self._book_fill(fill)
        self._follow_orders()
        self._adopt_positions(timestamp)
        self._broker.account.cash = self._desk.get_cash()

    # ------------------------------------------------------------------ executions

    def _book_fill(self, fill: Fill) -> None:
        """Book an execution of one of the strategy's orders; others, and corrections, are in what the account holds."""
        order = self._book.theirs.get(fill.order_id)
        if order is None or fill.corrects or order.status is not OrderStatus.PENDING:
            return
        whole = order.filled_quantity + self._book.fill_engine.get_effective_quantity(order)
        with self._as_reported(fill):
            self._book.fill_engine.execute_fill(order, fill.price)
        if order.filled_quantity >= whole * (1.0 - DUST):
            self._take_out(order)
        else:
            self._book.fill_engine.update_partial_order(order)

    @contextmanager
    def _as_reported(self, fill: Fill) -> Iterator[None]:
        """Let the broker execute exactly what the venue reports, whatever its own models would make of it."""
        broker = self._broker
        broker._order_state.filled_this_bar.clear()
        reported = {
            "execution_limits": _ReportedSize(fill.quantity),
            "commission_model": _ReportedFee(fill.commission),
            "slippage_model": NoSlippage(),
            "market_impact_model": None,
            "share_type": ShareType.FRACTIONAL,
            "skip_cash_validation": True,
        }
        own = {name: getattr(broker, name) for name in reported}
        for name, value in reported.items():
            setattr(broker, name, value)
        try:
            yield
        finally:
            for name, value in own.items():
                setattr(broker, name, value)

    # ------------------------------------------------------------------ orders

    def _follow_orders(self) -> None:
        for order_id, order in list(self._book.theirs.items()):
            live = self._desk.get_order(order_id)
            if live is None:
                continue
            if live.is_open:
                if order.status is OrderStatus.CANCELLED:
                    self._cancel_there(order_id, order)
                order.limit_price, order.stop_price, order.trail_amount = live.limit_price, live.stop_price, live.trail_amount
                order.quantity = live.remaining
            elif order.status is OrderStatus.PENDING:
                self._end(order_id, order, live)
            if order.status is not OrderStatus.PENDING:
                self._book.forget(order_id)

    def _cancel_there(self, order_id: str, order: Order) -> None:
        """Ask the venue for a cancel that the backtest has made along with an execution: until then the order is open.

        It takes out everything else in an asset whose position turns over, and the other exit of a bracket.
        """
        order.status = OrderStatus.PENDING
        self._broker._order_state.pending.append(order)
        self._desk.cancel_order(order_id)

    def _end(self, order_id: str, order: Order, live: LiveOrder) -> None:
        if live.state in _CANCELLED:
            self._book.withdraw(order_id)
            return
        if live.state is OrderState.REJECTED:
            order.reject(live.reason, live.code)
        else:
            order.status = OrderStatus.FILLED
        self._take_out(order)

    def _take_out(self, order: Order) -> None:
        pending = self._broker._order_state.pending
        if order in pending:
            pending.remove(order)
        self._broker._order_state.partial_quantities.pop(order.order_id, None)

    # ------------------------------------------------------------------ holdings

    def _adopt_positions(self, timestamp: datetime) -> None:
        """Take over the holdings that the executions do not explain."""
        theirs, ours = self._broker.positions, self._desk.positions
        for asset in theirs.keys() - ours.keys():
            del theirs[asset]
        for asset, position in ours.items():
            known = theirs.get(asset)
            if known is None or known.quantity * position.quantity < 0:
                theirs[asset] = adopted(self._broker, position, timestamp)
            elif abs(known.quantity - position.quantity) > abs(position.quantity) * DUST:
                known.quantity, known.entry_price = position.quantity, position.average_price


class _ReportedSize:
    """An execution limit that lets happen what has happened."""

    def __init__(self, quantity: float) -> None:
        self._quantity = quantity

    def calculate(self, wanted: float, _size: float | None, price: float) -> ExecutionResult:
        """Return how much was executed, as far as the order wanted it."""
        quantity = min(self._quantity, wanted)
        return ExecutionResult(quantity, wanted - quantity, price)


class _ReportedFee:
    """A commission model that charges what the venue has charged."""

    def __init__(self, fee: float) -> None:
        self._fee = max(0.0, fee)  # the backtest knows no rebates; the cash is ours in any case

    def calculate(self, _asset: str, _quantity: float, _price: float) -> float:
        """Return the fee."""
        return self._fee


def _leave_to_the_venue(*asked: Any, **named: Any) -> None:
    """Do nothing: orders are filled by the venue."""
