"""The conformance kit for the packaging of plugins: a right one passes whole, and everything wrong is found, by name."""

from __future__ import annotations

import asyncio
import sys

import pytest
from wrong_plugins import ENTRY, RIGHT, WRONG, made_wrong, put

from ml4t.live.plugins import refresh
from ml4t.live.testing import PluginRig, check_plugin
from ml4t.live.testing.conformance import Outcome
from ml4t.live.testing.conformance.plugin import PLUGIN_SCENARIOS


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on `sys.path`; what was imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    refresh()
    yield tmp_path
    for name in [each for each in sys.modules if each.partition(".")[0] in {"acme_cap", "acme_only"}]:
        del sys.modules[name]
    refresh()


def run(only=None, plugin="acme-cap"):
    return asyncio.run(check_plugin(lambda: PluginRig(plugin=plugin), only=only))


def test_a_right_plugin_passes_whole(site):
    put(site, RIGHT)
    report = run()
    report.raise_if_failed()
    assert set(report.passed) == {each.name for each in PLUGIN_SCENARIOS}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found(site, name):
    put(site, made_wrong(name))
    scenario = WRONG[name][3]
    result = run(scenario)[scenario]
    assert result.outcome is Outcome.FAILED, f"{scenario} does not notice {name}"
    assert result.reason


def test_files_below_the_namespace_are_found(site):
    record = "ml4t/live/acme.py,,\nacme_cap/plugin.py,,\n"
    put(site, RIGHT | {"acme_cap-1.0.dist-info/RECORD": record, "ml4t/live/acme.py": ""})
    assert "ml4t/live/acme.py" in run("it_keeps_out_of_the_namespace").results[0].reason


def test_a_single_module_cannot_be_typed(site):
    put(site, RIGHT | {ENTRY: "[ml4t.live]\nacme-cap = acme_only\n", "acme_only.py": RIGHT["acme_cap/plugin.py"]})
    assert "make it a package" in run("it_is_typed").results[0].reason


def test_every_scenario_finds_something():
    found = {scenario for *_, scenario in WRONG.values()} | {"it_keeps_out_of_the_namespace"}
    assert found == {each.name for each in PLUGIN_SCENARIOS}


def test_a_part_of_the_core_is_no_distribution():
    report = run(["it_is_typed", "every_option_is_documented"], plugin="compound")
    assert report["it_is_typed"].outcome is Outcome.NOT_DECLARED
    assert report.passed == ("every_option_is_documented",)
