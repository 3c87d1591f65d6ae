"""`report` as it is typed; the page itself is the plugin's, and is tested there."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest


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
