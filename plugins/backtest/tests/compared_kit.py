"""What all strategies of the differential test share."""

from __future__ import annotations

from ml4t.backtest import Strategy
from ml4t.backtest.broker import Broker

LATEST = hasattr(Broker, "record")
"""True with ml4t-backtest 0.2."""


class Counted(Strategy):
    """Calls `on_bar` with the number of the bar."""

    def __init__(self):
        self.count = -1

    def on_data(self, timestamp, data, context, broker):
        self.count += 1
        self.on_bar(self.count, timestamp, data, context, broker)

    def on_bar(self, count, timestamp, data, context, broker):
        raise NotImplementedError
