"""The programs of the classic runner, word for word, on recorded prices and against an exchange on loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from ml4t.live.errors import JournalError
from ml4t.live.journal import JournalReader
from ml4t.live.plugins import Catalogue
from ml4t.live.records import Kind
from ml4t.live.simulation import options_for, simulator

EXAMPLES = Path(__file__).parents[1] / "examples" / "classic-runner"
SYMBOLS = ("AAPL", "TSLA", "NVDA", "MSFT", "GOOGL")
PATIENCE = 120.0

# What the classic documentation says under "Advanced Usage" and "State Monitoring", in a program of its own: both are
# pieces of one, and say `await` outside of a function.
ADVANCED = """
import asyncio
from trading.live_market_runner import create_live_market_runner

async def program():
    config = {
        'symbols': ['AAPL', 'TSLA', 'NVDA'],
        'triggers': {
            'model_builder': {
                'trigger_type': 'time_based',
                'interval_seconds': 1800,  # 30 minutes
                'enabled': True
            },
            'execution_agent': {
                'trigger_type': 'price_move',
                'price_move_threshold': 0.003,  # 0.3%
                'enabled': True
            }
        }
    }

    runner = create_live_market_runner(config)
    await runner.start()

    while runner.running and WAITS:
        await asyncio.sleep(0.05)

    # Get current state
    state = runner.get_current_state()
    print(f"Symbols: {list(state['symbols'].keys())}")
    print(f"Forecasts: {state['forecast_count']}")

    # Get symbol data
    for symbol, data in state['symbols'].items():
        print(f"{symbol}: ${data['price']:.2f} ({data['price_change']:+.2%})")

    # Get forecast accuracy
    accuracy = runner.get_forecast_accuracy()
    print(f"Average accuracy: {accuracy['avg_accuracy']:.2%}")
    await runner.stop()

asyncio.run(program())
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with the module that the programs import from."""
    (tmp_path / "trading").mkdir()
    (tmp_path / "trading" / "live_market_runner.py").write_bytes((EXAMPLES / "trading" / "live_market_runner.py").read_bytes())
    return tmp_path


@pytest.fixture
def recorded(place: Path) -> Path:
    """Write a pipeline over two days of minutes; every price swings by two percent in four hours."""
    with (place / "prices.csv").open("w") as file:
        print("time,symbol,price,size", file=file)
        for minute in range(2 * 1440):
            swing = 1 + 0.01 * abs((minute % 240) / 120 - 1)
            for number, symbol in enumerate(SYMBOLS):
                when = 1_767_312_000 + minute * 60
                price = (100 + 50 * number) * swing * (1 + (minute * 7919 % 13) * 1e-5)
                stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
                print(f"{stamp},{symbol},{price:.4f},{1 + minute % 9}", file=file)
    return pipeline(place, {"use": "replay", "path": "prices.csv", "symbols": list(SYMBOLS)})


@pytest.fixture
def exchange(place: Path) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Write a pipeline to a simulated exchange that moves fifty times a second; give the keys to it, too."""
    catalogue = Catalogue.discover()
    with simulator("alpaca", {"symbols": list(SYMBOLS), "tick": "20ms", "volatility": 0.003}, catalogue) as venue:
        options = options_for(catalogue.find(Kind.FEED, "alpaca").component, venue)
        yield pipeline(place, {"use": "alpaca", "symbols": list(SYMBOLS), "data_type": "trades", **options}), venue.environ


def pipeline(place: Path, feed: Mapping[str, object]) -> Path:
    text = '[live]\nname = "classic"\nstate_dir = "trading/live"\n[feeds.market]\n'
    lines = [f"{key} = {_toml(value)}" for key, value in feed.items()]
    (place / "live.toml").write_text(text + "\n".join(lines) + "\n")
    return place / "live.toml"


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def started(place: Path, program: str, environ: Mapping[str, str] = os.environ) -> subprocess.Popen[str]:
    (place / "program.py").write_text(program)
    variables = {**os.environ, **environ, "ML4T_LIVE_CONFIG": "live.toml"}
    variables["PYTHONPATH"] = os.pathsep.join([str(place), *sys.path])
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "program.py"], cwd=place, env=variables, **pipes)  # type: ignore[call-overload]


def test_basic_use_on_recorded_prices(recorded: Path) -> None:
    process = started(recorded.parent, (EXAMPLES / "basic.py").read_text())
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "Traceback" not in out + err
    folder = recorded.parent / "trading" / "live" / "shadow"
    with JournalReader(folder / "journal.sqlite3") as journal:
        models = {tracked.forecast.model for tracked in journal.forecasts()}
    assert models == {"model_builder"}
    for name in ("config", "current_state", "performance_metrics", "forecast_results"):
        assert msgspec.json.decode((folder / f"{name}.json").read_bytes())
    assert (folder / "live.log").read_text()


def test_advanced_use_and_state_on_recorded_prices(recorded: Path) -> None:
    process = started(recorded.parent, ADVANCED.replace("WAITS", "True"))
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "Symbols: ['AAPL', 'NVDA', 'TSLA']" in out or "Symbols: ['AAPL', 'TSLA', 'NVDA']" in out
    assert int(re.search(r"Forecasts: (\d+)", out)[1]) > 50  # type: ignore[index]
    assert re.search(r"NVDA: \$20\d\.\d\d \([+-]\d\.\d\d%\)", out)
    assert re.search(r"Average accuracy: (\d+\.\d\d|nan)%", out)


def test_basic_use_against_an_exchange(exchange: tuple[Path, Mapping[str, str]]) -> None:
    config, keys = exchange
    folder = config.parent / "trading" / "live" / "shadow"
    process = started(config.parent, (EXAMPLES / "basic.py").read_text(), keys)
    try:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline and not _fired(folder / "journal.sqlite3"):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 0, err
    assert _fired(folder / "journal.sqlite3"), err  # a price that has moved by half a percent
    state = json.loads((folder / "current_state.json").read_text())
    assert set(state["symbols"]) == set(SYMBOLS)


def _fired(path: Path) -> bool:
    try:
        with JournalReader(path) as journal:
            return journal.counts().get("firing", 0) > 0
    except JournalError:  # it is not there yet, or just being made
        return False


def test_advanced_use_and_state_against_an_exchange(exchange: tuple[Path, Mapping[str, str]]) -> None:
    config, keys = exchange
    process = started(config.parent, ADVANCED.replace("WAITS", "False"), keys)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert set(re.findall(r"(\w+): \$\d+\.\d\d \([+-]", out)) == {"AAPL", "TSLA", "NVDA"}  # start waits for first prices


def test_the_example_runs_as_it_is(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES, tmp_path / "example")
    done = subprocess.run(
        [sys.executable, "monitoring.py"],
        cwd=folder,
        env={**os.environ, "ML4T_LIVE_CONFIG": "pipeline.toml", "PYTHONPATH": os.pathsep.join(["", *sys.path])},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Average accuracy" in done.stdout


def test_a_program_without_a_pipeline_is_told_what_to_do(place: Path) -> None:
    variables = {name: value for name, value in os.environ.items() if name != "ML4T_LIVE_CONFIG"}
    variables["PYTHONPATH"] = os.pathsep.join([str(place), *sys.path])
    program = EXAMPLES / "basic.py"
    run = [sys.executable, str(program)]
    done = subprocess.run(run, cwd=place, env=variables, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert "ML4T_LIVE_CONFIG=live.toml" in done.stderr
