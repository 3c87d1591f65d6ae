"""Tests of `ml4t.live.config.trust`: which plugins a configuration lets in, before anything is imported."""

from __future__ import annotations

import sys

import attrs
import pytest

from ml4t.live import compose
from ml4t.live.config import load
from ml4t.live.config.trust import admitted
from ml4t.live.errors import ConfigError, PluginError
from ml4t.live.plugins import Catalogue, Loaded, Stage, scan
from ml4t.live.plugins.lock import Lock

VENUE = """
from attrs import frozen
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import BrokerRecord, FeedRecord

@frozen
class Config:
    symbols: tuple[str, ...] = ()

@hookimpl
def ml4t_live_feeds():
    return [FeedRecord(name="ticks", config=Config, factory="acme_venue:Config", summary="")]

@hookimpl
def ml4t_live_brokers():
    return [BrokerRecord(name="venue", config=Config, factory="acme_venue:Config", summary="")]
"""

VAULT = """
from ml4t.live.hookspecs import hookimpl

@hookimpl
def ml4t_live_secret(scheme, reference):
    return "hidden"
"""


@pytest.fixture
def catalogue(plugin, site):
    """The core's plugins, a venue, a vault, and one that nobody names."""
    plugin(VENUE, name="venue")
    plugin(VAULT, name="vault")
    plugin("raise SystemExit", name="bystander")
    return Catalogue(entries=tuple({each.name: each for each in (*scan(), *scan([str(site)]))}.values()))


@pytest.fixture
def locked(catalogue, tmp_path):
    """The file with the lock of all of them, in the folder of the configurations."""
    path = tmp_path / "ml4t-live.lock"
    path.write_text(Lock.of(catalogue.entries, catalogue.code).dumps())
    return path


@pytest.fixture
def written(tmp_path):
    """Writes a configuration in a mode, with its table [plugins]; returns its path."""

    def write(mode, plugins="", more=""):
        path = tmp_path / "live.toml"
        path.write_text(
            f'[live]\nmode = "{mode}"\nstrategy = "my_idle:Idle"\n[broker]\nuse = "venue"\n'
            f'[feeds.main]\nuse = "venue"\nsymbols = ["A"]\n{more}\n[plugins]\n{plugins}\n'
        )
        return path

    return write


def change(site):
    (site / "acme_venue.py").write_text(VENUE + "\nraise SystemExit\n")


def imported():
    return {name for name in sys.modules if name.startswith("acme_")}


def problems(*arguments, **options):
    with pytest.raises(ConfigError) as caught:
        load(*arguments, **options)
    return caught.value.problems


# --- the lock ---


@pytest.mark.parametrize("mode", ["shadow", "paper", "live"])
def test_what_is_as_it_was_locked_is_let_in(catalogue, locked, written, mode):
    settings = load(written(mode, 'lock = "ml4t-live.lock"'), catalogue=catalogue)
    assert settings.plugins.lock == locked
    assert settings.drift == ()


def test_a_live_run_is_refused_before_anything_is_imported(catalogue, locked, written, site):
    change(site)
    [problem] = problems(written("live", 'lock = "ml4t-live.lock"'), catalogue=fresh(catalogue))
    assert problem.startswith('broker.use = "venue" (line 5): the files of acme-venue 1.0 are not those that were locked')
    assert "changed acme_venue.py" in problem
    assert imported() == set()


@pytest.mark.parametrize("mode", ["shadow", "paper"])
def test_other_runs_are_told(catalogue, locked, written, site, mode):
    (site / "acme_venue.py").write_text(VENUE + "\n")
    [told] = load(written(mode, 'lock = "ml4t-live.lock"'), catalogue=fresh(catalogue)).drift
    assert told.startswith('broker.use = "venue" (line 5): the files of acme-venue 1.0 are not those')


def test_every_difference_is_named_at_once_that_of_the_core_as_well(catalogue, locked, written, site):
    text = locked.read_text().replace('version = "1.0"', 'version = "0.9"')
    locked.write_text(text.replace('"ml4t/live/__init__.py" = "', '"ml4t/live/__init__.py" = "0'))
    first, second = problems(written("live", 'lock = "ml4t-live.lock"'), catalogue=fresh(catalogue))
    assert first.startswith('plugins.lock = "ml4t-live.lock" (line 11): the files of ml4t-live 1.')
    assert "changed ml4t/live/__init__.py." in first
    assert "acme-venue is version 1.0, and 0.9 is locked" in second


def test_a_plugin_that_the_configuration_does_not_name_stops_nothing(catalogue, locked, written, site):
    (site / "acme_bystander.py").write_text("raise KeyboardInterrupt")
    assert load(written("live", 'lock = "ml4t-live.lock"'), catalogue=fresh(catalogue)).drift == ()


