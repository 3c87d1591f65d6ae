"""The orders of a soak: market orders to and fro, and resting ones that are withdrawn."""

from __future__ import annotations

import random
from collections import deque

from ml4t.live.engine.core import Core
from ml4t.live.model import OrderState, OrderType
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.testing.conformance.broker.line import usual_time_in_force
from ml4t.live.testing.soak.plan import WholeRig

OPEN = 400
"""Orders that may be open at once."""
RESTING = 8
LARGEST = 5
TAKEN = frozenset({OrderState.WORKING, OrderState.PARTIALLY_FILLED, OrderState.FILLED})


class Trader:
    """Decides on orders as long as the connection stands, so that what is held stays near nothing."""

    def __init__(self, rig: WholeRig, core: Core, run_id: str, seed: int) -> None:
        self._rig = rig
        self._core = core
        self._broker = DeskBroker(core.desk, run_id, "soak")
        self._rng = random.Random(f"trader {seed}")  # noqa: S311 - orders, not secrets
        self._planned = {rig.symbol: 0, rig.second_symbol: 0}
        self._resting: deque[str] = deque()
        broker = rig.broker()
        self._time_in_force = usual_time_in_force(broker)
        self._limits = OrderType.LIMIT in broker.capabilities.order_types
        self.decided: list[str] = []
        """The ids of all orders, the first first."""

    def decide(self) -> None:
        """Decide on one order, when the connection stands and not too many are open."""
        if not self._core.connection.ready or len(self._core.desk.orders.open_orders) >= OPEN:
            return
        symbol = self._rng.choice(list(self._planned))
        if self._limits and self._rng.random() < 0.3:
            self._rest(symbol)
            return
        size = self._rng.randint(1, LARGEST)
        quantity = -self._planned[symbol] if self._planned[symbol] > 0 else size
        order = self._broker.submit_order(symbol, quantity, time_in_force=self._time_in_force)
        self.decided.append(order.order_id)
        if order.state is not OrderState.REJECTED:
            self._planned[symbol] += quantity

    def withdraw(self) -> None:
        """Cancel what rests, as far as the connection stands."""
        if not self._core.connection.ready:
            return
        for order in self._core.desk.orders.open_orders:
            if order.order_type is OrderType.LIMIT:
                self._broker.cancel_order(order.order_id)

    def taken_since(self, count: int) -> bool:
        """True when the venue has taken an order that was decided on after the first `count`."""
        orders = self._core.desk.orders
        return any((order := orders.get(each)) is not None and order.state in TAKEN for each in self.decided[count:])

    def _rest(self, symbol: str) -> None:
        price = self._core.market.price(symbol)
        if price is None:
            return
        limit = round(price * 0.9, 2)
        order = self._broker.submit_order(symbol, 1, order_type="limit", limit_price=limit, time_in_force=self._time_in_force)
        self.decided.append(order.order_id)
        self._resting.append(order.order_id)
        if len(self._resting) > RESTING:
            self._broker.cancel_order(self._resting.popleft())
