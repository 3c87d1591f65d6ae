from __future__ import annotations

import sys

import pytest

from ml4t.live.cli.examine import Level, environment, folder


def findings(outcome):
    return {check["name"]: check for check in outcome.json["checks"]}


def test_each_plugin_is_examined_by_itself_and_a_broken_one_gives_code_1(world):
    done = world.invoke("doctor", "--json")
    assert done.code == 1
    found = findings(done)
    assert found["plugin acme"]["level"] == "ok"
    assert found["plugin bad"]["level"] == "broken"
    assert "nothing_here" in found["plugin bad"]["text"]
    assert found["plugin new"]["level"] == "broken"
    assert "pip uninstall twin-one" in found["plugin twin"]["remedy"]
    assert done.json["ok"] is False
    assert "plugin bad" in done.stderr


def test_plugins_bring_checks_of_their_own(world):
    found = findings(world.invoke("doctor", "--json"))
    assert found["acme: pulse"] == {"name": "acme: pulse", "level": "ok", "text": "seventy a minute", "remedy": ""}
    assert found["acme: licence"]["level"] == "ok"


def test_a_plugins_check_that_raises_is_said_with_its_remedy(world, monkeypatch):
    import cli_acme_switch

    monkeypatch.setattr(cli_acme_switch, "LICENSED", False)
    found = findings(world.invoke("doctor", "--json"))
    assert found["acme: licence"]["level"] == "broken"
    assert found["acme: licence"]["text"] == "the licence has run out: renew it"


def test_the_table_names_what_is_broken(world):
    done = world.invoke("doctor")
    assert "BROKEN" in done.stdout
    assert "python" in done.stdout


def test_versions_and_space_are_reported(world):
    found = findings(world.invoke("doctor", "--json"))
    assert found["core"]["text"].startswith("ml4t-live 1.0.0")
    assert {"python", "sqlite", "state directory", "packages"} <= found.keys()
    assert "GB free" in found["state directory"]["text"]


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above_it(tmp_path):
    [finding] = folder(tmp_path / "not" / "yet")
    assert finding.level is not Level.BROKEN
    assert str(tmp_path) in finding.text
    assert not (tmp_path / "not").exists()


def test_a_folder_that_cannot_be_written_is_broken(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    [finding] = folder(file)
    assert finding.level is Level.BROKEN


INTRUDERS = {
    "a package below ml4t.live": ("acme-intruder", "ml4t/live/acme.py", "pip uninstall acme-intruder"),
    "an __init__ that hides the namespace": ("acme-hider", "ml4t/__init__.py", "pip uninstall acme-hider"),
    "the library of the same name": ("ml4t-live", "ml4t/live/__init__.py", "pip uninstall ml4t-live"),
}


@pytest.mark.parametrize("name", INTRUDERS)
def test_who_owns_files_of_core_is_found(name, tmp_path, monkeypatch):
    distribution, file, remedy = INTRUDERS[name]
    info = tmp_path / f"{distribution.replace('-', '_')}-0.1.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.1.3\n")
    (info / "RECORD").write_text(f"{file},,\n")
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text("")  # what is listed and not there does not count
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    [finding] = [each for each in environment() if each.name == "packages"]
    assert finding.level is Level.BROKEN
    assert remedy in finding.remedy


def test_a_plugin_beside_core_is_no_intruder():
    [finding] = [each for each in environment() if each.name == "packages"]
    assert finding.level is Level.OK


def test_a_component_that_cannot_be_imported_is_found(world, monkeypatch):
    import cli_acme_parts

    monkeypatch.delattr(cli_acme_parts, "Every")
    for arguments in (["doctor", "acme"], ["doctor"]):
        done = world.invoke(*arguments, "--json")
        found = findings(done)
        assert done.code == 1
        assert found["plugin acme"]["level"] == "ok"
        assert found["acme: trigger every"]["level"] == "broken"
        assert "cli_acme_parts:Every of the plugin acme" in found["acme: trigger every"]["text"]
        assert "acme: forecaster up" not in found
