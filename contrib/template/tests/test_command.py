"""`ml4t-live new` as it is typed."""

from __future__ import annotations

import os

import pytest
from typer.testing import CliRunner

from ml4t.live.cli.app import app


@pytest.fixture
def new(tmp_path, monkeypatch):
    """Types the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def typed(*arguments):
        done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["new", *arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done

    return typed


def test_it_says_what_there_is_and_what_to_type_next(new, tmp_path):
    done = new("risk-check", "acme")

    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[1:] == [
        "  acme/src/ml4t_live_acme/check.py",
        "Next:",
        '  cd acme && python -m pip install -e ".[dev]"',
        "  python -m pytest",
        "  ml4t-live doctor acme --conformance",
    ]
    assert (tmp_path / "acme" / "pyproject.toml").is_file()


def test_elsewhere(new, tmp_path):
    done = new("trigger", "acme", "--into", "my plugins/here")

    assert done.exit_code == 0, done.stderr
    assert "  cd 'my plugins/here/acme' && " in done.stdout
    assert (tmp_path / "my plugins" / "here" / "acme" / "pyproject.toml").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("strategy", "acme"), "Kinds are feed, broker, risk-check"),
        (("feed", "My_Feed"), "write my-feed"),
        (("feed", "okx"), "there is a plugin called okx already"),  # known, whether or not it is installed
        (("feed", "replay"), "there is a plugin called replay already"),  # a part of the core
        (("feed", "there"), "there is there already, and nothing is written over: find another name"),
        (("feed", "acme", "--into", "file"), "file is there already, and nothing is written over"),
    ],
)
def test_what_cannot_be_is_refused_in_words(new, tmp_path, arguments, words):
    (tmp_path / "there").mkdir()
    (tmp_path / "file").touch()

    done = new(*arguments)

    assert done.exit_code == 2
    assert words in " ".join(done.stderr.split())
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "there"]


@pytest.mark.skipif(os.geteuid() == 0, reason="reason: whoever may do everything may write everywhere")
def test_a_folder_that_cannot_be_written_to(new, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)

    done = new("feed", "acme", "--into", "locked")

    assert done.exit_code == 2
    assert "locked/acme cannot be written (Permission denied); name another folder with --into" in done.stderr
