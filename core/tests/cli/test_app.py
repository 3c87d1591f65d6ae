from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from ml4t.live.cli import app as app_module
from ml4t.live.cli.exits import FAILED, REFUSED, Refused, code_of
from ml4t.live.cli.extra import plugin_command
from ml4t.live.cli.lazy import LazyCommand, LazyGroup
from ml4t.live.engine.supervisor import SupervisorFailed
from ml4t.live.errors import (
    BrokerConnectionError,
    BrokerRefused,
    ConfigError,
    FeedRefused,
    JournalError,
    PluginError,
    StateLocked,
)
from ml4t.live.plugins import Catalogue, Found

HEAVY = (
    "pandas",
    "polars",
    "numpy",
    "pyarrow",
    "ml4t.live.engine",
    "ml4t.live.composer",
    "cattrs",
    "structlog",
    "cli_acme_plugin",
)

PROBE = """
import sys
sys.argv = ["ml4t-live", *{arguments!r}]
from ml4t.live.cli.app import main
try:
    main()
except SystemExit as exit:
    assert exit.code in (0, None), exit.code
print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["plugins", "list"], ["plugins", "list", "--json"], ["--version"]])
def test_looking_around_imports_no_plugin_and_nothing_heavy(world, arguments):
    environment = {**os.environ, "PYTHONPATH": str(world.site)}
    command = [sys.executable, "-c", PROBE.format(arguments=arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "ml4t.live.cli.app" in loaded
    assert not loaded.intersection(HEAVY)


@pytest.mark.parametrize("entry", app_module.COMMANDS, ids=lambda entry: entry.name)
def test_every_command_has_help_with_an_example(world, entry):
    done = world.invoke(entry.name, "--help")
    assert done.code == 0
    if "COMMAND" not in done.stdout.splitlines()[1]:
        assert f"Example: ml4t-live {entry.name}" in done.stdout


def test_help_lists_every_command(world):
    text = world.invoke("--help").stdout
    for entry in app_module.COMMANDS:
        assert f" {entry.name} " in text
        assert entry.summary.split()[0] in text


def test_the_version_is_that_of_the_distribution(world):
    assert world.invoke("--version").stdout.startswith("1.0.0")


@pytest.mark.parametrize("arguments", [["nonsense"], ["run"], ["orders", "--limit", "none"], ["status", "--nope"], ["why"]])
def test_wrong_usage_is_refused_on_stderr(world, arguments):
    done = world.invoke(*arguments)
    assert done.code == 2
    assert done.stdout == ""
    assert done.stderr


def test_a_misspelt_command_names_the_nearest(world):
    assert "forecasts" in world.invoke("forcasts").stderr


def test_a_plugins_command_is_found_when_it_is_typed(world):
    done = world.invoke("greet", "Ada", "--loud")
    assert (done.code, done.stdout) == (0, "HELLO ADA\n")


def test_a_plugins_command_of_another_click_gets_its_arguments_untouched(world):
    done = world.invoke("wave", "--far", "left", "--help")
    assert (done.code, done.stdout) == (0, "wave --far left --help\n")


def test_a_command_that_nobody_has_names_the_broken_plugins_that_may_have_it(world):
    done = world.invoke("nonsense")
    assert "the commands of bad are not known" in done.stderr
    assert "No such command" in done.stderr


def test_a_command_that_two_plugins_offer_is_refused_with_both(world):
    twice = [Found(name=name, target="cli_acme_plugin", distribution=f"{name}-dist", version="1.0") for name in ("one", "two")]
    with pytest.raises(Refused, match=r"greet is offered by one-dist 1.0 and two-dist 1.0; uninstall one"):
        plugin_command("greet", Catalogue(entries=tuple(twice)))


class Toy(LazyGroup):
    table = (LazyCommand("crash", "toy_commands:app", "Crashes.", "Toys"),)
    on_error = app_module.Commands.on_error


@pytest.fixture
def toy(tmp_path, monkeypatch):
    (tmp_path / "toy_commands.py").write_text(
        "import typer\napp = typer.Typer()\n@app.command()\ndef crash(): raise KeyError('api_key=abc123def')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    group = typer.Typer(cls=Toy, add_completion=False)
    group.callback()(lambda: None)
    yield group
    sys.modules.pop("toy_commands", None)


def test_an_unforeseen_error_is_one_sentence_and_its_traceback_is_in_a_private_file(toy, tmp_path):
    from typer.testing import CliRunner

    result = CliRunner().invoke(toy, ["crash"])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    path = Path(result.stderr.split("at the end of ")[1].strip())
    assert "Traceback (most recent call last)" in path.read_text()
    assert "toy_commands.py" in path.read_text()
    assert "abc123def" not in path.read_text() + result.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_where_no_file_can_be_written_the_traceback_is_printed(toy, tmp_path):
    from typer.testing import CliRunner

    (tmp_path / "home").write_text("a file where a folder should be")
    result = CliRunner().invoke(toy, ["crash"])
    assert result.exit_code == 1
    assert "Traceback (most recent call last)" in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError(["x"]), REFUSED),
        (PluginError("x"), REFUSED),
        (StateLocked("x"), REFUSED),
        (Refused("x"), REFUSED),
        (BrokerRefused("x", code="wrong_account_kind"), REFUSED),
        (SupervisorFailed("broker", BrokerRefused("x", code="wrong_account_kind")), REFUSED),
        (BrokerRefused("x", code="unauthorized"), REFUSED),
        (BrokerRefused("x", code="401"), FAILED),
        (SupervisorFailed("feed main", FeedRefused("x", code="not_subscribed")), REFUSED),
        (SupervisorFailed("feed main", FeedRefused("x", code="unknown_symbol")), REFUSED),
        (FeedRefused("x"), FAILED),
        (BrokerConnectionError("x"), FAILED),
        (SupervisorFailed("broker", ValueError("x")), FAILED),
        (JournalError("x"), FAILED),
    ],
)
def test_which_error_means_which_exit_code(error, code):
    assert code_of(error) == code
