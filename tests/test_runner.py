"""The classic runner: its configuration as it is, its methods, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from ml4t.live import ConfigError, Direction, Forecast
from ml4t.live.runner import LiveMarketRunner, TriggerConfig, TriggerType, create_live_market_runner

SYMBOLS = ("AAPL", "TSLA", "NVDA")
CLASSIC = {
    "symbols": ["AAPL", "TSLA", "NVDA"],
    "update_interval": 30,
    "trigger_interval": 10,
    "tracking_interval": 300,
    "monitoring_interval": 600,
    "market_data_config": {"cache_size": 500, "update_threshold": 5, "max_retries": 3},
    "triggers": {
        "builder": {"trigger_type": "time_based", "interval_seconds": 1800, "enabled": True},
        "trader": {"trigger_type": "price_move", "price_move_threshold": 0.01, "enabled": True},
        "volume": {"trigger_type": "volume_spike", "volume_spike_threshold": 2.0, "enabled": True},
        "wild": {"trigger_type": "volatility_spike", "volatility_threshold": 0.02, "enabled": True},
        "off": {"trigger_type": "time_based", "interval_seconds": 60, "enabled": False},
        "hand": {"trigger_type": "manual"},
    },
}


class Up:
    def __init__(self):
        self.asked = []

    def forecast(self, request):
        self.asked.append(request.firing)
        return [Forecast(symbol, request.horizon, direction=Direction.UP, confidence=0.6) for symbol in request.symbols]


class Down:
    def forecast(self, request):
        return [Forecast(symbol, request.horizon, direction=Direction.DOWN, confidence=0.6) for symbol in request.symbols]


@pytest.fixture
def pipeline(tmp_path):
    """Return the path of a pipeline over two days of minutes: 0.001 % up each minute, and TSLA has one move of 5 %."""
    start = datetime(2026, 3, 2, tzinfo=UTC)
    with (tmp_path / "prices.csv").open("w") as file:
        print("time,symbol,price,size", file=file)
        for minute in range(2 * 24 * 60):
            for symbol, base in zip(SYMBOLS, (200.0, 300.0, 100.0), strict=True):
                move = 1.05 if symbol == "TSLA" and minute >= 1500 else 1.0
                when = (start + timedelta(minutes=minute)).isoformat()
                print(f"{when},{symbol},{base * move * (1 + minute * 1e-5):.6f},10", file=file)
    text = '[live]\nname = "runner"\nstate_dir = "state"\n[feeds.main]\nuse = "replay"\npath = "prices.csv"\nsymbols = ["X"]\n'
    (tmp_path / "live.toml").write_text(text)
    return tmp_path / "live.toml"


def agents(**named):
    return {name: named.get(name, Up()) for name in CLASSIC["triggers"]}


async def to_the_end_of(runner):
    async with asyncio.timeout(60):
        while runner.running:  # noqa: ASYNC110 - as its users do
            await asyncio.sleep(0.01)
    await runner.stop()


def ran(runner):
    async def run():
        await runner.start()
        await to_the_end_of(runner)

    asyncio.run(run())
    return runner


def test_the_classic_configuration_is_taken_as_it_is(pipeline):
    given = agents()
    runner = ran(create_live_market_runner(CLASSIC | {"agents": given}, pipeline=pipeline))
    asked = {name: len(agent.asked) for name, agent in given.items()}
    assert asked["off"] == asked["hand"] == 0
    assert asked["builder"] == 2 * 48  # every half hour on the clock, the first of them included
    # 1 % from the last firing: the drift of 2.9 % is two, and a move of 5 % is one, once.
    moves = [firing.symbol for firing in given["trader"].asked]
    assert {symbol: moves.count(symbol) for symbol in SYMBOLS} == {"AAPL": 2, "NVDA": 2, "TSLA": 3}
    assert runner.engine.parts.market.history == 500
    assert runner.engine.parts.engine.reconnect_attempts == 3
    assert runner.engine.parts.engine.export_seconds == 30


def test_the_state_has_the_classic_keys(pipeline):
    runner = ran(create_live_market_runner(CLASSIC | {"agents": agents()}, pipeline=pipeline))
    state = runner.get_current_state()
    assert set(state["symbols"]) == set(SYMBOLS)
    data = state["symbols"]["TSLA"]
    assert data["price"] == pytest.approx(315.0 * (1 + 2879e-5))
    assert data["price_change"] == pytest.approx((1 + 2879e-5) / (1 + 2380e-5) - 1)  # over 500 prices
    assert {"volume", "volume_change", "volatility", "timestamp"} <= data.keys()
    assert {"timestamp", "market_regime", "global_metrics", "agent_status"} <= state.keys()
    assert state["agent_status"]["builder"] == "idle"
    with (pipeline.parent / "state" / "shadow" / "current_state.json").open() as file:
        assert json.load(file)["symbols"]["TSLA"] == data


def test_the_accuracy_is_that_of_directions_and_never_of_prices(pipeline):
    given = agents(trader=Down())
    runner = ran(create_live_market_runner(CLASSIC | {"agents": given}, pipeline=pipeline))
    right, wrong = runner.get_forecast_accuracy(model="builder"), runner.get_forecast_accuracy(model="trader")
    assert (right["avg_accuracy"], wrong["avg_accuracy"]) == (1.0, 0.0)
    assert right["avg_pnl"] > 0 > wrong["avg_pnl"]
    assert (right["success_rate"], wrong["success_rate"]) == (1.0, 0.0)
    everything = runner.get_forecast_accuracy()
    assert 0 < everything["avg_accuracy"] < 1
    closed = ("completed_forecasts", "open", "late", "unresolvable")
    assert everything["total_forecasts"] == sum(everything[key] for key in closed)
    by_symbol = [runner.get_forecast_accuracy(symbol)["total_forecasts"] for symbol in SYMBOLS]
    assert sum(by_symbol) == everything["total_forecasts"]
    assert everything["best_forecast"]["pnl"] > everything["worst_forecast"]["pnl"]
    one = runner.get_forecast_accuracy("TSLA", "trader")
    assert (one["total_forecasts"], one["best_forecast"]["symbol"]) == (3, "TSLA")
    nobody = runner.get_forecast_accuracy(model="nobody")
    assert nobody["total_forecasts"] == 0
    assert math.isnan(nobody["avg_accuracy"])


def test_an_agent_is_asked_by_hand(pipeline):
    given = agents()
    pipeline.write_text(pipeline.read_text() + "speed = 6000\n")

    async def run():
        runner = LiveMarketRunner(CLASSIC | {"agents": given}, pipeline=pipeline)
        await runner.start()
        assert runner.running
        assert set(runner.get_current_state()["symbols"]) == set(SYMBOLS)
        runner.trigger("hand", reason="to see")
        async with asyncio.timeout(60):
            while not given["hand"].asked:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await runner.stop()
        assert not runner.running
        with pytest.raises(LookupError):
            LiveMarketRunner(CLASSIC | {"agents": given}, pipeline=pipeline).trigger("hand")

    with pytest.raises(RuntimeError, match="while a run is on"):
        asyncio.run(run())
    assert "to see" in given["hand"].asked[0].reason


BROKEN = """
class Strategy:
    def on_data(self, timestamp, data, context, broker):
        raise ArithmeticError("nonsense")
