"""The files that people look at, of real runs."""

from __future__ import annotations

import asyncio
import json
import stat

import pytest

from ml4t.live import Direction, Forecast, ForecasterSpec, LiveEngine, TriggerSpec
from ml4t.live.config.settings import EngineSettings
from ml4t.live.export import ForecastResult
from ml4t.live.export.exporter import as_json
from ml4t.live.journal import JournalReader
from ml4t.live.model import Firing, Trade
from ml4t.live.testing import ListFeed
from ml4t.live.times import NANOS

MINUTE = 60 * NANOS
START = 1_735_776_000 * NANOS  # 2025-01-02
FILES = ("config", "current_state", "performance_metrics", "forecast_results")
PATIENCE = 60.0


class EveryTen:
    def __init__(self):
        self.count = 0

    def on_event(self, event, market):
        self.count += 1
        return Firing(f"event {self.count}", event.symbol) if self.count % 10 == 0 else None


class Up:
    """Says that the price rises by a dollar, and is right: it does."""

    def forecast(self, request):
        (symbol,) = request.symbols
        price = request.market.price(symbol) + 1.0
        return Forecast(symbol, request.horizon, price=price, direction=Direction.UP, confidence=0.75)


class Fails:
    def forecast(self, request):
        raise ArithmeticError("on purpose")


def trades(count):
    return [Trade("A", START + n * MINUTE, 100.0 + n, 5.0 + n % 2) for n in range(count)]


def engine_on(feed, folder, **settings):
    specs = [
        ForecasterSpec("up", Up(), frozenset({"tens"}), horizon=MINUTE),
        ForecasterSpec("fails", Fails(), frozenset({"tens"}), horizon=MINUTE),
    ]
    return LiveEngine(
        None,
        None,
        feed,
        triggers=[TriggerSpec("tens", EveryTen())],
        forecasters=specs,
        state_dir=folder,
        settings=EngineSettings(**settings),
    )


def read(folder):
    return {name: json.loads((folder / "shadow" / f"{name}.json").read_text()) for name in FILES}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


def test_what_a_run_leaves(folder):
    asyncio.run(engine_on(ListFeed(trades(105)), folder).run())
    files = read(folder)
    assert all(stat.S_IMODE((folder / "shadow" / f"{name}.json").stat().st_mode) == 0o600 for name in FILES)

    state = files["current_state"]
    assert state["timestamp"] == "2025-01-02T01:44:00Z"
    symbol = state["symbols"]["A"]
    assert (symbol["price"], symbol["price_change"], symbol["timestamp"]) == (204.0, 1.04, "2025-01-02T01:44:00Z")
    assert symbol["volume_change"] == pytest.approx(5.0 / (5.0 + 52 / 105) - 1.0)
    assert state["agent_status"]["up"] == "idle"
    assert (state["forecast_count"], state["open_orders"], state["market_regime"]) == (10, 0, "unknown")

    metrics = files["performance_metrics"]
    assert metrics["trigger_counts"] == {"tens": 10}
    assert metrics["execution_times"]["up"]["count"] == 10
    assert metrics["execution_times"]["fails"] == {"avg": None, "max": None, "count": 0}
    assert metrics["error_counts"]["up"] == 0
    assert metrics["error_counts"]["fails"] > 0
    assert metrics["error_counts"]["fails"] + metrics["declined_counts"]["fails"] == 10
    assert metrics["models"]["up"]["hit_rate"] == 1.0

    first = files["forecast_results"][0]
    assert len(files["forecast_results"]) == 10
    assert (first["timestamp"], first["reference_price"]) == ("2025-01-02T00:09:00+00:00", 109.0)
    assert (first["forecast_price"], first["actual_price"]) == (110.0, 110.0)
    assert (first["forecast_direction"], first["actual_direction"], first["accuracy"]) == ("up", "up", 1.0)
    assert first["pnl"] == pytest.approx(1 / 109, abs=0.01)
    assert (first["model_name"], first["state"]) == ("up", "resolved")
    assert first["horizon_hours"] == pytest.approx(1 / 60)

    assert (files["config"]["name"], files["config"]["mode"]) == ("live", "shadow")


def test_a_forecast_is_in_the_file_as_it_is_in_the_journal(folder):
    asyncio.run(engine_on(ListFeed(trades(35)), folder).run())
    with JournalReader(folder / "shadow" / "journal.sqlite3") as journal:
        kept = journal.forecasts()
    assert [ForecastResult.of(each).to_dict() for each in kept] == read(folder)["forecast_results"]


class Held:
    """A feed that goes on when it is told."""

    symbols = ("A",)
    historical = False

    def __init__(self, now):
        self.more = asyncio.Queue()
        self.now = now

    async def run(self, sink):
        while (price := await self.more.get()) is not None:
            self.now += MINUTE // 60
            sink.push(Trade("A", self.now, price, 1.0))


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - files tell nobody
            await asyncio.sleep(0.01)


def test_they_are_written_again_while_a_run_goes_on_and_never_seen_half(folder):
    import time

    async def run():
        feed = Held(time.time_ns() - 60 * NANOS)
        engine = engine_on(feed, folder, export_seconds=0.01)
        running = asyncio.create_task(engine.run())
        path = folder / "shadow" / "current_state.json"
        for price in (100.0, 101.0, 102.0):
            await feed.more.put(price)
            await until(lambda wanted=price: path.exists() and _price(path) == wanted)
        await engine.stop()
        await running
        assert _price(path) == 102.0

    def _price(path):
        said = json.loads(path.read_text())  # raises when it is half a file
        return said["symbols"].get("A", {}).get("price")

    asyncio.run(run())


def test_nothing_is_written_when_nobody_wants_it(folder):
    asyncio.run(engine_on(ListFeed(trades(20)), folder, export_seconds=0).run())
    assert not [name for name in FILES if (folder / "shadow" / f"{name}.json").exists()]


def test_a_disk_that_refuses_does_not_end_the_run(folder):
    (folder / "shadow").mkdir(parents=True)
    (folder / "shadow" / "config.json").mkdir()  # a file cannot take the place of a folder
    engine = engine_on(ListFeed(trades(25)), folder)
    asyncio.run(engine.run())
    assert engine.state == "stopped"
    assert not list((folder / "shadow").glob(".*.tmp"))


def test_no_number_is_written_that_json_does_not_have():
    with pytest.raises(ValueError, match="JSON"):
        as_json({"a": float("nan")})
