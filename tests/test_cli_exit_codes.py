"""Every mistake in a configuration goes through the command line: exit code 2, and the message on stderr alone."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ml4t.live.cli.app import app
from ml4t.live.plugins import refresh
from ml4t.live.testing.discovery import without_installed

TABLE = importlib.util.spec_from_file_location("config_mistakes", Path(__file__).with_name("test_config_mistakes.py"))
mistakes = importlib.util.module_from_spec(TABLE)  # test modules do not import each other by name
TABLE.loader.exec_module(mistakes)

MODULES = {
    "acme_plugin": mistakes.PLUGIN,
    "my_strategies": mistakes.STRATEGIES,
    "broken_strategies": "import nothing_like_this\n",
    "unfinished_strategies": "def on_data(:\n",
}


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Writes a configuration, with the made-up plugin installed beside it, and checks it as one types it."""
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    info = tmp_path / "ml4t_live_acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: ml4t-live-acme\nVersion: 1.0\nRequires-Dist: ml4t-live>=1.0.0.dev0\n"
    )
    (info / "entry_points.txt").write_text("[ml4t.live]\nacme = acme_plugin\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name, value in mistakes.ENVIRON.items():
        monkeypatch.setenv(name, value)
    refresh()

    def run(text: str, *options: str):
        return CliRunner().invoke(app, ["config", "check", str(mistakes.write(tmp_path, text)), *options])

    with without_installed("ml4t-live-backtest"):  # one that is known and missing is needed
        yield run
    for name in MODULES:
        sys.modules.pop(name, None)
    refresh()


def assert_refused(result, fragments: list[str]) -> None:
    assert result.exit_code == 2, result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert mistakes.KEY not in result.stderr
    for fragment in fragments:
        assert fragment in result.stderr


def test_the_good_configuration_is_good(check):
    result = check(mistakes.GOOD, "--no-deep")  # its plugin and its strategy are not there
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("name", mistakes.MISTAKES)
def test_a_mistake_gives_exit_code_2(name, check):
    text, fragments = mistakes.MISTAKES[name]
    assert_refused(check(text), fragments)


@pytest.mark.parametrize("name", mistakes.DEEP)
def test_a_strategy_that_cannot_be_imported_gives_exit_code_2(name, check):
    reference, fragments = mistakes.DEEP[name]
    assert_refused(check(mistakes.swap("my_strategies:Momentum", reference), "--deep"), fragments)


@pytest.mark.parametrize("assignment", mistakes.ASSIGNMENTS)
def test_a_bad_assignment_gives_exit_code_2(assignment, check):
    assert_refused(check(mistakes.GOOD, "--set", assignment), mistakes.ASSIGNMENTS[assignment])


def test_a_missing_file_gives_exit_code_2(tmp_path):
    result = CliRunner().invoke(app, ["config", "check", str(tmp_path / "life.toml")])
    assert_refused(result, ["life.toml", "no such configuration file"])
