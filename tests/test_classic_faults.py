"""What the classic market runner got wrong, one test for each fault that was shown of it.

Its faces (the state that it returned, the files that it wrote) are tested where they are made; here are market, triggers,
forecasters and ledger, through the whole engine.
"""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ml4t.live import Forecast, ForecasterSpec, LiveEngine, LiveRiskConfig, Trade, TriggerSpec, compose
from ml4t.live.cli.app import app
from ml4t.live.config.settings import EngineSettings
from ml4t.live.journal import JournalReader
from ml4t.live.ledger.recall import recall
from ml4t.live.ledger.scores import Score
from ml4t.live.market import MarketState, RegimeKind
from ml4t.live.model import Bar, Direction, Firing, ForecastState, MarketEvent
from ml4t.live.testing import ListFeed, run_virtual
from ml4t.live.times import NANOS
from ml4t_live_trigger_price_move.config import PriceMoveConfig
from ml4t_live_trigger_price_move.trigger import PriceMove
from ml4t_live_trigger_time.config import TimeTriggerConfig
from ml4t_live_trigger_time.trigger import TimeTrigger
from ml4t_live_trigger_volatility.config import VolatilityConfig
from ml4t_live_trigger_volatility.trigger import Volatility
from ml4t_live_trigger_volume_spike.config import VolumeSpikeConfig
from ml4t_live_trigger_volume_spike.trigger import VolumeSpike

SECOND, MINUTE, HOUR = NANOS, 60 * NANOS, 3_600 * NANOS
DAY = 24 * HOUR
START = 1_735_776_060 * NANOS  # 2025-01-02, a minute after midnight
SIGMA = 0.01


class Story:
    """What a run left in its journal."""

    def __init__(self, engine: LiveEngine) -> None:
        self.folder = engine.state_folder.root
        with JournalReader(engine.state_folder.journal) as reader:
            self._records = list(reader.records())
            self.forecasts = list(reader.forecasts())
            self.scores = recall(reader)[0]

    def bodies(self, kind: str) -> list[Any]:
        return [record.body for record in self._records if record.kind == kind]

    def fired(self, trigger: str) -> list[int]:
        """When a trigger fired, nanoseconds after START."""
        return [body["time"] - START for body in self.bodies("firing") if body["trigger"] == trigger]

    def total(self, model: str) -> Score:
        return self.scores.total(model, HOUR)


def run(folder: Path, events: list[MarketEvent], *triggers: TriggerSpec, models: Any = None, **options: Any) -> Story:
    """Run the engine over recorded events; `models` are asked at every event, about the hour to come."""
    specs = [ForecasterSpec(name, model, frozenset({"each"}), horizon=HOUR) for name, model in (models or {}).items()]
    engine = LiveEngine(
        None,
        None,
        ListFeed(events),
        risk=LiveRiskConfig(),
        triggers=[*triggers, *([TriggerSpec("each", Each())] if models else [])],
        forecasters=specs,
        state_dir=folder,
        **options,
    )
    asyncio.run(engine.run())
    return Story(engine)


def trades(prices: Any, every: int = MINUTE, sizes: Any = None) -> list[MarketEvent]:
    return [Trade("A", START + n * every, float(p), 1.0 if sizes is None else sizes[n]) for n, p in enumerate(prices)]


class Each:
    """Fires at every event."""

    def on_event(self, event: Any, market: Any) -> Firing:
        return Firing("an event", event.symbol)


class Says:
    """A model that says what a function makes of the request."""

    version = "1"

    def __init__(self, answer: Any) -> None:
        self.forecast = answer


# ------------------------------------------------------------------ triggers

CONFIG = """
[live]
name = "classic"

[feeds.main]
use = "replay"
path = "{path}"
symbols = ["A"]

[triggers.my_own_name]
use = "trigger-time"
every = "30m"

[triggers.moved]
use = "trigger-price-move"
threshold = 0.02

[triggers.crowded]
use = "trigger-volume-spike"
baseline = "rolling"

[triggers.wild]
use = "trigger-volatility"
threshold = 0.004

[forecasters.naive]
use = "forecast-baselines.naive"
on = ["my_own_name"]
horizon = "1h"
"""


def test_triggers_from_strings_all_fire_whatever_they_are_called(tmp_path):
    rng, price, lines = random.Random(1), 100.0, ["timestamp,asset,open,high,low,close,volume"]
    for n in range(240):
        before, price = price, price * (1 + rng.gauss(0.0002, 0.01 if n > 180 else 0.0005))
        at = datetime(2025, 1, 2, tzinfo=UTC) + timedelta(minutes=n)
        volume = 9_000 if n == 200 else 1_000
        lines.append(f"{at.isoformat()},A,{before},{max(before, price)},{min(before, price)},{price},{volume}")
    (tmp_path / "prices.csv").write_text("\n".join(lines))
    config = tmp_path / "classic.toml"
    config.write_text(CONFIG.format(path=tmp_path / "prices.csv"))
    engine = compose(config, state_dir=tmp_path / "state")
    asyncio.run(engine.run())
    assert {body["trigger"] for body in Story(engine).bodies("firing")} == {"my_own_name", "moved", "crowded", "wild"}


