"""The command line in the worst company: every hostile plugin installed, and none of them in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """
[live]
strategy = "idle:Idle"

[feeds.main]
use = "random-walk"
symbols = ["A"]
count = 10
"""

HEAVY = {"pandas", "polars", "numpy", "pyarrow", "ib_async", "alpaca", "databento", "ccxt", "okx"}

PROBE = """
import sys
sys.argv = ["ml4t-live", *{arguments!r}]
from ml4t.live.cli.app import main
try:
    main()
except SystemExit as exit:
    code = exit.code or 0
print(code, *sorted(sys.modules), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def typed(hostile_site: Path, tmp_path_factory: pytest.TempPathFactory):
    """Types a command in a new process; returns its exit code, its stdout, and the modules it loaded."""
    crashes = tmp_path_factory.mktemp("crashes")

    def run(*arguments: object):
        environment = {**os.environ, "PYTHONPATH": str(hostile_site), "XDG_STATE_HOME": str(crashes)}
        command = [sys.executable, "-c", PROBE.format(arguments=[str(argument) for argument in arguments])]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        code, *modules = done.stderr.splitlines()[-1].split()
        return int(code), done.stdout, set(modules)

    return run


def test_plugins_list_imports_none_of_them(typed):
    code, stdout, modules = typed("plugins", "list", "--json")
    assert code == 0
    names = {line["name"] for line in json.loads(stdout)}
    assert {"import-error", "system-exit", "syntax-error", "replay"} <= names
    assert not {name for name in modules if name.startswith("hostile_")}
    assert not modules & HEAVY


def test_plugins_list_with_load_lists_the_broken_ones_with_their_reasons(typed):
    code, stdout, modules = typed("plugins", "list", "--load", "--json")
    assert code == 0
    lines = {line["name"]: line for line in json.loads(stdout)}
    for name in ("import-error", "system-exit", "syntax-error", "missing-dependency", "misspelt-hook"):
        assert lines[name]["state"] == "broken"
        assert lines[name]["problem"]
    assert lines["shadow"]["state"] == "ok"
    assert lines["replay"]["state"] == "conflict"  # one of them takes its name
    assert not modules & HEAVY  # hostile-heavy-sdk would import one in its broker, and nobody named that


def test_the_doctor_looks_at_all_of_them(typed):
    code, stdout, _ = typed("doctor", "--json")
    checks = {check["name"]: check["level"] for check in json.loads(stdout)["checks"]}
    assert code == 1
    assert checks["plugin system-exit"] == "broken"
    assert checks["plugin shadow"] == "ok"


def test_a_configuration_that_names_none_of_them_is_checked_and_run(typed, tmp_path):
    config = tmp_path / "live.toml"
    config.write_text(CONFIG)
    (tmp_path / "idle.py").write_text("class Idle:\n    def on_data(self, *_): ...\n")
    code, _, modules = typed("config", "check", config, "--deep")
    assert code == 0
    assert not {name for name in modules if name.startswith("hostile_")}
    code, stdout, modules = typed("run", config, "--json")
    assert code == 0
    assert json.loads(stdout)["run"]["ended"] == "the data ended"
    assert not {name for name in modules if name.startswith("hostile_")}


def test_a_command_that_is_none_is_refused_with_the_plugin_that_has_it(typed):
    assert typed("wave")[0] == 2


def test_an_unknown_command_is_still_an_unknown_command(typed):
    code, stdout, _ = typed("nonsense")
    assert (code, stdout) == (2, "")
