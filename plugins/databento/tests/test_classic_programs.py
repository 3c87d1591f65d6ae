"""The feed as earlier programs make it, against the simulator.

What they do not say, where Databento is and under which key, comes from the environment: DATABENTO_API_KEY, and
DATABENTO_GATEWAY, which leads to the simulator.
"""

from __future__ import annotations

import ast
import asyncio

import pytest

from ml4t_live_databento.rig import still

LIVE = """
from ml4t.live import LiveEngine, DataBentoFeed, SafeBroker, LiveRiskConfig

feed = DataBentoFeed.from_live(api_key=key, dataset="XNAS.ITCH", schema="trades", symbols=["AAPL", "MSFT"])

engine = LiveEngine(my_strategy, None, feed)
await engine.connect()
await engine.run()
"""
SHORT = LIVE.replace('.from_live(api_key=key, dataset="XNAS.ITCH", schema="trades",', '(dataset="XNAS.ITCH", schema="trades",')


class BuyOnce:
    """Buys ten shares when it has none and none are on their way."""

    def __init__(self):
        self.held = {}

    def on_data(self, timestamp, data, context, broker):
        self.held = {symbol: position.quantity for symbol, position in broker.get_positions().items()}
        if not self.held and not broker.pending_orders:
            broker.submit_order("AAPL", 10)


@pytest.fixture
def gateway(monkeypatch, tmp_path):
    """A simulated gateway, and the environment that leads to it."""
    monkeypatch.chdir(tmp_path)
    with still() as source:
        host, port = source.address
        monkeypatch.setenv("DATABENTO_GATEWAY", f"{host}:{port}")
        yield source


@pytest.mark.parametrize("program", [LIVE, SHORT])
def test_the_basic_usage_trades_in_the_shadow(gateway, monkeypatch, program):
    strategy = BuyOnce()
    names = {"my_strategy": strategy, "key": gateway.key}
    if program is SHORT:
        monkeypatch.setenv("DATABENTO_API_KEY", gateway.key)
    code = compile(program, "README", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def market():
        price = 100.0
        while not strategy.held:
            await asyncio.sleep(0.01)
            price += 0.01
            gateway.emit("AAPL", price)

    async def run():
        running = asyncio.create_task(eval(code, names))
        try:
            async with asyncio.timeout(60):
                await market()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    assert strategy.held == {"AAPL": 10}


def test_the_names_are_the_ones_that_programs_use():
    import ml4t.live
    import ml4t_live_databento

    assert ml4t.live.DatabentoFeed is ml4t.live.DataBentoFeed is ml4t_live_databento.DatabentoFeed
    with pytest.raises(AttributeError, match="no attribute 'DatabentoBroker'"):
        _ = ml4t_live_databento.DatabentoBroker


def test_without_a_key_or_a_dataset_it_is_said_what_to_give(monkeypatch):
    from ml4t.live import DatabentoFeed

    monkeypatch.delenv("DATABENTO_API_KEY", raising=False)
    with pytest.raises(ValueError, match="api_key is missing; give it, or set DATABENTO_API_KEY"):
        DatabentoFeed(symbols=["ESH6"], dataset="GLBX.MDP3")
    monkeypatch.setenv("DATABENTO_API_KEY", "db-x")
    with pytest.raises(ValueError, match="dataset is missing"):
        DatabentoFeed(symbols=["ESH6"])
    with pytest.raises(ValueError, match="is empty"):
        DatabentoFeed(symbols=[], dataset="GLBX.MDP3")
    with pytest.raises(ValueError, match="'ES,NQ' is not a symbol"):
        DatabentoFeed(symbols=["ES,NQ"], dataset="GLBX.MDP3")
    with pytest.raises(TypeError, match="one string where a list"):
        DatabentoFeed(symbols="ESH6", dataset="GLBX.MDP3")
    with pytest.raises(ValueError, match=r"ES\.c\.0 of stype_in = 'raw_symbol' are written in capitals"):
        DatabentoFeed(symbols=["ES.c.0", "NQH6"], dataset="GLBX.MDP3")
    assert "db-x" not in repr(DatabentoFeed(symbols=["ESH6"], dataset="GLBX.MDP3")._config)


def test_without_a_gateway_it_is_the_dataset_s_own():
    from ml4t_live_databento.config import DatabentoFeedConfig

    assert DatabentoFeedConfig(symbols=["ESH6"], api_key="k", dataset="GLBX.MDP3").address == (
        "glbx-mdp3.lsg.databento.com",
        13_000,
    )
