"""Three strategies as one writes them for ml4t-backtest. Nothing in here knows of a live market."""

from ml4t.backtest import OrderStatus, OrderType, Strategy
from ml4t.backtest.risk.position import StopLoss


class Cross(Strategy):
    """Holds what is above its slow mean."""

    def __init__(self, weight=0.15):
        self.weight = weight

    def on_data(self, timestamp, data, context, broker):
        for asset, bar in data.items():
            signals = bar["signals"]
            if signals.get("slow") is None:
                continue
            held = broker.get_position(asset) is not None
            if not held and signals["fast"] > signals["slow"]:
                broker.order_target_percent(asset, self.weight)
            elif held and signals["fast"] < signals["slow"]:
                broker.close_position(asset)


class Rotation(Strategy):
    """Holds the two with the most momentum, chosen anew every month."""

    def __init__(self):
        self.month = None

    def on_data(self, timestamp, data, context, broker):
        if timestamp.month == self.month:
            return
        self.month = timestamp.month
        known = {asset: bar["signals"].get("momentum") for asset, bar in data.items()}
        best = sorted((asset for asset in known if known[asset] is not None), key=lambda asset: -known[asset])[:2]
        broker.rebalance_to_weights({asset: 0.45 for asset in best if known[asset] > 0})


class Dip(Strategy):
    """Buys what has fallen far below its mean, with a limit order, a stop and a target."""

    def on_start(self, broker):
        broker.set_position_rules(StopLoss(0.10))
        self.orders = {}

    def on_data(self, timestamp, data, context, broker):
        for asset, bar in data.items():
            stretch = bar["signals"].get("stretch")
            if stretch is None:
                continue
            order = self.orders.get(asset)
            waiting = order is not None and order.status is OrderStatus.PENDING
            if broker.get_position(asset) is not None:
                if stretch > 0.5:
                    broker.close_position(asset)
            elif waiting and stretch > 0.0:
                broker.cancel_order(order.order_id)
            elif not waiting and stretch < -2.0:
                quantity = int(0.1 * broker.get_account_value() / bar["close"])
                limit = bar["close"] * 0.99
                self.orders[asset] = broker.submit_order(asset, quantity, order_type=OrderType.LIMIT, limit_price=limit)
