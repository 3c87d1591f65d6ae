"""What the command line tells of a run that is not as the one before."""

from __future__ import annotations

import pytest


@pytest.fixture
def twice(world, tmp_path):
    """Two runs; between them a plugin and a limit have changed."""
    state = tmp_path / "state"
    parts = world.site / "cli_acme_plugin.py"
    text = parts.read_text()
    first = world.spawn("run", world.config, "--state-dir", state)
    parts.write_text(text + "\n")
    second = world.spawn("run", world.config, "--state-dir", state, "--set", "risk.max_order_value=4000")
    parts.write_text(text)
    assert (first.code, second.code) == (0, 0)
    return first, second, state


CHANGES = [
    "the configuration is another",
    "the files of ml4t-live-acme 1.0 are others",
    "the limit max_order_value is 4000.0, and was 5000.0",
]


def test_it_is_logged_a_line_each_at_the_start(twice):
    first, second, _ = twice
    assert "not as in the run before" not in first.stderr
    assert [change for change in CHANGES if change not in second.stderr] == []
    assert second.stderr.count("not as in the run before") == len(CHANGES)


def test_status_tells_it(world, twice):
    at = ("--state-dir", twice[2])
    assert world.invoke("status", *at, "--json").json["changes"] == CHANGES
    assert [c for c in CHANGES if f"Not as in the run before: {c}\n" not in world.invoke("status", *at).stdout] == []


def test_journal_runs_lists_them(world, twice):
    at = ("--state-dir", twice[2])
    first, second = world.invoke("journal", "runs", *at, "--json").json
    assert (first["run"], second["run"]) == (1, 2)
    assert (first["changes"], second["changes"]) == ([], CHANGES)
    assert first["ended"] == second["ended"] == "the data ended"
    assert first["manifest"]["plugins"]["acme"]["distribution"] == "ml4t-live-acme"
    assert len(first["manifest"]["plugins"]["acme"]["digest"]) == 64
    assert [run["run"] for run in world.invoke("journal", "runs", *at, "--limit", "1", "--json").json] == [2]
    table = world.invoke("journal", "runs", *at).stdout
    assert "2 runs" in table
    assert "the data ended" in table


def test_no_secret_is_sealed(world, tmp_path, monkeypatch):
    monkeypatch.setenv("PRICES", str(world.folder / "prices.csv"))
    done = world.spawn("run", world.config, "--state-dir", tmp_path / "s", "--set", 'feeds.main.path={ env = "PRICES" }')
    assert done.code == 0
    lines = world.invoke("journal", "export", "--state-dir", tmp_path / "s").stdout.splitlines()
    sealed = [line for line in lines if '"limits"' in line]
    assert len(sealed) == 1
    assert "prices.csv" not in sealed[0]
