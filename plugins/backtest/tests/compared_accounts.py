"""Strategies that look after the whole account, and that ask whatever a broker can be asked."""

from __future__ import annotations

from compared_kit import LATEST, Counted
from ml4t.backtest import OrderSide, OrderType, Strategy
from ml4t.backtest.config import ExecutionPrice
from ml4t.backtest.risk import (
    DailyLossLimit,
    GrossExposureLimit,
    MaxDrawdownLimit,
    MaxExposureLimit,
    MaxPositionsLimit,
    NetExposureLimit,
    RiskManager,
    StopLoss,
)


class Managed(Counted):
    """Trades until the limits of a portfolio say no: they warn, reduce, and in the end close everything."""

    def on_start(self, broker):
        limits = [
            MaxPositionsLimit(max_positions=3),
            MaxExposureLimit(max_exposure_pct=0.6),
            GrossExposureLimit(max_gross_exposure=1.5),
            NetExposureLimit(max_net_exposure=1.2),
            MaxDrawdownLimit(max_drawdown=0.01, action="reduce", reduction_pct=0.5, warn_threshold=0.005),
            MaxDrawdownLimit(max_drawdown=0.03, action="halt"),
            DailyLossLimit(max_daily_loss_pct=0.05, action="liquidate"),
        ]
        self.manager = RiskManager(limits=limits)
        self.manager.initialize(broker.get_account_value())
        self.breaches = []

    def on_bar(self, count, timestamp, data, context, broker):
        worth = {asset: position.market_value for asset, position in broker.positions.items()}
        equity = broker.get_account_value()
        try:
            found = self.manager.update(equity, worth, timestamp=timestamp, broker=broker)
        except ValueError as error:
            if not str(error).startswith("reduction quantity"):
                raise  # it stopped half-way, which a backtest takes back and a live run does not: see limits.py
            found = [repr(error)]  # it rounds to nothing
        self.breaches += [repr(each) for each in found]
        if self.manager.can_open_position():
            for asset in data:
                broker.order_target_percent(asset, 0.5)


class Reduction(Counted):
    """Takes a share off everything, also where other orders are open and where the share comes to nothing."""

    def on_bar(self, count, timestamp, data, context, broker):
        for asset, bar in data.items():
            if count % 6 == 0:
                broker.submit_order(asset, 40)
            elif count % 6 == 1:
                broker.submit_order(asset, 5, order_type=OrderType.LIMIT, limit_price=bar["close"] * 0.98)
        if count % 6 in {3, 4}:
            try:
                broker.reduce_all_positions(
                    0.5 if count % 6 == 3 else 0.01, "too much", (OrderType.MARKET, OrderType.MOC)[count % 2]
                )
            except ValueError as error:
                assert "rounds to zero" in str(error) or "is not executable" in str(error)  # noqa: PT017 - in both engines


class Inspector(Counted):
    """Asks for everything at every bar, has its rules looked at in between, and trades on a few of the answers."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_start(self, broker):
        broker.set_position_rules(StopLoss(pct=0.01))
        self._ask(broker, "A0")

    def on_bar(self, count, timestamp, data, context, broker):
        for asset in data:
            self._ask(broker, asset)
            if broker.get_position(asset) is None:
                broker.submit_order(asset, 10 + len(self.seen) % 7)
            elif count % 5 == 0:
                self.seen.append([order.order_id for order in broker.evaluate_position_rules()])
            elif count % 7 == 0:
                broker.mark_account_positions(use_open=count % 2 == 0)
        if count == 3:
            broker.cash = broker.cash  # some write what they read

    def _ask(self, broker, asset):
        for source in ExecutionPrice:
            for side in OrderSide:
                self.seen.append(repr((source, side, _answer(broker.get_price_for_source, asset, source, side))))
        self.seen += [
            repr(broker.get_quote_context(asset, OrderSide.BUY)),
            repr(broker.get_contract_spec(asset)),
            repr(broker.get_last_trade()),
            repr(sorted(broker.get_positions())),
            repr((broker.cash, broker.equity(), len(broker.fills), len(broker.trades), len(broker.orders))),
            repr((len(broker.pending_orders), len(broker.get_target_intents()), broker.get_asset_stats(asset))),
        ]
        if LATEST:
            self.seen += [repr(broker.allows_price_execution), repr(broker.get_account_snapshot())]


def _answer(ask, *asked):
    try:
        return ask(*asked)
    except (TypeError, ValueError) as error:
        return repr(error)


ACCOUNTS: tuple[type[Strategy], ...] = (Managed, Reduction, Inspector)
