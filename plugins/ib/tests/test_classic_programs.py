"""The programs of the library before, word for word, against the simulator.

What they do not say, where TWS listens, comes from the environment: IB_PORT leads to the simulator.
"""

from __future__ import annotations

import ast
import asyncio

import pytest
from ib_line import until

import ml4t.live
import ml4t_live_ib
from ml4t.live import BrokerConnectionError, RiskLimitExceeded
from ml4t.live.config.settings import EngineSettings
from ml4t_live_ib.config import IBBrokerConfig

BASIC_USAGE = """
from ml4t.live import LiveEngine, IBBroker, IBDataFeed, SafeBroker, LiveRiskConfig

# Always start in shadow mode (no real orders!)
config = LiveRiskConfig(shadow_mode=True)
broker = SafeBroker(IBBroker(), config)
feed = IBDataFeed(symbols=["AAPL", "MSFT"])

engine = LiveEngine(my_strategy, broker, feed)
await engine.connect()
await engine.run()
"""
SHADOW = "config = LiveRiskConfig(shadow_mode=True)"
PAPER = """config = LiveRiskConfig(
    execution_mode="paper",  # Real orders to paper account
    max_position_value=25_000,
    max_daily_loss=2_000,
)
"""
LIVE = """config = LiveRiskConfig(
    execution_mode="live",
    max_position_value=10_000,
    max_order_value=5_000,
    max_daily_loss=1_000,
    kill_switch_enabled=False,  # Enable if emergency stop needed
)
"""
ERROR_HANDLING = """
try:
    await engine.run()
except BrokerConnectionError:
    # Handle connection issues
    lost = True
except RiskLimitExceeded as e:
    # Handle risk violations
    print(f"Risk limit: {e}")
"""


class BuyOnce:
    """Buys ten shares when it has none and none are on their way."""

    def __init__(self):
        self.held = {}

    def on_data(self, timestamp, data, context, broker):
        self.held = {symbol: position.quantity for symbol, position in broker.get_positions().items()}
        if not self.held and not broker.pending_orders:
            broker.submit_order("AAPL", 10)


@pytest.fixture
def start(make_tws, monkeypatch):
    """Starts a simulator that the programs reach without being told where it is."""

    def make(**options):
        tws = make_tws(**options)
        monkeypatch.setenv("IB_PORT", str(tws.address[1]))
        return tws

    return make


def play(program, tws, done, **names):
    """Run a program while the market moves, until `done`; return its names."""
    code = compile(program, "README", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def market():
        price = 100.0
        while True:
            await asyncio.sleep(0.02)
            price += 0.01
            tws.price("AAPL", round(price, 2))
            tws.emit("AAPL", round(price, 2))

    async def run():
        moving, running = asyncio.create_task(market()), asyncio.ensure_future(eval(code, names))
        try:
            await until(lambda: done() or running.done(), seconds=30)
            if not running.done():
                await names["engine"].stop()
            await running
        finally:
            moving.cancel()

    asyncio.run(run())
    return names


def test_the_basic_usage_trades_in_the_shadow_and_sends_nothing(start):
    tws, strategy = start(), BuyOnce()
    play(BASIC_USAGE, tws, lambda: strategy.held, my_strategy=strategy)
    assert strategy.held == {"AAPL": 10}
    assert (tws.requests, tws.connections) == (0, 0)


@pytest.mark.parametrize(("config", "account"), [(PAPER, "DU1234567"), (LIVE, "U1234567")])
def test_with_the_limits_of_paper_and_of_live_it_trades_at_the_venue(start, tmp_path, config, account):
    tws, strategy = start(accounts=[account]), BuyOnce()
    program = BASIC_USAGE.replace(SHADOW, config).replace("feed)", "feed, state_dir=folder)")
    play(program, tws, lambda: strategy.held, my_strategy=strategy, folder=tmp_path)
    assert strategy.held == tws.positions() == {"AAPL": 10}
    (order,) = tws.orders()
    assert order.filled_quantity == 10
    assert order.order_id, "it is known by our id"


def test_a_tws_that_is_not_there_is_a_broker_connection_error(start, tmp_path):
    tws = start()
    program = BASIC_USAGE.replace(SHADOW, PAPER).replace("feed)", "feed, state_dir=folder, settings=settings)")
    program = program.replace("await engine.connect()", "").replace("await engine.run()", ERROR_HANDLING)
    settings = EngineSettings(reconnect_attempts=1, reconnect_first_seconds=0.01)
    names = {"settings": settings, "BrokerConnectionError": BrokerConnectionError, "RiskLimitExceeded": RiskLimitExceeded}
    tws.close()
    told = play(program, tws, lambda: False, my_strategy=BuyOnce(), folder=tmp_path, **names)
    assert told["lost"]


def test_the_names_are_the_ones_that_programs_use():
    for name in ("IBBroker", "IBDataFeed", "IBFeed"):
        assert getattr(ml4t_live_ib, name) is getattr(ml4t.live, name)
    assert ml4t_live_ib.IBFeed is ml4t_live_ib.IBDataFeed
    with pytest.raises(AttributeError, match="has no attribute 'IBBrokre'"):
        ml4t_live_ib.IBBrokre  # noqa: B018


def test_where_tws_is_may_be_in_the_environment(monkeypatch):
    monkeypatch.setenv("IB_HOST", "10.0.0.7")
    monkeypatch.setenv("IB_PORT", "4002")
    assert (IBBrokerConfig().host, IBBrokerConfig().port) == ("10.0.0.7", 4002)
    assert IBBrokerConfig(host="127.0.0.1", port=7496).port == 7496
    monkeypatch.setenv("IB_PORT", "paper")
    with pytest.raises(ValueError, match="IB_PORT"):
        IBBrokerConfig()
