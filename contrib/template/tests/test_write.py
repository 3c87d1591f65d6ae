"""What is written, and what is never written over."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import pytest
from packaging.requirements import Requirement

from ml4t.live.plugins.requirements import running_version
from ml4t_live_template.doctor import every_kind_can_be_written
from ml4t_live_template.kinds import KINDS
from ml4t_live_template.write import write


@pytest.mark.parametrize("kind", KINDS)
def test_it_has_every_room_and_nothing_is_left_to_fill_in(kind, tmp_path):
    written = write(kind, "acme", tmp_path)
    package = written.folder / "src" / "ml4t_live_acme"

    assert written.folder == tmp_path / "acme"
    assert {path for path in written.folder.rglob("*") if path.is_file()} == set(written.files)
    rooms = {"__init__.py", "config.py", "plugin.py", "py.typed", "rig.py", written.component.name}
    assert rooms <= {path.name for path in package.iterdir()}
    assert {".github", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "pyproject.toml", "tests"} <= {
        path.name for path in written.folder.iterdir()
    }
    for path in written.files:
        assert not re.search(r"\{\{\w|\w\}\}|\.tmpl", f"{path} {path.read_text(encoding='utf-8')}"), path


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_depends_on_are_ranges_that_this_core_is_in(kind, tmp_path):
    project = tomllib.loads((write(kind, "acme", tmp_path).folder / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(each) for each in project["dependencies"]]

    assert project["entry-points"] == {"ml4t.live": {"acme": "ml4t_live_acme.plugin"}}
    assert not [each for each in wanted if "==" in str(each)]
    [core] = [each for each in wanted if each.name == "ml4t-live"]
    assert core.specifier.contains(running_version(), prereleases=True)
    assert not core.specifier.contains("2.0", prereleases=True)


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "mine.txt").write_text("mine")

    with pytest.raises(FileExistsError):
        write("feed", "acme", tmp_path)

    assert [path.name for path in tmp_path.rglob("*")] == ["acme", "mine.txt"]


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path):
    (tmp_path / "acme").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(FileExistsError):
        write("feed", "acme", tmp_path)

    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("kind", "name", "words"), [("feeds", "acme", "mean feed"), ("feed", "Acme", "write acme"), ("feed", "replay", "already")]
)
def test_what_is_refused_leaves_nothing(kind, name, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        write(kind, name, tmp_path / "new", taken=["replay"])

    assert not (tmp_path / "new").exists()


def test_every_template_belongs_to_a_kind():
    folders = {each.name for each in (files("ml4t_live_template") / "templates").iterdir()}

    assert folders == {"common", *KINDS}


def test_the_doctor_counts_them():
    assert every_kind_can_be_written().startswith("can write a feed in ")
