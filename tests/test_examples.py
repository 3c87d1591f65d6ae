"""The files in examples/."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml4t.live import ConfigError
from ml4t.live.config import load
from ml4t.live.demo import CONFIG
from ml4t.live.plugins import KNOWN, Catalogue

ROOT = Path(__file__).parents[1]


def test_the_demo_of_the_examples_is_the_demo() -> None:
    ours = (ROOT / "examples" / "demo.toml").read_text().splitlines()
    shipped = CONFIG.read_text().splitlines()

    different = [(a, b) for a, b in zip(ours, shipped, strict=True) if a != b]

    assert different == [('path = "../core/src/ml4t/live/demo/stocks.csv.gz"', 'path = "stocks.csv.gz"')]


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_loads_or_says_what_to_install(example: Path) -> None:
    catalogue = Catalogue.discover()
    variables = re.findall(r'env = "(\w+)"', example.read_text())
    try:
        settings = load(example, catalogue=catalogue, environ=dict.fromkeys(variables, "x"), deep=True)
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