def test_an_interval_is_counted_on_the_clock_and_neither_drifts_nor_fires_at_the_start(tmp_path):
    triggers = [TriggerSpec(str(n), TimeTrigger(TimeTriggerConfig(every=n * MINUTE))) for n in (7, 30)]
    story = run(tmp_path, trades([100.0] * 900, every=17 * SECOND), *triggers)  # events that hit no full minute
    for n in (7, 30):
        assert story.fired(str(n)) == [
            at for at in range(MINUTE, 900 * 17 * SECOND, MINUTE) if (START + at) % (n * MINUTE) == 0
        ]


def test_one_move_fires_once_and_a_drift_fires_although_no_step_is_a_move(tmp_path):
    def moves():
        return TriggerSpec("moves", PriceMove(PriceMoveConfig(threshold=0.02)))

    jump = run(tmp_path / "jump", trades([100.0] * 10 + [102.0] * 50, every=30 * SECOND), moves())
    assert jump.fired("moves") == [10 * 30 * SECOND]
    drift = run(tmp_path / "drift", trades([100 * 1.004**n for n in range(25)], every=30 * SECOND), moves())
    assert len(drift.fired("moves")) == 4, "10 % in steps of 0.4 %"


def test_the_same_daily_bar_every_thirty_seconds_is_one_bar(tmp_path):
    days = [Bar("A", START + n * DAY, 100.0, 101.0, 99.0, 100.0, 5e6 if n == 9 else 1e6, DAY) for n in range(10)]
    polled = [bar for bar in days for _ in range(100)]
    trigger = TriggerSpec("volume", VolumeSpike(VolumeSpikeConfig(baseline="rolling", candles=DAY)))
    story = run(tmp_path, polled, trigger)
    assert story.fired("volume") == [10 * DAY], "one candle of five times the usual volume"


def test_a_wild_stretch_fires_once_when_it_begins(tmp_path):
    rng = random.Random(2)
    changes = [rng.gauss(0, 0.01 if 120 <= n < 360 else 0.0005) for n in range(600)]
    story = run(
        tmp_path,
        trades(100 * np.cumprod(1 + np.array(changes))),
        TriggerSpec("wild", Volatility(VolatilityConfig(threshold=0.004))),
    )
    [at] = story.fired("wild")
    assert 120 * MINUTE <= at <= 140 * MINUTE


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_a_regime_has_a_direction_lasts_and_is_the_same_for_calm_and_wild_assets(scale):
    market, price = MarketState(1_000, [MINUTE]), 100.0
    rng = random.Random(3)
    kinds, rising = [], 0
    for n in range(900):
        drift = 0.004 if 300 <= n < 600 else 0.0
        price *= 1 + scale * (drift + rng.gauss(0, 0.002))
        market.apply(Bar("A", START + n * MINUTE, price, price, price, price, 1.0, MINUTE), START + (n + 1) * MINUTE)
        regime = market.get("A").regime(HOUR)
        kinds.append(regime.kind if regime else None)
        if 330 <= n < 600 and regime.kind is RegimeKind.TREND:
            rising += regime.efficiency > 0
    assert rising > 200, "of the 270 candles of a rise"
    assert sum(before is not after for before, after in pairwise(kinds)) < 45, "in fifteen hours of minutes"


def test_walks_that_have_nothing_to_do_with_each_other_are_not_correlated():
    rng, found = random.Random(4), []
    for _ in range(20):
        market, a, b = MarketState(1_000, [MINUTE]), 100.0, 100.0
        for n in range(300):
            a, b = a * (1 + rng.gauss(0, SIGMA)), b * (1 + rng.gauss(0, SIGMA))
            market.apply(Trade("A", START + n * MINUTE, a, 1.0), START + n * MINUTE)
            market.apply(Trade("B", START + n * MINUTE, b, 1.0), START + n * MINUTE)
        found.append(market.correlation("A", "B", MINUTE, 250))
    assert sum(map(abs, found)) / len(found) < 0.1
    assert max(map(abs, found)) < 0.3


