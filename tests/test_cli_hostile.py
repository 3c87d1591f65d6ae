"""The command line in the worst company: every hostile plugin installed, and none of them in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.hostile_ways import BROKEN, NAMED, SOUND

NOTED = {"no-bound", "slow-import"}

UNMADE = {"bad-factory": "trigger bad-factory", "heavy-sdk": "trigger heavy-sdk"}
"""Those that load, and whose component cannot be imported."""

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
        path = os.pathsep.join(filter(None, (str(hostile_site), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": path, "XDG_STATE_HOME": str(crashes)}
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


def test_plugins_list_has_all_of_them_whatever_is_wrong(typed):
    lines = {line["name"]: line["state"] for line in json.loads(typed("plugins", "list", "--json")[1])}
    assert (set(BROKEN) | SOUND) - set(lines) == set()
    assert {name for name, state in lines.items() if state == "conflict"} == {"duplicate", "replay"}
    assert lines["too-new"].startswith("needs ml4t-live>=9, have ")


def test_plugins_list_with_load_lists_the_broken_ones_with_their_reasons(typed):
    code, stdout, _ = typed("plugins", "list", "--load", "--json")
    assert code == 0
    lines = {line["name"]: line for line in json.loads(stdout)}
    said = {name: line["problem"] for name, line in lines.items()}
    assert {name for name, told in said.items() if told} == {*BROKEN, *UNMADE}
    for name, (_, _, told, _) in BROKEN.items():
        assert [each for each in told if each not in said[name]] == [], name
        assert lines[name]["state"] != "ok"
    assert {lines[name]["state"] for name in UNMADE} == {"broken"}
    assert {lines[name]["state"] for name in (SOUND | {"shadow"}) - set(UNMADE)} == {"ok"}


def test_the_doctor_looks_at_all_of_them(typed):
    code, stdout, _ = typed("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(stdout)["checks"]}
    assert code == 1
    assert {name for name in BROKEN if checks[f"plugin {name}"]["level"] != "broken"} == set()
    assert {name for name in SOUND if checks[f"plugin {name}"]["level"] == "broken"} == set()
    for name, (_, _, told, remedy) in BROKEN.items():
        assert [each for each in told if each not in checks[f"plugin {name}"]["text"]] == []
        assert [each for each in remedy if each not in checks[f"plugin {name}"]["remedy"]] == []
    assert {checks[f"{name}: {record}"]["level"] for name, record in UNMADE.items()} == {"broken"}
    assert checks["plugin shadow"]["level"] == "ok"


ASK_EACH = """
import json, sys
from typer.testing import CliRunner
from ml4t.live.cli.app import app

answer = {}
for name in json.loads(sys.argv[1]):
    arguments = [argument.replace("NAME", name) for argument in sys.argv[2:]]
    result = CliRunner().invoke(app, arguments)
    crashed = result.exception is not None and not isinstance(result.exception, SystemExit)
    answer[name] = [None if crashed else result.exit_code, result.stdout, result.stderr]
print("\\n" + json.dumps(answer))
"""


@pytest.fixture(scope="module")
def asked(hostile_site: Path, tmp_path_factory: pytest.TempPathFactory):
    """Runs a command once for each name, in which NAME stands for it; returns code, stdout and stderr of each."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "live.toml").write_text(CONFIG)
    (folder / "idle.py").write_text("class Idle:\n    def on_data(self, *_): ...\n")

    def ask(names, *arguments):
        path = os.pathsep.join(filter(None, (str(hostile_site), os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-c", ASK_EACH, json.dumps(sorted(names)), *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": path, "XDG_STATE_HOME": str(folder), "COLUMNS": "400"}
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return ask


@pytest.mark.parametrize("command", [("config", "check", "--deep"), ("run",)])
def test_one_that_is_named_stops_it_and_is_named_with_what_is_wrong(asked, command):
    answers = asked(NAMED, *command, "live.toml", "--set", "triggers.hostile.use=NAME")
    assert len(answers) >= 20
    for name, (code, stdout, stderr) in answers.items():
        assert code == 2, (name, code, stderr)
        assert stdout == ""
        assert f'triggers.hostile.use = "{name}"' in stderr
        assert [each for each in NAMED[name] if each not in stderr] == [], stderr


def test_one_that_works_can_be_named(asked):
    answers = asked(
        SOUND - set(NAMED), "config", "check", "live.toml", "--deep", "--json", "--set", "triggers.hostile.use=NAME"
    )
    assert {name: code for name, (code, _, _) in answers.items()} == dict.fromkeys(SOUND - set(NAMED), 0)
    assert json.loads(answers["chatty"][1])["ok"]


def test_each_can_be_shown_and_says_where_it_comes_from(asked):
    answers = asked(set(BROKEN) | SOUND, "plugins", "show", "NAME", "--json")
    for name, (code, stdout, stderr) in answers.items():
        assert code == (1 if name in BROKEN else 0), (name, stderr)
        told = json.loads(stdout)
        assert told["provenance"][0]["distribution"].startswith(("hostile-", "ml4t-live"))
        assert bool(told.get("problem")) is (name in BROKEN)


def test_each_can_be_examined(asked):
    answers = asked(set(BROKEN) | SOUND, "doctor", "NAME", "--json")
    broken = {name for name, (code, _, _) in answers.items() if code == 1}
    assert broken == {*BROKEN, *UNMADE, "bystander"}  # whose own check, of a line to somewhere, fails
    for name, (_, stdout, _) in answers.items():
        assert json.loads(stdout)["checks"][0]["level"] == (
            "broken" if name in BROKEN else "ok" if name not in NOTED else "note"
        )


def test_a_lock_of_all_of_them_imports_none(typed, tmp_path):
    code, stdout, modules = typed("plugins", "lock", "--output", tmp_path / "x.lock", "--json")
    assert code == 0
    assert set(json.loads(stdout)["left_out"]) == {"duplicate", "replay"}
    assert (set(BROKEN) | SOUND) - {"duplicate", "replay"} <= set(json.loads(stdout)["plugins"])
    assert not {name for name in modules if name.startswith("hostile_")}


def test_a_schema_is_made_without_those_that_cannot_be_described(typed):
    code, stdout, _ = typed("config", "schema")
    assert code == 0
    assert "bystander" in json.dumps(json.loads(stdout))


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
