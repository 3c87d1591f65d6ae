"""Every distribution of this repository, its packaging and its rigs, put through the conformance kit as an operator does it."""

from __future__ import annotations

import asyncio
import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ml4t.live.cli.app import app
from ml4t.live.testing import PluginRig, check_plugin

ROOT = Path(__file__).parents[1]


def names_in(room: str) -> list[str]:
    projects = sorted(ROOT.glob(f"{room}/*/pyproject.toml"))
    return [name for path in projects for name in tomllib.loads(path.read_text())["project"]["entry-points"]["ml4t.live"]]


FEED, BROKER = "times_are_those_of_the_source_in_order", "a_market_order_fills"
VENUES: dict[str, dict[str, str]] = {
    "ib": {"broker ib": BROKER, "feed ib": FEED},
    "alpaca": {"broker alpaca": BROKER, "feed alpaca": FEED},
    "databento": {"feed databento": FEED},
    "okx": {"broker okx": BROKER, "feed okx": FEED},
    "crypto": {"broker crypto": BROKER, "feed crypto": FEED},
    "alphavantage": {"feed alphavantage": FEED},
    "yfinance": {"feed yfinance": FEED},
}
"""What talks to a venue, and a scenario each: the tests of a plugin run all of them, and minutes go by."""
LOCAL = "random-walk"
"""A feed that connects to nothing."""
WRITER = "template"
"""What has a command and no part."""


def doctor(plugin: str, *only: str) -> dict[str, dict[str, str]]:
    """Run `doctor PLUGIN --conformance`, which has to find nothing wrong; return what became of each scenario, by part."""
    words = [word for name in only for word in ("--only", name)]
    done = CliRunner().invoke(app, ["doctor", plugin, "--conformance", "--json", *words])
    assert done.exit_code == 0, done.output
    parts = json.loads(done.stdout)["parts"]
    assert [part["untried"] for part in parts if part["untried"] and "connects to nothing" not in part["untried"]] == []
    return {part["subject"]: {each["name"]: each["outcome"] for each in part["scenarios"]} for part in parts}


@pytest.mark.parametrize("plugin", [WRITER, *(name for name in names_in("plugins") if name not in VENUES)])
def test_a_plugin_is_conformant(plugin):
    assert "passed" in doctor(plugin)[f"plugin {plugin}"].values()


@pytest.mark.parametrize("plugin", [name for name in names_in("contrib") if name not in {*VENUES, WRITER}])
def test_a_plugin_in_the_shape_of_a_third_party_is_conformant(plugin):
    tried = doctor(plugin)
    packaging = tried.pop(f"plugin {plugin}")
    assert packaging["its_rigs_can_be_made"] == ("not declared" if plugin == LOCAL else "passed")
    [(_, scenarios)] = tried.items()
    assert ("passed" in scenarios.values()) is (plugin != LOCAL)


@pytest.mark.parametrize("plugin", VENUES)
def test_a_plugin_of_a_venue_is_packaged_as_it_should_be_and_brings_its_simulator(plugin):
    asyncio.run(check_plugin(lambda: PluginRig(plugin=plugin))).raise_if_failed()
    wanted = VENUES[plugin]
    assert doctor(plugin, *wanted.values()) == {subject: {scenario: "passed"} for subject, scenario in wanted.items()}


@pytest.mark.parametrize("plugin", ["compound", "python", "replay", "risk", "shadow"])
def test_the_plugins_of_the_core_are_packaged_as_they_should_be(plugin):
    asyncio.run(check_plugin(lambda: PluginRig(plugin=plugin))).raise_if_failed()
