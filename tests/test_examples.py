"""The files in examples/."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml4t.live import ConfigError, Forecast, compose
from ml4t.live.config import load
from ml4t.live.demo import CONFIG
from ml4t.live.journal import JournalReader
from ml4t.live.plugins import KNOWN, Catalogue

ROOT = Path(__file__).parents[1]
AGENTS = ROOT / "examples" / "agents"
DAY = 86_400 * 10**9


def test_the_demo_of_the_examples_is_the_demo() -> None:
    ours = (ROOT / "examples" / "demo.toml").read_text().splitlines()
    shipped = CONFIG.read_text().splitlines()

    different = [(a, b) for a, b in zip(ours, shipped, strict=True) if a != b]

    assert different == [('path = "../core/src/ml4t/live/demo/stocks.csv.gz"', 'path = "stocks.csv.gz"')]


@pytest.mark.parametrize("example", sorted((ROOT / "examples").rglob("*.toml")), ids=lambda path: path.stem)
def test_every_example_loads_or_says_what_to_install(example: Path) -> None:
    catalogue = Catalogue.discover()
    variables = re.findall(r'env = "(\w+)"', example.read_text())
    brings_agents = example.parent.name == "classic-runner"  # its programs do
    try:
        settings = load(example, catalogue=catalogue, environ=dict.fromkeys(variables, "x"), deep=True, idle=brings_agents)
    except ConfigError as error:
        installed = {entry.name for entry in catalogue.plugins()}
        absent = [known.distribution for name, known in KNOWN.items() if name not in installed]
        for problem in error.problems:
            assert any(f"pip install {each}" in problem for each in absent), problem
    else:
        assert settings.feeds


RUN = "import sys; from ml4t.live.cli.app import app; sys.argv[0] = 'ml4t-live'; app()"
BUYER = """
class Buyer:
    def on_data(self, timestamp, data, context, broker):
        if broker.get_positions():
            print("HELD", flush=True)
        elif not broker.pending_orders:
            broker.submit_order(next(iter(data)), 0.5)
"""
SOONER = ["live.strategy=buyer:Buyer", "live.strategy_options={}", "triggers.quarter_hourly.every=1s"]
"""What makes an example act within seconds instead of minutes."""


def named(table: Any) -> Iterator[str]:
    """Yield the plugins that a configuration names."""
    for key, value in table.items() if isinstance(table, dict) else ():
        if key == "use":
            yield value.partition(".")[0]
        yield from named(value)


def installed(pattern: str) -> list[Path]:
    """Return the examples whose plugins are all installed here."""
    here = {entry.name for entry in Catalogue.discover().plugins()}
    found = sorted((ROOT / "examples").glob(pattern))
    return [each for each in found if set(named(tomllib.loads(each.read_text()))) <= here]


@pytest.mark.parametrize("example", installed("*-public.toml"), ids=lambda path: path.stem)
def test_public_data_need_neither_an_account_nor_the_internet(example: Path, tmp_path: Path) -> None:
    (tmp_path / "buyer.py").write_text(BUYER)
    (feed,) = tomllib.loads(example.read_text())["feeds"]
    assignments = [word for each in [*SOONER, f"feeds.{feed}.bars=1s"] for word in ("--set", each)]
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "run", str(example), "--simulate", *assignments, "--state-dir", "state", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    timer = threading.Timer(90, process.kill)
    timer.start()
    try:
        assert process.stderr is not None
        held = 0
        for line in process.stderr:
            held += "HELD" in line
            if held == 3:
                process.send_signal(signal.SIGINT)
                break
        out, _ = process.communicate()
    finally:
        timer.cancel()
        process.kill()
        process.wait()
    assert held == 3
    assert process.returncode == 0
    done = json.loads(out)
    assert done["run"]["mode"] == "shadow-simulated"
    assert done["orders"] == {"filled": 1}


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[JournalReader]:
    """What an example of an agent writes down, over as much of its data as is needed."""
    name, *assignments = request.param
    monkeypatch.setattr(sys, "path", list(sys.path))
    engine = compose(AGENTS / f"{name}.toml", assignments=assignments, state_dir=tmp_path)
    asyncio.run(engine.run())
    with JournalReader(engine.state_folder.journal) as reader:
        assert list(reader.records("error")) == []
        yield reader


def issued(reader: JournalReader) -> Counter[str]:
    return Counter(tracked.forecast.model for tracked in reader.forecasts())


@pytest.mark.parametrize("told", [("plain", "feeds.stocks.end=2000-09-30")], indirect=True)
def test_plain_classes_forecast(told: JournalReader) -> None:
    counts = issued(told)
    assert counts["walk"] == counts["naive"] > 80
    assert 10 < counts["reversion"] < counts["naive"]
    assert all(tracked.resolution for tracked in told.forecasts(model="walk")[:20])


PATIENT = "forecasters.logistic.budget_seconds=600"


@pytest.mark.parametrize("told", [("logistic", "feeds.stocks.end=2001-12-31", PATIENT)], indirect=True)
def test_a_model_of_scikit_learn_learns_in_a_process_of_its_own(told: JournalReader) -> None:
    forecasts = [tracked.forecast for tracked in told.forecasts(model="logistic")]
    assert len(forecasts) > 20
    assert len({forecast.version for forecast in forecasts}) > 3, "it is fitted anew each month"
    assert all(0.52 <= (forecast.confidence or 0) < 1 for forecast in forecasts)


@pytest.mark.parametrize("told", [("ensemble", "feeds.stocks.end=2002-12-31")], indirect=True)
def test_an_ensemble_follows_the_weights_of_the_critic(told: JournalReader) -> None:
    [*_, last] = told.records("declined", "exaggerator")
    assert last.body["why"].startswith("weight 0, by critic: evidence of ")
    assert told.state("weight")["exaggerator"]["weight"] == 0.0
    by_moment: dict[tuple[str, int], list[Forecast]] = {}
    for tracked in told.forecasts():
        forecast = tracked.forecast
        by_moment.setdefault((forecast.symbol, forecast.issued_at // DAY), []).append(forecast)
    whole = [said for said in by_moment.values() if len(said) == 5]
    assert len(whole) > 10
    after = [{f.model: f for f in said} for said in by_moment.values() if said[0].issued_at > last.time - 90 * DAY]
    followed = [said for said in after if {"drift", "naive", "ensemble"} <= said.keys() and "exaggerator" not in said]
    assert followed
    for said in followed:
        low, high = sorted((said["drift"].price or 0.0, said["naive"].price or 0.0))
        assert low - 1e-9 <= (said["ensemble"].price or 0.0) <= high + 1e-9
