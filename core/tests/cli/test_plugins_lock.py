"""`plugins lock`, and what the other commands say of a lock."""

from __future__ import annotations

import sys
import tomllib

import pytest

from ml4t.live.plugins import Found, find_plugins, refresh

NAMED = '\n[plugins]\nallow = ["acme"]\nlock = "ml4t-live.lock"\n'


@pytest.fixture
def locked(world, tmp_path, monkeypatch):
    """The small world, in whose folder a configuration names a lock; what is changed in it is changed back."""
    monkeypatch.chdir(tmp_path)
    config = world.write("locked.toml", world.config.read_text() + NAMED)
    parts = world.site / "cli_acme_plugin.py"
    text = parts.read_text()
    refresh()
    assert world.invoke("plugins", "lock", "--config", config).code == 0
    yield config
    parts.write_text(text)
    (world.folder / "ml4t-live.lock").unlink(missing_ok=True)
    refresh()


def change(world):
    (world.site / "cli_acme_plugin.py").write_text((world.site / "cli_acme_plugin.py").read_text() + "\n")
    refresh()


def test_a_configurations_lock_holds_what_it_allows(world, locked):
    table = tomllib.loads((world.folder / "ml4t-live.lock").read_text())
    assert list(table["distributions"]) == ["ml4t-live", "ml4t-live-acme"]
    assert table["distributions"]["ml4t-live-acme"]["plugins"] == {"acme": "cli_acme_plugin"}
    assert list(table["distributions"]["ml4t-live-acme"]["files"]) == ["cli_acme_plugin.py"]


def test_without_a_configuration_all_that_is_installed_is_locked_and_what_cannot_be_is_said(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sys.modules.pop("cli_acme_plugin", None)
    done = world.invoke("plugins", "lock", "--json")
    assert done.code == 0
    sound = {each.name for each in find_plugins() if isinstance(each, Found)}
    assert set(done.json["plugins"]) == sound
    assert {"acme", "bad", "new", "replay"} <= sound  # whether it works is another question
    assert done.json["left_out"] == ["twin"]
    assert "left out: the plugin name 'twin' is claimed by twin-one 1.0" in done.stderr
    assert (tmp_path / "ml4t-live.lock").exists()
    assert "cli_acme_plugin" not in sys.modules
    assert world.invoke("plugins", "lock", "--check").code == 0


def test_a_configuration_that_does_not_name_its_lock_is_told_to(world, tmp_path):
    config = tmp_path / "live.toml"
    config.write_text(world.config.read_text())
    done = world.invoke("plugins", "lock", "--config", config)
    assert (tmp_path / "ml4t-live.lock").exists()
    assert 'does not name it: write lock = "ml4t-live.lock" in its table [plugins]' in done.stderr


def test_an_overlay_may_name_it(world, tmp_path):
    overlay = tmp_path / "live-overlay.toml"
    overlay.write_text('[plugins]\nallow = ["acme"]\nlock = "over.lock"\n')
    assert world.invoke("plugins", "lock", "--config", world.config, "--overlay", overlay).code == 0
    assert (world.folder / "over.lock").exists()
    (world.folder / "over.lock").unlink()


def test_check_says_that_nothing_differs_or_each_difference_in_a_sentence(world, locked):
    good = world.invoke("plugins", "lock", "--config", locked, "--check")
    assert (good.code, good.stdout) == (0, f"{world.folder / 'ml4t-live.lock'}: what is installed is what was locked\n")
    change(world)
    bad = world.invoke("plugins", "lock", "--config", locked, "--check")
    assert bad.code == 1
    assert bad.stdout.startswith(
        "the files of ml4t-live-acme 1.0 are not those that were locked: changed cli_acme_plugin.py. Run:"
    )
    assert "1 difference from what is installed" in bad.stderr
    told = world.invoke("plugins", "lock", "--config", locked, "--check", "--json")
    assert (told.code, told.json["ok"], len(told.json["differences"])) == (1, False, 1)


def test_check_without_a_lock_is_refused(world, tmp_path):
    done = world.invoke("plugins", "lock", "--check", "--output", tmp_path / "gone.lock")
    assert done.code == 2
    assert "write it: ml4t-live plugins lock --output" in done.stderr


def test_what_cannot_be_written_is_refused(world, tmp_path):
    done = world.invoke("plugins", "lock", "--output", tmp_path / "no" / "x.lock")
    assert (done.code, "cannot be written" in done.stderr) == (2, True)


def test_config_check_tells_of_the_lock(world, locked):
    done = world.invoke("config", "check", locked)
    assert f"lock: {world.folder / 'ml4t-live.lock'}: as installed" in done.stdout
    change(world)
    done = world.invoke("config", "check", locked)
    assert done.code == 0  # a shadow run
    assert "not what is installed" in done.stdout
    assert 'triggers.tens.use = "acme.every"' in done.stdout
    assert len(world.invoke("config", "check", locked, "--json").json["drift"]) == 1


def test_config_check_refuses_a_live_run_that_differs(world, locked):
    live = ("--set", "live.mode=live", "--set", "broker.use=shadow")
    assert world.invoke("config", "check", locked, *live).code == 0
    change(world)
    done = world.invoke("config", "check", locked, *live)
    assert done.code == 2
    assert "changed cli_acme_plugin.py" in done.stderr
    assert "lock: none, so whatever" in world.invoke("config", "check", world.config, *live).stdout


def test_a_shadow_run_is_told_and_goes_on_and_a_live_one_is_refused(world, locked, tmp_path):
    change(world)
    done = world.spawn("run", locked, "--state-dir", tmp_path / "state")
    assert done.code == 0
    assert "a plugin is not as it was locked" in done.stderr
    assert "changed cli_acme_plugin.py" in done.stderr
    live = ("--set", "live.mode=live", "--set", "broker.use=shadow")
    done = world.spawn("run", locked, "--state-dir", tmp_path / "live", *live)
    assert done.code == 2
    assert "changed cli_acme_plugin.py" in done.stderr
    assert not (tmp_path / "live").exists()


def test_the_doctor_tells_of_the_lock(world, locked):
    def finding(*arguments):
        checks = world.invoke("doctor", *arguments, "--json").json["checks"]
        return [each for each in checks if each["name"] == "lock"]

    assert [each["level"] for each in finding("--config", locked)] == ["ok"]
    change(world)
    [broken] = finding("--config", locked)
    assert broken["level"] == "broken"
    assert "changed cli_acme_plugin.py" in broken["text"]
    assert "ml4t-live plugins lock" in broken["remedy"]
    (world.folder / "ml4t-live.lock").unlink()
    [missing] = finding("--config", locked)
    assert (missing["level"], "there is no lock at" in missing["text"]) == ("broken", True)
    assert [each["level"] for each in finding()] == ["note"]


def test_show_tells_whether_it_is_as_it_was_locked(world, locked):
    def told():
        return world.invoke("plugins", "show", "acme", "--config", locked, "--json").json["provenance"][0]["lock"]

    assert told() == f"as {world.folder / 'ml4t-live.lock'} says"
    change(world)
    assert "changed cli_acme_plugin.py" in told()