"""


def test_it_starts_once_and_says_what_it_failed_of(pipeline):
    (pipeline.parent / "broken_strategy.py").write_text(BROKEN)
    more = 'strategy = "broken_strategy:Strategy"\n[engine]\non_error = "halt"\n'
    pipeline.write_text(pipeline.read_text().replace("[feeds", more + "[feeds", 1))

    async def run():
        runner = create_live_market_runner(CLASSIC | {"agents": agents()}, pipeline=pipeline)
        with pytest.raises(RuntimeError, match="call start"):
            runner.get_current_state()
        await runner.start()
        with pytest.raises(RuntimeError, match="started before"):
            await runner.start()
        with pytest.raises(ArithmeticError, match="nonsense"):
            await to_the_end_of(runner)
        assert not runner.running

    asyncio.run(run())


def test_without_a_pipeline_it_says_how_to_name_one(monkeypatch, pipeline):
    monkeypatch.delenv("ML4T_LIVE_CONFIG", raising=False)
    with pytest.raises(ConfigError, match="ML4T_LIVE_CONFIG"):
        create_live_market_runner()
    monkeypatch.setenv("ML4T_LIVE_CONFIG", str(pipeline))
    assert create_live_market_runner(CLASSIC | {"agents": agents()}).engine.parts.symbols == SYMBOLS


WRONG = [
    ({"symbols": "AAPL"}, "symbols = 'AAPL'"),
    ({"symbols": []}, "write a list"),
    ({"update_interval": 0}, "update_interval = 0"),
    ({"tracking_interval": "often"}, "tracking_interval = 'often'"),
    ({"updat_interval": 30}, "did you mean update_interval"),
    ({"market_data_config": {"cash_size": 3}}, "did you mean cache_size"),
    ({"market_data_config": []}, "write a dictionary"),
    ({"triggers": {"builder": {"trigger_type": "hourly"}}}, "write one of time_based"),
    ({"triggers": {"builder": {"trigger_type": "time_based", "interval": 3}}}, "did you mean interval_seconds"),
    ({"triggers": {"stranger": {"trigger_type": "manual"}}}, "no agent has this name"),
    ({"triggers": {"builder": {"trigger_type": "volume_spike", "volume_spike_threshold": 0.5}}}, "multiple"),
    ({"market_data_config": {"cache_size": 1}}, "history"),
]


@pytest.mark.parametrize(("change", "words"), WRONG, ids=[words[:30] for _, words in WRONG])
def test_a_mistake_is_named(pipeline, change, words):
    given = {"builder": Up()}
    classic = {"symbols": ["AAPL"], "triggers": {"builder": {"trigger_type": "manual"}}, "agents": given}
    with pytest.raises(ConfigError, match=words):
        create_live_market_runner(classic | change, pipeline=pipeline)


def test_all_mistakes_are_named_at_once(pipeline):
    with pytest.raises(ConfigError) as caught:
        create_live_market_runner({"symbols": "A", "update_interval": -1, "agent": {}}, pipeline=pipeline)
    assert len(caught.value.problems) == 3


def test_a_type_may_be_a_text_or_a_member():
    assert TriggerConfig("price_move") == TriggerConfig(TriggerType.PRICE_MOVE)
    with pytest.raises(ValueError, match="hourly"):
        TriggerConfig("hourly")
