"""The demo as a newcomer types it, and the questions that they ask next."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = str(Path(sys.executable).with_name("ml4t-live"))


def typed(*arguments: object) -> subprocess.CompletedProcess[str]:
    # Named, because readline leaves a width of its own in the environment of whoever is started from a terminal.
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run([SCRIPT, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(state):
    """The demo, run once."""
    return typed("demo", "--state-dir", state)


def test_the_demo_ends_with_everything_that_a_trader_asks(demo, state):
    assert demo.returncode == 0, demo.stderr
    for text in ("Equity", "max drawdown", "What was traded", "What the checks refused", "max_order_value", "sector-cap"):
        assert text in demo.stdout
    for text in ("weekly", "moves", "drift", "naive MAE", f"State directory: {state}", "ml4t-live why m"):
        assert text in demo.stdout
    assert "Errors" not in demo.stdout
    assert demo.stdout.splitlines()[-1] == f"Report:          {state / 'shadow' / 'report.html'}"
    assert "Traceback" not in demo.stderr


def test_the_readme_shows_what_the_demo_says(demo):
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    worth = [line.rstrip() for line in demo.stdout.splitlines() if line.startswith(("demo ·", "Equity", "What was traded"))]
    assert len(worth) == 3
    assert [line for line in worth if line not in readme] == []


def test_the_question_that_it_suggests_has_an_answer(demo):
    suggested = next(line for line in demo.stdout.splitlines() if "ml4t-live why" in line)
    told = typed(*suggested.partition("ml4t-live ")[2].split())
    assert told.returncode == 0
    assert "every risk check let it pass" in told.stdout


def test_the_demo_again_in_the_same_place_changes_nothing(demo, state):
    again = json.loads(typed("demo", "--state-dir", state, "--json").stdout)
    assert again["run"]["runs"] == 2
    filled = again["orders"]["filled"]
    assert f"({filled} filled" in demo.stdout
    assert again["forecasts"][0]["issued"] > 1_000
    assert [check["ok"] for check in [json.loads(typed("journal", "verify", "--state-dir", state, "--json").stdout)]] == [True]
