"""The programs of the library before, word for word but for the vendor's two names, against the simulator.

What they do not say, where Alpaca is and under which keys, comes from the environment: ALPACA_API_KEY, ALPACA_SECRET_KEY, and
ALPACA_URL, which leads to the simulator.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import time

import pytest
from alpaca_kit import until

from ml4t.live import BrokerConnectionError, RiskLimitExceeded
from ml4t_live_alpaca.rig import still

SHADOW = """
from ml4t.live import LiveEngine, AlpacaBroker, AlpacaDataFeed, SafeBroker, LiveRiskConfig

# Always start in shadow mode (no real orders!)
config = LiveRiskConfig(shadow_mode=True)
broker = SafeBroker(AlpacaBroker(), config)
feed = AlpacaDataFeed(symbols=["AAPL", "MSFT"])

engine = LiveEngine(my_strategy, broker, feed)
await engine.connect()
await engine.run()
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
NAMES = """
from ml4t_live_alpaca import AlpacaBroker, AlpacaDataFeed, AlpacaFeed
from ml4t.live import AlpacaBroker as broker, AlpacaDataFeed as data_feed, AlpacaFeed as feed
"""


class BuyOnce:
    """Buys ten shares when it has none and none are on their way."""

    def __init__(self):
        self.held = {}

    def on_data(self, timestamp, data, context, broker):
        self.held = {symbol: position.quantity for symbol, position in broker.get_positions().items()}
        if not self.held and not broker.pending_orders:
            broker.submit_order("AAPL", 10)


@pytest.fixture(params=["paper", "live"])
def account(request, monkeypatch):
    """A simulated account, and the environment that leads to it."""
    with still(kind=request.param) as venue:
        key, secret = venue.keys
        for name, value in {"ALPACA_API_KEY": key, "ALPACA_SECRET_KEY": secret, "ALPACA_URL": venue.url}.items():
            monkeypatch.setenv(name, value)
        yield venue


def play(program, venue, done, **names):
    """Run a program while the market moves, until `done`; return its names."""
    code = compile(program, "README", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def market():
        price = 100.0
        while True:
            await asyncio.sleep(0.01)
            price += 0.01
            venue.price("AAPL", price)
            bar = dict.fromkeys("ohlc", price) | {"T": "b", "S": "AAPL", "v": 1.0, "n": 1, "vw": price}
            venue.push(bar | {"t": time.time_ns() - 60 * 10**9})  # a minute that has just ended

    async def run():
        moving, program = asyncio.create_task(market()), asyncio.ensure_future(eval(code, names))
        await until(lambda: done() or program.done(), 30)
        if not program.done():
            await names["engine"].stop()
        await program
        moving.cancel()

    asyncio.run(run())
    return names


def test_the_basic_usage_trades_in_the_shadow_and_sends_nothing(account):
    strategy = BuyOnce()
    play(SHADOW, account, lambda: strategy.held, my_strategy=strategy)
    assert strategy.held == {"AAPL": 10}
    assert account.requests == 0
    assert account.connections == 0


def test_with_the_mode_named_it_trades_at_the_venue(account, tmp_path):
    kind = account.config.kind
    strategy = BuyOnce()
    program = (
        SHADOW.replace("shadow_mode=True", f"execution_mode={kind!r}, max_position_value=25_000, max_daily_loss=2_000")
        .replace("feed)", "feed, state_dir=folder)")
        .replace("AlpacaBroker()", f"AlpacaBroker(paper={kind == 'paper'})")
    )
    names = play(program, account, lambda: strategy.held, my_strategy=strategy, folder=tmp_path)
    assert strategy.held == account.positions() == {"AAPL": 10}
    assert [order.filled_quantity for order in account.orders()] == [10]
    assert inspect.isclass(names["AlpacaBroker"])


def test_a_venue_that_is_not_there_is_a_broker_connection_error(account, tmp_path):
    program = SHADOW.replace("shadow_mode=True", f"execution_mode={account.config.kind!r}")
    program = program.replace("feed)", "feed, state_dir=folder, settings=settings)")
    program = program.replace("await engine.connect()", "").replace("await engine.run()", ERROR_HANDLING)
    from ml4t.live.config.settings import EngineSettings

    account.refuse_connections(True)
    settings = EngineSettings(reconnect_attempts=1, reconnect_first_seconds=0.01)
    names = {"settings": settings, "BrokerConnectionError": BrokerConnectionError, "RiskLimitExceeded": RiskLimitExceeded}
    told = play(program, account, lambda: False, my_strategy=BuyOnce(), folder=tmp_path, **names)
    assert told["lost"]
    account.refuse_connections(False)


def test_the_names_are_the_ones_that_programs_use():
    names = {}
    exec(NAMES, names)
    assert names["AlpacaBroker"] is names["broker"]
    assert names["AlpacaDataFeed"] is names["AlpacaFeed"] is names["data_feed"] is names["feed"]


def test_without_keys_it_is_said_where_they_come_from(monkeypatch):
    from ml4t.live import AlpacaBroker

    monkeypatch.delenv("ALPACA_API_KEY", raising=False)
    monkeypatch.delenv("ALPACA_SECRET_KEY", raising=False)
    with pytest.raises(ValueError, match="api_key and secret_key missing: give them, or set ALPACA_API_KEY and ALPACA_SECRET"):
        AlpacaBroker()
