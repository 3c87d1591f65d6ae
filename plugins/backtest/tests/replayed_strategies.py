"""Strategies of recorded sessions, for replays to import."""

from __future__ import annotations

import os
import random
from pathlib import Path

from ml4t.backtest import OrderType, Strategy, TrailingStop


class Honest(Strategy):
    """Everything it does follows from what it is handed."""

    def __init__(self):
        self.orders = []

    def on_start(self, broker):
        broker.set_position_rules(TrailingStop(pct=0.002))

    def chance(self):
        return 0.5

    def on_data(self, timestamp, data, context, broker):
        minute = int(timestamp.timestamp() // 60)
        for number, (asset, bar) in enumerate(data.items()):
            turn = minute + number
            if turn % 5 == 0 and self.chance() < 0.9:
                broker.order_target_percent(asset, 0.3 if broker.get_position(asset) is None else 0.1)
            if turn % 7 == 0:
                price = bar["close"] * 0.9995
                order = broker.submit_order(asset, 2.5, order_type=OrderType.LIMIT, limit_price=price)
                self.orders += [] if order is None else [order]
            if turn % 11 == 0:
                broker.submit_bracket(asset, 3, bar["close"] * 1.002, bar["close"] * 0.998)
            if turn % 13 == 0 and self.orders:
                broker.cancel_order(self.orders[-1].order_id)


class Gambles(Honest):
    """It asks a die that nobody has recorded."""

    def chance(self):
        return random.random() * 2


class Peeks(Strategy):
    """It looks up what it trades by in a file of prices, the last of which is the newest there is, whatever the bar."""

    def on_data(self, timestamp, data, context, broker):
        newest = float(Path(os.environ["PEEKED_AT"]).read_text().split()[-1])
        for asset, bar in data.items():
            broker.order_target_percent(asset, 0.2 if newest > bar["close"] else 0.05)


class Follows(Strategy):
    """It follows signals of feature functions, as many digits of them as there are."""

    def on_data(self, timestamp, data, context, broker):
        for asset, bar in data.items():
            mean, slow = bar["signals"]["mean"], bar["signals"]["slow"]
            if mean is not None:
                broker.submit_order(asset, 1.0 if mean > slow else -1.0, order_type=OrderType.LIMIT, limit_price=mean)
