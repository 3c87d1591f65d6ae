"""Strategies with controls of their own over orders and the account, and futures that roll: ml4t-backtest 0.2 has them."""

from __future__ import annotations

from compared_kit import Counted
from ml4t.backtest import OrderType, Strategy
from ml4t.backtest.controls import AccountConstraints, OrderConstraints, OrderRequestCount, TradingControlViolation


class Controlled(Counted):
    """Goes on after orders that its own controls do not let pass, brackets and amendments among them."""

    def __init__(self):
        super().__init__()
        self.refused = []
        self.passing = OrderConstraints(asset="A1", max_order_quantity=10.0)

    def on_start(self, broker):
        rules = (
            OrderConstraints(max_order_quantity=45.0, max_position_quantity=60.0),
            OrderConstraints(max_order_notional=4_000.0, notional_basis="quoted_units", include_pending=False),
            OrderConstraints(restriction=lambda request: request.asset == "A2" and request.pending_quantity > 0),
            OrderRequestCount(12, timezone="America/New_York"),
        )
        for rule in (*rules, self.passing):
            broker.register_trading_control(rule)

    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            close = bar["close"]
            self._attempt(broker.submit_order, asset, (5, 30, 50, -20)[count % 4])
            self._attempt(broker.submit_bracket, asset, (10, 48)[count % 2], close * 1.02, close * 0.98)
            self._attempt(broker.submit_order, asset, 3, order_type=OrderType.LIMIT, limit_price=close * 0.99)
        for order in broker.get_orders(pending_only=True):
            if order.order_type is OrderType.LIMIT and order.parent_id is None and count % 3 == 0:
                self._attempt(broker.update_order, order.order_id, quantity=(8.0, 200.0)[count % 2])
        if count == 5:
            self.refused.append(broker.unregister_trading_control(self.passing))
            self.refused.append(broker.unregister_trading_control(self.passing))

    def _attempt(self, ask, *asked, **named):
        try:
            ask(*asked, **named)
        except TradingControlViolation as error:
            self.refused.append(str(error))


class LongOnly(Controlled):
    """The exits of a bracket are what this control does not let pass: the entry has been made by then."""

    def on_start(self, broker):
        broker.register_trading_control(OrderConstraints(long_only=True, max_orders_per_day=9))


class Watched(Counted):
    """Looks at its account itself; when it is worth too little for what it holds, the run ends."""

    def on_start(self, broker):
        for boundary in ("after_callbacks", "after_fills"):
            broker.register_account_control(AccountConstraints(max_leverage=1.6), boundary=boundary)

    def on_bar(self, count, timestamp, data, context, broker):
        broker.validate_account_controls()
        for asset in data:
            broker.order_target_percent(asset, (0.3, 0.5, 0.1)[count % 3])
        assert len(broker.get_fills()) == len(broker.fills)


class Roller(Counted):
    """Moves a position from one contract to the next, and goes on where that cannot be."""

    def __init__(self):
        super().__init__()
        self.rolled = []

    def on_bar(self, count, timestamp, data, context, broker):
        if count == 0:
            broker.submit_order("A0", 4)
        elif count % 4 == 2:
            one, other = ("A0", "A1") if broker.get_position("A0") is not None else ("A1", "A0")
            for _ in range(2):  # once more is the same roll
                try:
                    orders = broker.roll_position(
                        one, other, roll_id=f"roll {count}", new_quantity=4.0 if count % 8 == 2 else None
                    )
                    self.rolled.append([order and order.order_id for order in orders])
                except ValueError as error:
                    self.rolled.append(str(error))


class SessionOrders(Counted):
    """Orders that end with the session, where the configuration says so."""

    def __init__(self):
        super().__init__()
        self.refused = []

    def on_start(self, broker):
        try:
            broker.configure_session_cancellation(warn_on_cancel=True)
            broker.register_account_control(AccountConstraints(max_leverage=5.0), boundary="session_end")
        except ValueError as error:  # there is no calendar
            self.refused.append(str(error))

    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            try:
                broker.submit_order(asset, 3 + count, order_type=OrderType.LIMIT, limit_price=bar["close"] * 0.98)
                broker.submit_order(asset, 2, order_type=OrderType.STOP, stop_price=bar["close"] * 1.001)
            except ValueError as error:  # outside of sessions
                self.refused.append(str(error))


CONTROLS: tuple[type[Strategy], ...] = (Controlled, LongOnly, Watched, Roller, SessionOrders)
