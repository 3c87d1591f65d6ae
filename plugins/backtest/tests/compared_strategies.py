"""Strategies that together use everything a backtest broker offers; each is one class, made new for each engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from compared_accounts import ACCOUNTS
from compared_examples import EXAMPLES
from compared_intents import INTENTS
from compared_kit import LATEST, Counted
from ml4t.backtest import OrderSide, OrderStatus, OrderType, Strategy
from ml4t.backtest.risk import (
    AllOf,
    AnyOf,
    RuleChain,
    ScaledExit,
    SignalExit,
    StopLoss,
    TakeProfit,
    TighteningTrailingStop,
    TimeExit,
    TrailingStop,
    VolatilityStop,
    VolatilityTrailingStop,
)
from ml4t.backtest.sessions import SessionConfig

if LATEST:
    from compared_controls import CONTROLS
else:
    CONTROLS = ()


class BuyAndHold(Counted):
    def on_bar(self, count, timestamp, data, context, broker):
        for asset in data:
            if broker.get_position(asset) is None and not broker.get_pending_orders(asset):
                broker.buy(asset, dollars=5_000.0)


class Limits(Counted):
    """Limit orders near the price, cancelled when they are old."""

    def __init__(self):
        super().__init__()
        self.made = {}

    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            side, factor = ((OrderSide.BUY, 0.997), (OrderSide.SELL, 1.003))[count % 2]
            limit = round(bar["close"] * factor, 1) or bar["close"]
            order = broker.submit_order(asset, 20, side, OrderType.LIMIT, limit_price=limit)
            if order is not None:
                self.made[order.order_id] = count
        for order in broker.get_pending_orders():
            if count - self.made.get(order.order_id, count) > 3:
                assert broker.cancel_order(order.order_id)
        assert not broker.cancel_order("ORD-0")


class Stops(Counted):
    """Stop and trailing stop orders, some of which follow the price by amendments."""

    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            position, pending = broker.get_position(asset), broker.get_pending_orders(asset)
            if position is None and not pending:
                broker.submit_order(asset, 15, order_type=OrderType.STOP, stop_price=bar["high"] * 1.001)
            elif position is not None and not pending:
                if count % 2:
                    broker.submit_order(asset, -position.quantity, order_type=OrderType.STOP, stop_price=bar["low"] * 0.995)
                else:
                    kind, trail = OrderType.TRAILING_STOP, bar["close"] * 0.01
                    broker.submit_order(asset, -position.quantity, order_type=kind, trail_amount=trail)
            for order in pending:
                if order.order_type is OrderType.STOP and count % 3 == 0:
                    factor = 1.01 if order.side is OrderSide.BUY else 0.99
                    broker.update_order(order.order_id, stop_price=bar["close"] * factor)
                elif order.order_type is OrderType.TRAILING_STOP and count % 3 == 0:
                    broker.update_order(order.order_id, trail_amount=bar["close"] * 0.005, quantity=order.quantity / 2)


class StopLimits(Counted):
    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            if count % 3 == 0:
                stop, limit = bar["close"] * 1.002, bar["close"] * 1.01
                broker.submit_order(asset, 5, order_type=OrderType.STOP_LIMIT, stop_price=stop, limit_price=limit)
            elif count % 3 == 1:
                stop, limit = bar["close"] * 0.998, bar["close"] * 0.99
                broker.submit_order(asset, -5, order_type=OrderType.STOP_LIMIT, stop_price=stop, limit_price=limit)


class OnClose(Counted):
    def on_bar(self, count, timestamp, data, context, broker):
        for asset in data:
            if count % 5 == 0:
                broker.submit_order(asset, 10, order_type=OrderType.MOC)
            elif count % 5 == 2:
                broker.close_position(asset, OrderType.MOC)


class Brackets(Counted):
    """Brackets of every kind: long and short, at the market and at a limit, also with exits on the wrong side."""

    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            if broker.get_position(asset) is not None or broker.get_pending_orders(asset) or count % 2:
                continue
            close, sign = bar["close"], 1 if count % 4 else -1
            target, stop = close * (1 + 0.01 * sign), close * (1 - 0.01 * sign)
            if count % 6 == 0:
                broker.submit_bracket(asset, 10.5 * sign, target, stop, OrderType.LIMIT, close * (1 - 0.002 * sign))
            elif count % 6 == 2:
                broker.submit_bracket(asset, 30 * sign, stop, target)
            else:
                broker.submit_bracket(asset, 10_000 if count % 5 == 0 else 20 * sign, target, stop)


class Targets(Counted):
    def on_bar(self, count, timestamp, data, context, broker):
        for number, asset in enumerate(data):
            if count % 3 == 0:
                broker.order_target_percent(asset, (0.4, -0.3, 0.0, 0.9)[(count // 3 + number) % 4])
            elif count % 7 == 0:
                limit = data[asset]["close"]
                broker.order_target_value(asset, 5_000.0, order_type=OrderType.LIMIT, limit_price=limit)


class Weights(Counted):
    def on_bar(self, count, timestamp, data, context, broker):
        if count % 3 == 0:
            share = (0.95, 0.5, 1.2, 0.0)[count // 3 % 4] / len(data)
            broker.rebalance_to_weights({asset: share for number, asset in enumerate(data) if (number + count) % 3})


class Reducer(Counted):
    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            if count % 8 == 0:
                broker.submit_order(asset, 33)
            elif count % 8 == 2:
                broker.reduce_position(asset, 1 / 3)
            elif count % 8 == 3:
                broker.reduce_position(asset, 0.5, OrderType.LIMIT, bar["close"] * 1.002)
            elif count % 8 == 4:
                broker.close_position(asset)
                broker.close_position(asset)
        if count % 8 == 6:
            broker.flatten_all_positions("end of the week")
        elif count % 11 == 5:
            with_position = [asset for asset in data if broker.get_position(asset) is not None]
            if with_position:
                broker.submit_order(with_position[0], 5, order_type=OrderType.LIMIT, limit_price=0.01)
                broker.flatten_all_positions("by hand", OrderType.MOC)


class Flipper(Counted):
    """Turns positions over, with other orders pending."""

    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            position = broker.get_position(asset)
            if position is None:
                broker.submit_order(asset, 12)
            elif count % 3 == 0:
                broker.submit_order(asset, -2 * position.quantity)
            elif count % 3 == 1:
                broker.submit_order(asset, 3, order_type=OrderType.LIMIT, limit_price=bar["low"] * 0.99)


class Ruled(Counted):
    """Position rules, for one asset and for all, that change under way."""

    def on_start(self, broker):
        broker.set_position_rules(RuleChain([StopLoss(pct=0.02), TakeProfit(pct=0.03), TimeExit(max_bars=6)]))

    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            if broker.get_position(asset) is None and not broker.get_pending_orders(asset):
                broker.submit_order(asset, 20 if count % 3 else -20)
            elif broker.get_position(asset) is not None:
                values = {"atr": bar["close"] * 0.01, "exit_signal": -1.0 if count % 9 == 0 else 1.0}
                broker.update_position_context(asset, values)
        first = next(iter(data), None)
        if first is not None:
            change = RULES.get(count % 24)
            if change is not None:
                broker.set_position_rules(change(), first if count % 16 else None)
            elif count % 24 == 22:
                broker.clear_position_rules(first)


RULES: dict[int, Callable[[], Any]] = {
    3: lambda: TrailingStop(pct=0.015),
    6: lambda: AllOf([TimeExit(max_bars=2), TakeProfit(pct=0.001)]),
    9: lambda: AnyOf([StopLoss(pct=0.01), SignalExit(threshold=0.0)]),
    11: lambda: ScaledExit([(0.005, 0.5), (0.01, 0.5)]),
    14: lambda: VolatilityStop(multiplier=1.0),
    17: lambda: VolatilityTrailingStop(multiplier=1.5),
    20: lambda: TighteningTrailingStop([(0.0, 0.03), (0.01, 0.01)]),
}


class RuledWithOrders(Counted):
    """Rules that end positions for which there are orders as well."""

    def on_start(self, broker):
        broker.set_position_rules(AnyOf([StopLoss(pct=0.01), TrailingStop(pct=0.02), TimeExit(max_bars=5)]))

    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            position = broker.get_position(asset)
            if position is None:
                close = bar["close"]
                broker.submit_bracket(asset, 10, close * 1.02, close * 0.98)
            elif count % 2:
                broker.close_position(asset)
                broker.submit_order(asset, 5)


class Bookkeeper(Counted):
    """Asks everything there is to ask, and trades on the answers."""

    def on_start(self, broker):
        broker.configure_stats(recent_window_size=5)
        broker.set_session_config(SessionConfig(calendar="NYSE", timezone="America/New_York"))
        self.seen = []

    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            stats = broker.get_asset_stats(asset)
            trade = broker.get_last_trade(asset)
            self.seen.append((stats.total_trades, stats.recent_win_rate, trade and trade.pnl))
            price = broker.get_last_price(asset)
            assert price == bar["price"]
            self.seen.append((broker.get_mark_price(asset), broker.get_quote_mid(asset), broker.get_available_size(asset)))
            assert broker.get_multiplier(asset) == 1.0 or broker.get_contract_spec(asset) is not None
            quantity = 10 + 5 * (len(broker.get_trades(asset, last_n=3)) % 2) + (stats.recent_win_rate or 0.0) * 4
            if count % 2 == 0 and broker.get_buying_power() > quantity * price:
                broker.sell(asset, shares=5) if count % 3 == 0 else broker.buy(asset, shares=int(quantity))
            elif count % 5 == 0:
                broker.close_position(asset)
        self.seen.append((broker.get_cash(), broker.get_account_value(), broker.equity(), broker.last_rejection_reason))
        self.seen.append([(order.order_id, order.rejection_reason) for order in broker.get_rejected_orders()])
        if LATEST:
            broker.record(seen=len(self.seen), value=broker.get_account_value(), orders=len(broker.get_orders()))
            self.seen.append((len(broker.get_fills()), broker.get_account_snapshot().equity))


class Waiter(Counted):
    """Makes every order depend on what became of the one before."""

    def __init__(self):
        super().__init__()
        self.last = {}

    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            order = self.last.get(asset)
            if order is None or order.status is not OrderStatus.PENDING:
                sign = -1 if order is not None and order.status is OrderStatus.FILLED and order.side is OrderSide.BUY else 1
                kind = OrderType.LIMIT if count % 2 else OrderType.MARKET
                limit = bar["close"] if kind is OrderType.LIMIT else None
                self.last[asset] = broker.submit_order(asset, sign * 10, order_type=kind, limit_price=limit)
            elif broker.get_order(order.order_id).created_at < timestamp - timedelta(days=2):
                broker.cancel_order(order.order_id)


class Eager(Counted):
    """Orders before there is any price, and for what nobody trades."""

    def on_start(self, broker):
        broker.submit_order("A0", 10)
        broker.submit_order("A0", 10, order_type=OrderType.LIMIT, limit_price=40.0)
        broker.submit_order("NONE", 10)
        broker.submit_bracket("A1", 5, 200.0, 20.0)
        broker.order_target_percent("A0", 0.1)
        broker.close_position("A0")

    def on_bar(self, count, timestamp, data, context, broker):
        if count % 5 == 1:
            broker.submit_order("NONE", 5)
            broker.submit_order("A1", 5)
            broker.rebalance_to_weights({"A0": 0.3, "NONE": 0.3})

    def on_end(self, broker):
        broker.flatten_all_positions("the end")
        broker.submit_order("A0", 1)


class Spender(Counted):
    """Wants more than there is."""

    def on_bar(self, count, timestamp, data, context, broker):
        cash = broker.get_cash()
        for number, (asset, bar) in enumerate(data.items()):
            if count % 3 == 0:
                broker.submit_order(asset, 0.7 * cash / bar["close"])
            elif count % 3 == 1:
                broker.submit_order(asset, 1.4 * cash / bar["close"], order_type=OrderType.LIMIT, limit_price=bar["high"])
            elif number % 2 == 0:
                broker.submit_order(asset, -3.0 * cash / bar["close"])


class Crumbs(Counted):
    """Quantities that round to nothing, and prices that nobody asked for."""

    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            broker.submit_order(asset, (0.4, 1.6, -0.7, 1e-9, 0.0, 1e-7, 2.999999999)[count % 7])
            if count % 6 == 0:
                broker.submit_order(asset, 3, limit_price=bar["close"], stop_price=bar["close"])
            elif count % 6 == 1:
                broker.submit_order(asset, 3, order_type=OrderType.LIMIT, limit_price=bar["close"], stop_price=bar["low"])
                broker.submit_order(asset, 3, order_type=OrderType.MOC, trail_amount=1.0)
            elif count % 6 == 2:
                broker.submit_order(asset, -3, OrderSide.BUY)
                broker.submit_order(asset, -3, OrderSide.SELL)


ALL: tuple[type[Strategy], ...] = (
    *EXAMPLES,
    *ACCOUNTS,
    *INTENTS,
    *CONTROLS,
    BuyAndHold,
    Limits,
    Stops,
    StopLimits,
    OnClose,
    Brackets,
    Targets,
    Weights,
    Reducer,
    Flipper,
    Ruled,
    RuledWithOrders,
    Bookkeeper,
    Waiter,
    Eager,
    Spender,
    Crumbs,
)