# ------------------------------------------------------------------ how good a model was


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A coin, one who is always wrong, a prophet and no change, on the same walk, hourly for an hour ahead."""
    rng = random.Random(5)
    prices = list(100 * np.cumprod([1 + rng.choice((-1, 1)) * rng.uniform(0.002, 0.02) for _ in range(1_000)]))

    def coming(request):
        return prices[(request.time - START) // HOUR + 1]

    def calls(price):
        def answer(request):
            now = request.market.price("A")
            said = price(now, request)
            return Forecast("A", HOUR, price=said, direction=Direction.UP if said > now else Direction.DOWN)

        return Says(answer)

    models = {
        "coin": calls(lambda now, _: now * (1 + rng.choice((-SIGMA, SIGMA)))),
        "wrong": calls(lambda now, request: now * (2 - coming(request) / now)),
        "prophet": calls(lambda _, request: coming(request)),
        "naive": Says(lambda request: Forecast("A", HOUR, price=request.market.price("A"))),
    }
    events = trades(prices, every=HOUR)
    return run(tmp_path_factory.mktemp("judged"), events, models=models, settings=EngineSettings(forecast_cost=0.0005))


def test_a_coin_scores_as_a_coin_and_one_who_is_always_wrong_as_wrong(judged):
    low, high = judged.total("coin").hit_interval
    assert low < 0.5 < high
    assert judged.total("wrong").hit_rate < 0.1
    assert judged.total("prophet").hit_rate > 0.9
    assert judged.total("naive").skill == 0.0
    assert judged.total("wrong").skill < judged.total("coin").skill < 0 < judged.total("prophet").skill


def test_following_a_prophet_pays_and_following_a_coin_costs(judged):
    assert judged.total("prophet").gains.gain > 5.0
    assert judged.total("coin").gains.gain < judged.total("prophet").gains.gain / 5
    assert judged.total("wrong").gains.gain < -5.0


def test_there_is_no_accuracy_of_a_price_anywhere(judged):
    for options in ((), ("--by", "model"), ("--by", "symbol"), ("--json",)):
        said = CliRunner().invoke(app, ["forecasts", "--state-dir", str(judged.folder), *options])
        assert said.exit_code == 0, said.output
        assert "accuracy" not in said.output.lower()


# ------------------------------------------------------------------ what becomes of a forecast


def test_a_price_after_a_long_outage_is_no_outcome(tmp_path):
    models = {"naive": Says(lambda request: Forecast("A", HOUR, price=request.market.price("A")))}
    story = run(tmp_path, [*trades([100.0] * 90), Trade("A", START + 6 * DAY, 150.0, 1.0)], models=models)
    states = [each.state for each in story.forecasts]
    assert (states.count(ForecastState.RESOLVED), states.count(ForecastState.LATE)) == (30, 60)
    score = story.total("naive")
    assert (score.points.count, score.mean_absolute_error) == (30, 0.0), "the 50 % since then are nobody's error"


def test_no_open_forecast_is_thrown_out_however_many_there_are_and_no_value_harms_the_others(tmp_path):
    def many(request):
        hours = range(1, 41)
        return [Forecast("A", 30 * DAY + n * HOUR, price=np.float32(request.market.price("A"))) for n in hours]

    story = run(tmp_path, trades([100.0] * 60, every=30 * MINUTE), models={"many": Says(many)})
    assert len(story.forecasts) == 60 * 40
    assert {each.state for each in story.forecasts} == {ForecastState.OPEN}
    said = CliRunner().invoke(app, ["forecasts", "--state-dir", str(story.folder), "--json", "--limit", "5000"])
    assert len(json.loads(said.output)) == 60 * 40


# ------------------------------------------------------------------ a live run


class Ticks:
    """A healthy live feed: a price every half minute, for hours."""

    historical = False
    symbols = ("A",)

    def __init__(self, clock: Any, count: int) -> None:
        self._clock, self._count = clock, count

    async def run(self, sink: Any) -> None:
        for n in range(self._count):
            await self._clock.sleep(30)
            sink.push(Trade("A", self._clock.now(), 100.0 + n % 7, 1.0))


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """Six hours on virtual time, with a model that hangs, one that raises, and one that works."""
    left: list[str] = []

    def fail(request: Any) -> None:
        raise ValueError("no model today")

    class Hangs:
        async def forecast(self, request: Any) -> None:
            await asyncio.sleep(10 * 3_600)

    async def main(clock: Any) -> Story:
        works = Says(lambda request: Forecast("A", 10 * MINUTE, price=request.market.price("A")))
        models = {"hangs": Hangs(), "fails": Says(fail), "works": works}
        engine = LiveEngine(
            None,
            None,
            Ticks(clock, 720),
            risk=LiveRiskConfig(),
            triggers=[TriggerSpec("each", TimeTrigger(TimeTriggerConfig(every=10 * MINUTE)))],
            forecasters=[
                ForecasterSpec(name, model, frozenset({"each"}), horizon=10 * MINUTE) for name, model in models.items()
            ],
            state_dir=tmp_path_factory.mktemp("live"),
            settings=EngineSettings(silence_seconds=60),
            clock=clock,
        )
        await engine.run()
        left.extend(task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task())
        return Story(engine)

    return run_virtual(main, start=START), left


def test_a_model_that_hangs_or_raises_delays_no_trigger_and_no_other_model_and_is_told_of(live):
    story, _ = live
    assert story.fired("each") == [n * 10 * MINUTE - MINUTE for n in range(1, 37)]
    issued = [each.forecast for each in story.forecasts]
    assert {forecast.model for forecast in issued} == {"works"}
    assert [forecast.issued_at - START for forecast in issued] == story.fired("each")
    assert {body["type"] for body in story.bodies("error")} == {"TimeoutError", "ValueError"}
    assert [body["why"] for body in story.bodies("health") if body["state"] == "disabled"] == ["failed 5 times in a row"] * 2


def test_a_healthy_feed_is_never_called_stalled(live):
    story, _ = live
    assert not [body for body in story.bodies("health") if body["state"] in {"quiet", "lost", "silent", "stale"}]
    assert story.bodies("gap") == []


def test_no_task_is_left_behind(live):
    assert live[1] == []