def test_a_lock_that_is_named_and_missing_refuses_a_live_run_and_lets_nothing_in(catalogue, written):
    [problem] = problems(written("live", 'lock = "gone.lock"'), catalogue=catalogue)
    assert problem.startswith('plugins.lock = "gone.lock" (line 11): there is no lock at ')
    assert imported() == set()
    [told] = load(written("paper", 'lock = "gone.lock"'), catalogue=catalogue).drift
    assert "there is no lock at" in told


def test_a_mode_that_comes_from_elsewhere_counts_as_live(catalogue, locked, written, site, monkeypatch):
    change(site)
    path = written("live", 'lock = "ml4t-live.lock"')
    path.write_text(path.read_text().replace('mode = "live"', 'mode = { env = "MODE" }'))
    [problem] = problems(path, catalogue=fresh(catalogue), environ={"MODE": "live"})
    assert "changed acme_venue.py" in problem
    assert imported() == set()


def test_the_mode_may_be_named_among_the_limits(catalogue, locked, written, site):
    change(site)
    path = written("live", 'lock = "ml4t-live.lock"', '[risk]\nexecution_mode = "live"')
    path.write_text(path.read_text().replace('mode = "live"\n', "", 1))
    assert len(problems(path, catalogue=fresh(catalogue))) == 1


def test_a_vault_that_is_not_as_it_was_locked_is_not_asked(catalogue, locked, written, site):
    path = written("live", 'lock = "ml4t-live.lock"')
    path.write_text(path.read_text().replace('strategy = "my_idle:Idle"', 'strategy = { vault = "x" }'))
    (site / "acme_vault.py").write_text("raise SystemExit")
    told = problems(path, catalogue=fresh(catalogue))
    assert any("the files of acme-vault 1.0 are not those that were locked" in each for each in told)
    assert "acme_vault" not in imported()


def test_settings_that_were_read_before_are_held_against_the_lock_again(catalogue, locked, written, site):
    """A host is found by its strategy's class, which no table names: the door is where it is stopped."""
    settings = load(written("live", 'lock = "ml4t-live.lock"'), catalogue=catalogue)
    (site / "acme_vault.py").write_text("raise SystemExit")
    let_in = admitted(settings.plugins, settings.live.mode, fresh(catalogue))
    assert isinstance(let_in.load("venue"), Loaded)
    assert let_in.load("vault").stage is Stage.LOCK
    assert admitted(settings.plugins, "paper", fresh(catalogue)).load("vault").stage is Stage.IMPORT
    locked.unlink()
    with pytest.raises(PluginError, match="there is no lock at"):
        admitted(settings.plugins, "live", catalogue)


# --- the allow-list ---


def test_a_vault_that_is_not_allowed_is_not_imported(catalogue, written):
    path = written("paper", 'allow = ["venue"]')
    path.write_text(path.read_text().replace('strategy = "my_idle:Idle"', 'strategy = { vault = "x" }'))
    told = problems(path, catalogue=catalogue)
    assert any(
        "the plugin vault (acme-vault 1.0, entry point vault = acme_vault) is installed but not allowed" in x for x in told
    )
    assert "acme_vault" not in imported()


@pytest.mark.parametrize("table", ['alow = ["vault"]', 'allow = ["vault", "vault"]', "lock = 3", 'allow = "vault"'])
def test_a_table_with_a_mistake_lets_nothing_in(catalogue, written, table):
    [problem] = problems(written("paper", table), catalogue=catalogue)
    assert problem.startswith("plugins.")
    assert imported() == set()


def test_a_host_that_is_not_allowed_is_not_imported(catalogue, written, site, monkeypatch, tmp_path):
    """Composing holds to the list as well: the host of a strategy is found by its class, and named nowhere."""
    seen = []
    monkeypatch.setattr("ml4t.live.composer.hosted", lambda strategy, given: seen.append(given) or strategy)
    (tmp_path / "my_idle.py").write_text("class Idle:\n    def on_data(self, *_): ...\n")
    path = written("shadow", 'allow = ["venue"]')
    source = VENUE.replace(
        "symbols: tuple[str, ...] = ()", "symbols: tuple[str, ...] = ()\n\n    async def run(self, sink): ..."
    )
    source = source.replace("acme_venue:Config", "acme_venue:made") + "\ndef made(config):\n    return config\n"
    (site / "acme_venue.py").write_text(source)
    compose(path, catalogue=catalogue)
    [given] = seen
    assert not given.allows("vault")
    assert given.allows("venue")


def fresh(catalogue):
    """The same plugins, looked at for the first time."""
    return attrs.evolve(catalogue, outcomes={}, codes={})
