"""Tests of `ml4t.live.engine.manifest`: what is sealed, and what is told when a run is not as the one before."""

from __future__ import annotations

import asyncio
import copy
import json
import platform

import pytest

from ml4t.live import LiveEngine, LiveRiskConfig
from ml4t.live.engine.manifest import changes, manifest_of
from ml4t.live.journal import RecordKind
from ml4t.live.plugins import running_version
from ml4t.live.report import ReportReader


class Quiet:
    symbols = ("A",)
    historical = True

    async def run(self, sink):
        """Tell nothing."""


class Idle:
    def on_data(self, *_):
        """Do nothing."""


@pytest.fixture
def run(tmp_path):
    """Runs an engine in the folder; returns what it sealed."""

    def once(**options):
        engine = LiveEngine(Idle(), None, Quiet(), state_dir=tmp_path, **options)
        asyncio.run(engine.run())
        with ReportReader(tmp_path / "shadow" / "journal.sqlite3", mode="shadow") as journal:
            return journal.manifest()

    return once


@pytest.fixture
def manifest():
    """A manifest as a configuration makes it."""
    made = manifest_of(LiveEngine(Idle(), None, Quiet()).parts, recorded=True)
    used = {"distribution": "acme-venue", "version": "1.0", "digest": "aa"}
    return {**made, "config": "c0ffee", "plugins": {"venue": used}, "risk_checks": [{"use": "acme", "name": "cap"}]}


def test_every_run_seals_what_it_ran_on_also_one_of_a_program(run):
    sealed = run()
    assert sealed["ml4t_live"] == running_version()
    assert sealed["python"] == f"{platform.python_implementation()} {platform.python_version()}"
    assert (sealed["host"], sealed["platform"]) == (platform.node(), platform.platform())
    assert sealed["strategy"] == f"{__name__}:Idle"
    assert len(sealed["code"]) == 32
    assert sealed["limits"]["max_order_value"] == LiveRiskConfig().max_order_value
    assert sealed["changes"] == []


def test_the_same_again_is_told_nothing(run):
    run()
    assert run()["changes"] == []


def test_a_restart_journals_what_is_not_as_before(run):
    run(risk=LiveRiskConfig(max_order_value=5_000.0))
    sealed = run(risk=LiveRiskConfig(max_order_value=9_000.0))
    assert sealed["changes"] == ["the limit max_order_value is 9000.0, and was 5000.0"]
    assert run(risk=LiveRiskConfig(max_order_value=9_000.0))["changes"] == []


def other(manifest, *route, value):
    changed = table = copy.deepcopy(manifest)
    for part in route[:-1]:
        table = table[part]
    table[route[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("route", "value", "told"),
    [
        (("ml4t_live",), "0.9", "ml4t-live is {ml4t_live}, and was 0.9"),
        (("python",), "CPython 3.9.1", "Python is {python}, and was CPython 3.9.1"),
        (("platform",), "Amiga", "the platform is {platform}, and was Amiga"),
        (("host",), "elsewhere", "the host is {host}, and was elsewhere"),
        (("strategy",), "", "the strategy is {strategy}, and was none"),
        (("code",), "0", "the file of the strategy's class is another"),
        (("config",), "dead", "the configuration is another"),
        (("plugins", "venue", "version"), "0.9", "acme-venue is 1.0, and was 0.9"),
        (("plugins", "venue", "digest"), "bb", "the files of acme-venue 1.0 are others"),
        (("plugins", "venue", "distribution"), "evil", "the plugin venue is that of acme-venue, and was that of evil"),
        (("plugins",), {}, "the plugin venue of acme-venue 1.0 is new"),
        (("risk_checks",), [], "the list of risk checks is cap, and was none"),
        (("limits", "max_order_value"), 5.0, "the limit max_order_value is {limits[max_order_value]}, and was 5.0"),
        (("limits", "max_order_value"), None, "the limit max_order_value is {limits[max_order_value]}, and was off"),
        (("limits", "blocked_assets"), ["A", "B"], "the limit blocked_assets is none, and was A, B"),
    ],
)
def test_each_difference_is_a_sentence(manifest, route, value, told):
    before = json.loads(json.dumps(other(manifest, *route, value=value), default=list))
    assert changes(before, manifest) == [told.format(**manifest)]


def test_a_plugin_that_is_gone_is_told(manifest):
    before = json.loads(json.dumps(manifest, default=list))
    assert changes(before, {**manifest, "plugins": {}}) == ["the plugin venue is used no more"]


def test_plugins_of_one_distribution_are_told_of_once(manifest):
    used = manifest["plugins"]["venue"]
    before = {"plugins": {name: {**used, "version": "0.9"} for name in ("venue", "vault")}}
    assert changes(before, {**manifest, "plugins": {"venue": used, "vault": used}}) == ["acme-venue is 1.0, and was 0.9"]


def test_what_the_run_before_did_not_say_is_passed_over(manifest):
    assert changes({}, manifest) == []
    assert changes({"limits": {}, "name": "x"}, manifest) == []


def test_the_observers_hear_of_it_as_well(run):
    heard = []

    class Ear:
        async def on_event(self, event):
            if event.kind == RecordKind.RUN and "changes" in event.body:
                heard.append(event.body["changes"])

    run(observers=[("ear", Ear())])
    run(observers=[("ear", Ear())], risk=LiveRiskConfig(max_positions=3))
    assert heard == [[], [f"the limit max_positions is 3, and was {LiveRiskConfig().max_positions}"]]
