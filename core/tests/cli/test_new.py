"""`new` where what writes plugins is not installed; what it writes is tested beside the templates."""

from __future__ import annotations

import sys

from typer.testing import CliRunner

from ml4t.live.cli.app import app


class Absent:
    """The import system of an environment without it."""

    def find_spec(self, name, path=None, target=None):
        if name == "ml4t_live_template":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_without_the_templates_it_names_the_command_that_installs_them(monkeypatch, tmp_path):
    for loaded in [each for each in sys.modules if each.partition(".")[0] == "ml4t_live_template"]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])

    done = CliRunner().invoke(app, ["new", "feed", "acme", "--into", str(tmp_path)])

    assert done.exit_code == 2
    assert "ml4t-live-template, which is not installed: pip install ml4t-live-template" in " ".join(done.stderr.split())
    assert not list(tmp_path.iterdir())


def test_it_is_in_the_help():
    assert "Write a plugin of your own" in CliRunner(env={"COLUMNS": "200"}).invoke(app, ["--help"]).stdout
