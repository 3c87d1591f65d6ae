"""A run that is taken up again goes on as if it had not been interrupted: account, open orders, and what rules remember."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest
from compared_intents import intent_for
from ml4t.backtest import BacktestConfig, OrderType, RuleChain, StopLoss, Strategy, TrailingStop
from ml4t.backtest.risk.position import TimeExit
from msgspec import structs
from paper_kit import paper

from ml4t.live import LiveEngine
from ml4t.live.config.settings import EngineSettings
from ml4t.live.journal import JournalReader
from ml4t.live.model import Bar
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.testing import ListFeed
from ml4t_live_backtest.slices import stamp_of
from ml4t_live_backtest.strategy import HostedStrategy

MINUTE = 60 * 10**9


class ByTheClock(Strategy):
    """Decides from the time and the account alone, as a strategy has to that is restarted."""

    def __init__(self, rule):
        self.rule = rule

    def on_start(self, broker):
        broker.set_position_rules(self.rule)

    def on_data(self, timestamp, data, context, broker):
        minute = int(timestamp.timestamp() // 60)
        for number, (asset, bar) in enumerate(data.items()):
            if (minute + number) % 7 == 0 and broker.get_position(asset) is None:
                broker.submit_order(asset, 10 + number)
            if (minute + number) % 11 == 0:
                limit = bar["close"] * 0.999
                broker.submit_order(asset, 3, order_type=OrderType.LIMIT, limit_price=limit)
            for order in broker.get_pending_orders(asset):
                if (minute + number) % 13 == 0:
                    broker.cancel_order(order.order_id)


def bars(count):
    rng = random.Random(3)
    last = {"A": 100.0, "B": 50.0}
    for number in range(1, count + 1):
        for asset, before in last.items():
            close = last[asset] = before * (1 + rng.gauss(0, 0.002))
            high, low = max(before, close) * 1.001, min(before, close) * 0.999
            yield Bar(asset, number * MINUTE, before, high, low, close, 1_000.0, MINUTE)


def late(bar):
    """Return a bar as it would be on the evening before."""
    return structs.replace(bar, event_time=bar.event_time + 22 * 60 * MINUTE)


def run(folder, events, rule, keep=1_000):
    config = BacktestConfig(stop_slippage_rate=0.001)
    strategy = rule if isinstance(rule, Strategy) else ByTheClock(rule)
    hosted = HostedStrategy(strategy, config, stamp=stamp_of("UTC"), keep=keep)
    risk, settings = LiveRiskConfig.without_limits("shadow"), EngineSettings(durability="none", on_error="halt")
    engine = LiveEngine(hosted, None, ListFeed(events), risk=risk, settings=settings, state_dir=folder, name="restart")
    asyncio.run(engine.run())
    with JournalReader(engine.state_folder.journal) as journal:
        fills = [(f.symbol, f.side, f.quantity, f.price, f.time, f.commission) for f in journal.fills()]
    return fills, hosted.session.broker, engine


RULES = {
    "trailing": lambda: TrailingStop(pct=0.004),
    "time": lambda: TimeExit(max_bars=9),
    "chain": lambda: RuleChain([StopLoss(pct=0.003), TimeExit(max_bars=15)]),
}


@pytest.mark.parametrize("at", [17, 40, 41, 90])
@pytest.mark.parametrize("rule", RULES)
def test_a_shadow_run_goes_on_where_it_stopped(tmp_path, rule, at):
    events = list(bars(120))
    whole, broker, _ = run(tmp_path / "whole", events, RULES[rule]())
    run(tmp_path / "parts", events[: 2 * at], RULES[rule]())
    parts, after, engine = run(tmp_path / "parts", events, RULES[rule]())
    assert len(whole) > 12
    assert parts == whole
    assert after.get_account_value() == pytest.approx(broker.get_account_value(), rel=1e-12)
    assert {order.asset for order in after.pending_orders} == {order.asset for order in broker.pending_orders}
    assert len(after.pending_orders) == len(engine.core.desk.orders.open_orders)


class Plans(Strategy):
    """Says an hour before midnight what it wants to hold tomorrow."""

    def on_data(self, timestamp, data, context, broker):
        if timestamp.hour == 23 and timestamp.minute == 0:
            session = timestamp.date() + timedelta(days=1)
            broker.register_target_intent(intent_for(timestamp, session, sorted(data), 1))


def test_a_target_that_waits_for_its_opening_comes_back(tmp_path):
    events = [late(bar) for bar in bars(120)]
    whole, _, _ = run(tmp_path / "whole", events, Plans())
    run(tmp_path / "parts", events[:150], Plans())  # it stops after the decision, before midnight
    parts, broker, _ = run(tmp_path / "parts", events, Plans())
    assert [quantity for _, _, quantity, *_ in whole] == [10.0, 10.0]
    assert parts == whole
    assert len(broker.get_target_intents()) == 1


def test_a_paper_run_takes_up_its_holdings_and_what_rules_knew_of_them(tmp_path):
    class Buys(Strategy):
        def __init__(self):
            self.held = []

        def on_data(self, timestamp, data, context, broker):
            position = broker.get_position("A")
            if position is None and not broker.pending_orders and not self.held:
                broker.submit_order("A", 10)
            self.held.append(None if position is None else (position.quantity, position.bars_held, position.entry_time))

    first = Buys()
    _, _, venue = paper(tmp_path, first)
    again = Buys()
    paper(tmp_path, again, venue=venue)
    quantity, bars_held, entry_time = first.held[-1]
    assert again.held[0] == (quantity, bars_held + 1, entry_time)


def test_a_run_without_an_end_keeps_the_latest(tmp_path, monkeypatch):
    """What the backtest only appends to is cut; the orders that are open stay, and nothing is told twice or lost."""
    monkeypatch.setattr("ml4t_live_backtest.history.SLACK", 5)
    events = list(bars(120))
    whole, _, _ = run(tmp_path / "whole", events, RULES["time"]())
    fills, broker, engine = run(tmp_path / "cut", events, RULES["time"](), keep=8)
    assert fills == whole
    assert 8 <= len(broker.fills) <= 13 < len(whole)
    assert len(broker.trades) <= 13
    assert {order.order_id for order in broker.pending_orders} <= {order.order_id for order in broker.orders}
    assert len(broker.pending_orders) == len(engine.core.desk.orders.open_orders)
