"""`report` as it is typed; the page itself is the plugin's, and is tested there."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from ml4t.live.plugins import refresh


@pytest.fixture
def without_plugin(monkeypatch):
    """As where ml4t-live-report is not installed."""
    for name in ("ml4t_live_report", "ml4t_live_report.page"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def pages(monkeypatch):
    """A maker of very plain pages in the plugin's place."""
    package, page = ModuleType("ml4t_live_report"), ModuleType("ml4t_live_report.page")
    page.report_page = lambda session: f"a page of {session.summary.run.name}"
    monkeypatch.setitem(sys.modules, "ml4t_live_report", package)
    monkeypatch.setitem(sys.modules, "ml4t_live_report.page", page)


def test_it_prints_the_tables_and_says_what_makes_a_page(world, finished, without_plugin):
    assert finished.code == 0
    done = world.invoke("report", "--state-dir", world.state)
    assert done.code == 0, done.stderr
    for text in ("zigzag", "Equity", "What was traded", "What the checks refused", "tens", "Health"):
        assert text in done.stdout
    assert "pip install ml4t-live-report" in done.stderr
    assert not list(world.state.rglob("*.html"))


def test_a_page_that_was_asked_for_and_cannot_be_made_is_refused(world, finished, without_plugin, tmp_path):
    done = world.invoke("report", "--state-dir", world.state, "--output", tmp_path / "r.html")
    assert done.code == 2
    assert "pip install ml4t-live-report" in done.stderr


def test_the_page_lies_beside_the_journal_for_its_owner_only(world, finished, pages):
    done = world.invoke("report", "--state-dir", world.state)
    path = world.state / "shadow" / "report.html"
    assert f"Report:          {path}" in done.stdout
    assert path.read_text() == "a page of zigzag"
    assert path.stat().st_mode & 0o077 == 0


def test_or_where_it_is_wanted(world, finished, pages, tmp_path):
    path = tmp_path / "friday.html"
    done = world.invoke("report", "--state-dir", world.state, "--output", path, "--json")
    assert done.json["page"] == str(path)
    assert path.read_text() == "a page of zigzag"
    nowhere = world.invoke("report", "--state-dir", world.state, "--output", tmp_path / "gone" / "r.html")
    assert (nowhere.code, "--output" in nowhere.stderr) == (2, True)


def test_as_json_it_is_the_summary_and_what_is_drawn(world, finished, without_plugin):
    told = world.invoke("report", "--state-dir", world.state, "--json").json
    summary = world.invoke("run", world.config, "--json").json
    assert told["traded"] == summary["traded"]
    assert told["refusals"] == summary["refusals"]
    assert (told["page"], told["running"]) == (None, False)
    assert {each["kind"] for each in told["timeline"]} == {"running"}
    assert told["outcomes"][0]["model"] == "up"


def test_everything_is_more_than_what_is_asked_for_first(world, finished, without_plugin):
    short = world.invoke("report", "--state-dir", world.state).stdout
    everything = world.invoke("report", "--state-dir", world.state, "--all").stdout
    for title in ("The latest firings", "Forecasts by symbol", "Predicted moves"):
        assert title not in short
        assert title in everything


def test_there_is_nothing_to_report_of_a_run_that_never_was(world, tmp_path):
    done = world.invoke("report", "--state-dir", tmp_path)
    assert done.code == 2
    assert "no run has left a journal" in done.stderr


KNOCK = """
from attrs import frozen

from ml4t.live.config import Secret
from ml4t.live.hookspecs import hookimpl
from ml4t.live.model import Firing
from ml4t.live.records import TriggerRecord


@frozen(kw_only=True)
class KnockConfig:
    '''What opens the door.'''

    key: Secret
    '''The key.'''


class Knock:
    def __init__(self, config):
        self.config, self.count = config, 0

    def on_event(self, event, market):
        self.count += 1
        if self.count == 7:
            raise RuntimeError(f"{self.config} {self.config.key} does not fit")
        return Firing(f"with {self.config}, {self.config.key!r}", event.symbol)


@hookimpl
def ml4t_live_triggers():
    return [TriggerRecord(name="knock", config=KnockConfig, factory="cli_knock:Knock", summary="Knocks.")]
"""


def test_a_secret_is_neither_in_the_journal_nor_in_the_report(world, without_plugin, monkeypatch, tmp_path):
    secret = "s3cr3t-of-the-door"
    (world.site / "cli_knock.py").write_text(KNOCK)
    world.install("ml4t-live-knock", "knock = cli_knock")
    refresh()
    monkeypatch.setenv("DOOR_KEY", secret)
    overlay = tmp_path / "door.toml"
    overlay.write_text('[triggers.door]\nuse = "knock"\nkey = { env = "DOOR_KEY" }\n')
    state = tmp_path / "state"
    assert world.invoke("run", world.config, "--overlay", overlay, "--state-dir", state).code == 0
    shown = [world.invoke("report", "--state-dir", state, *how).stdout for how in (("--all",), ("--json",))]
    assert all("with KnockConfig(key=Secret('***'))" in each for each in shown)
    assert "does not fit" in shown[0]
    for each in (*shown, *(path.read_bytes().decode(errors="replace") for path in state.rglob("*") if path.is_file())):
        assert secret not in each
