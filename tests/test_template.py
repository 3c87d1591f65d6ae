"""What `ml4t-live new` writes, as its author finds it: clean, typed, installed with pip, and passing its own tests.

`tox -e template-3.11,template-3.13` does it with the network, as an author does: what each asks for is installed, too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen
from typer.testing import CliRunner

from ml4t.live.cli.app import app
from ml4t.live.plugins import refresh
from ml4t.live.testing.conformance.broker import BROKER_SCENARIOS
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS, POLLED_SCENARIOS
from ml4t.live.testing.conformance.forecaster import FORECASTER_SCENARIOS
from ml4t.live.testing.conformance.observer import OBSERVER_SCENARIOS
from ml4t.live.testing.conformance.plugin import PLUGIN_SCENARIOS
from ml4t.live.testing.conformance.risk_check import RISK_CHECK_SCENARIOS
from ml4t.live.testing.conformance.trigger import TRIGGER_SCENARIOS

SOURCES = Path(sys.modules["ml4t.live"].__path__[0]).parents[1]
SCENARIOS = {
    "feed": (*FEED_SCENARIOS, *POLLED_SCENARIOS),
    "broker": BROKER_SCENARIOS,
    "risk-check": RISK_CHECK_SCENARIOS,
    "trigger": TRIGGER_SCENARIOS,
    "forecaster": FORECASTER_SCENARIOS,
    "observer": OBSERVER_SCENARIOS,
}
NAMES = ("a", "polling", "none", "risk-9-lives-of-very-long-name")
"""As short and as long as a name may be, and some that are words of Python or of the core: of each one of every kind."""
STRATEGY = 'strategy = "ml4t.live.demo.strategy:MovingAverageCross"'
FEED = '[feeds.main]\nuse = "replay"\nsymbols = ["AAA"]\npath = "prices.csv"\n'
KEYS = {"PRICES_API_KEY": "k", "EXCHANGE_API_KEY": "k"}


def name_of(kind: str) -> str:
    """Return a name that is an identifier, too: mypy looks at all of them in one run."""
    return "my" + kind.replace("-", "")


@frozen
class Plugins:
    """One of each kind, written into a folder, installed into another, and their checks under way."""

    folder: Path
    site: Path
    tests: dict[str, subprocess.Popen[str]]
    types: subprocess.Popen[str]


def path_of(*folders: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")])}


def started(*command: str, folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start a module of Python."""
    line = [sys.executable, "-m", *command]
    pipe = subprocess.PIPE
    return subprocess.Popen(line, cwd=folder, env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def plugins(tmp_path_factory, installed_together) -> Iterator[Plugins]:
    """Everything is started at once: the tests of what is connected to something wait most of the time."""
    folder = tmp_path_factory.mktemp("plugins")
    for kind in SCENARIOS:
        done = CliRunner().invoke(app, ["new", kind, name_of(kind), "--into", str(folder)])
        assert done.exit_code == 0, done.stderr
    folders = sorted(folder.iterdir())
    site = installed_together(folders, tmp_path_factory.mktemp("installed"))
    verbose = ("pytest", "-p", "no:cacheprovider", "-v")
    tests = {kind: started(*verbose, folder=folder / name_of(kind), environment=path_of(site)) for kind in SCENARIOS}
    bases = os.pathsep.join(map(str, (*(each / "src" for each in folders), folder, SOURCES)))
    strict = ("mypy", "--strict", "--explicit-package-bases", "--cache-dir", str(tmp_path_factory.mktemp("mypy")), ".")
    types = started(*strict, folder=folder, environment={**os.environ, "MYPYPATH": bases})
    yield Plugins(folder, site, tests, types)
    for each in (*tests.values(), types):
        each.kill()
        each.communicate()


@pytest.fixture
def here(plugins, monkeypatch) -> Iterator[CliRunner]:
    """The command line in this process, with all of them installed."""
    monkeypatch.syspath_prepend(str(plugins.site))
    refresh()
    yield CliRunner(env={"COLUMNS": "200"})
    for loaded in [name for name in sys.modules if name.startswith("ml4t_live_my")]:
        del sys.modules[loaded]
    monkeypatch.undo()
    refresh()


def test_whatever_its_name_it_is_clean(plugins, tmp_path):
    for name in NAMES:
        for kind in SCENARIOS:
            assert CliRunner().invoke(app, ["new", kind, name, "--into", str(tmp_path / kind)]).exit_code == 0
    for command in (["check"], ["format", "--check"]):
        line = [sys.executable, "-m", "ruff", *command, "--no-cache", str(tmp_path), str(plugins.folder)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_they_are_listed_and_the_doctor_finds_nothing_wrong_with_them(here):
    listed = {each["name"]: each for each in json.loads(here.invoke(app, ["plugins", "list", "--json"]).stdout)}

    for kind in SCENARIOS:
        assert listed[name_of(kind)]["distribution"] == f"ml4t-live-{name_of(kind)}"
        assert here.invoke(app, ["doctor", name_of(kind)]).exit_code == 0


def test_the_command_line_tries_it_with_its_rig(here):
    done = here.invoke(app, ["doctor", "myriskcheck", "--conformance", "--json"])
    plugin, check = json.loads(done.stdout)["parts"]

    assert done.exit_code == 0, done.stderr
    assert (plugin["subject"], check["subject"]) == ("plugin myriskcheck", "risk check myriskcheck")
    assert {each["outcome"] for part in (plugin, check) for each in part["scenarios"]} <= {"passed", "not declared"}


@pytest.mark.parametrize("kind", SCENARIOS)
def test_the_example_in_its_readme_is_a_configuration(plugins, here, tmp_path, monkeypatch, kind):
    readme = (plugins.folder / name_of(kind) / "README.md").read_text()
    (example,) = re.findall(r"^```toml\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    (tmp_path / "prices.csv").write_text("timestamp,symbol,price,size\n2026-01-05T10:00:00Z,AAA,1.0,1\n")
    (tmp_path / "my.toml").write_text(f'[live]\nname = "tried"\n{STRATEGY}\n{"" if kind == "feed" else FEED}{example}')
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)

    done = here.invoke(app, ["config", "check", str(tmp_path / "my.toml")])

    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize("kind", SCENARIOS)
def test_its_tests_pass_and_are_those_of_the_kit_and_more(plugins, kind):
    output, _ = plugins.tests[kind].communicate(timeout=300)
    outcomes = dict(re.findall(r"^tests/\w+\.py::(?:\w+::)?test_(\w+).* (PASSED|FAILED|SKIPPED|ERROR)", output, re.MULTILINE))
    kit = {each.name for each in (*SCENARIOS[kind], *PLUGIN_SCENARIOS)}
    own = set(outcomes) - kit

    assert plugins.tests[kind].returncode == 0, output
    assert kit <= set(outcomes)
    assert {outcomes[name] for name in own} == {"PASSED"}
    assert len(own) >= 2
    assert sum(outcomes[name] == "PASSED" for name in kit) > len(kit) * 2 / 3


def test_they_are_typed(plugins):
    output, _ = plugins.types.communicate(timeout=300)

    assert plugins.types.returncode == 0, output
    count = re.fullmatch(r"Success: no issues found in (\d+) source files\n", output)
    assert count is not None
    assert int(count[1]) == len(list(plugins.folder.glob("*/src/*/*.py")) + list(plugins.folder.glob("*/tests/*.py")))
