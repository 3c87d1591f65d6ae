"""The version of the contracts: old plugins go on working, newer ones are refused, and what will go is said by name."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from ml4t.live import compose
from ml4t.live.compatibility import CONTRACT, ContractDeprecation, deprecated
from ml4t.live.plugins import Broken, Catalogue, Loaded, Stage, load, refresh, resolve_factory, scan
from ml4t.live.records import Kind
from ml4t.live.testing.conformance.whole import check_whole

FIRST = Path(__file__).parent / "contract_1"


@pytest.fixture
def first(monkeypatch):
    """The two plugins that were written against contract 1, installed."""
    monkeypatch.syspath_prepend(str(FIRST))
    refresh()
    yield Catalogue(entries=scan([str(FIRST)]))
    for name in [each for each in sys.modules if each.partition(".")[0] in {"acme_gate", "acme_model"}]:
        del sys.modules[name]
    refresh()


# --- plugins of the first version ---


def test_they_say_nothing_of_a_contract_and_are_loaded(first):
    for name in ("acme-gate", "acme-model"):
        outcome = first.load(name)
        assert isinstance(outcome, Loaded), outcome
        assert outcome.notes == ()
    assert first.load("acme-gate").secret(scheme="acme-gate", reference="abc") == "cba"


@pytest.mark.parametrize("name", ["acme-gate", "acme-model"])
def test_the_kit_finds_nothing_to_complain_of(first, name):
    tried = {each.subject: each for each in asyncio.run(check_whole(first.load(name)))}
    for each in tried.values():
        if each.report is not None:
            each.report.raise_if_failed()
    if name == "acme-model":
        assert "it connects to nothing" in tried["feed acme-model.steps"].untried
    assert len(tried) == (3 if name == "acme-gate" else 4)


def test_they_run_together(first, tmp_path):
    notes = tmp_path / "notes.txt"
    config = {
        "live": {"name": "old", "state_dir": str(tmp_path / "state")},
        "feeds": {"main": {"use": "acme-model.steps", "symbols": ["AAA"], "steps": 30}},
        "risk": {"checks": [{"use": "acme-gate", "most": 1_150.0}], "dedup_window_seconds": "off"},
        "triggers": {"often": {"use": "acme-gate", "events": 5}},
        "forecasters": {"model": {"use": "acme-model.buys", "on": ["often"], "horizon": "2m", "quantity": 10.0}},
        "observers": {"notes": {"use": "acme-model.notes", "path": str(notes)}},
    }
    asyncio.run(compose(config, catalogue=Catalogue(entries=(*scan(), *first.entries))).run())
    kinds = [line.split()[0] for line in notes.read_text().splitlines()]
    assert kinds.count("forecast") == 6
    assert kinds.count("verdict") == 3, "orders beyond 115 each are worth more than the gate allows"
    assert kinds.count("fill") == 3


# --- newer ones, and nonsense ---


def test_a_plugin_that_asks_for_a_newer_contract_is_refused_in_a_sentence(plugin):
    outcome = load(plugin(f"ml4t_live_contract = {CONTRACT + 1}"))
    assert isinstance(outcome, Broken)
    assert outcome.stage is Stage.CONTRACT
    assert f"asks for contract {CONTRACT + 1}, and ml4t-live " in outcome.message
    assert outcome.message.endswith(f"has contract {CONTRACT}")
    assert outcome.remedy.startswith("Install versions that fit: `pip install --upgrade ml4t-live ")


@pytest.mark.parametrize("asked", [1, CONTRACT])
def test_an_older_one_and_this_one_are_loaded(plugin, asked):
    assert isinstance(load(plugin(f"ml4t_live_contract = {asked}")), Loaded)


@pytest.mark.parametrize("asked", ["'2'", "1.5", "0", "True", "None"])
def test_what_is_no_version_is_refused(plugin, asked):
    outcome = load(plugin(f"ml4t_live_contract = {asked}"))
    assert isinstance(outcome, Broken)
    assert f"ml4t_live_contract = {asked}, which is no version" in outcome.message


# --- what will go ---


@pytest.fixture
def going(monkeypatch):
    """Something of the core that will go."""

    def old_name():
        deprecated("old_name()", "new_name()", last=CONTRACT)

    import ml4t.live.compatibility

    monkeypatch.setattr(ml4t.live.compatibility, "old_name", old_name, raising=False)


def test_what_a_plugin_uses_that_will_go_is_said_with_its_name(plugin, going):
    found = plugin(
        """
        import ml4t.live.compatibility
        from ml4t.live.hookspecs import hookimpl

        @hookimpl
        def ml4t_live_feeds():
            ml4t.live.compatibility.old_name()
            return []
        """
    )
    with pytest.warns(ContractDeprecation, match=f"the plugin {found.name} .*old_name.* goes after contract {CONTRACT}"):
        outcome = load(found)
    assert isinstance(outcome, Loaded)
    assert f"old_name() goes after contract {CONTRACT}; use new_name()" in outcome.notes


def test_so_is_what_its_factory_uses(plugin, going):
    source = "import ml4t.live.compatibility\ndef __getattr__(name):\n    ml4t.live.compatibility.old_name()"
    found = plugin(source)
    with (
        pytest.warns(ContractDeprecation, match=f"the plugin {found.name} "),
        pytest.raises(Exception, match="cannot be called"),
    ):
        resolve_factory(found, f"{found.target}:other")


MAKER = """
import ml4t.live.compatibility
from attrs import frozen
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import FeedRecord

@frozen
class Config:
    symbols: tuple[str, ...] = ()

class Feed:
    def __init__(self, config):
        self.symbols = config.symbols
        ml4t.live.compatibility.old_name()

    async def run(self, sink): ...

@hookimpl
def ml4t_live_feeds():
    return [FeedRecord(name="maker", config=Config, factory="acme_maker:Feed", summary="")]
"""


def test_so_is_what_a_component_uses_when_it_is_made(plugin, going, tmp_path):
    found = plugin(MAKER, name="maker")
    (tmp_path / "idle_maker.py").write_text("class Idle:\n    def on_data(self, *_): ...\n")
    config = {"live": {"strategy": "idle_maker:Idle"}, "feeds": {"main": {"use": "maker", "symbols": ["A"]}}}
    with pytest.warns(ContractDeprecation, match=r"the plugin maker \(acme-maker 1\.0.*old_name.* goes after contract"):
        compose(config, catalogue=Catalogue(entries=(*scan(), found)), state_dir=tmp_path / "state")


def test_other_warnings_are_passed_on(plugin):
    found = plugin("import warnings\nwarnings.warn('the vendor goes', DeprecationWarning)")
    with pytest.warns(DeprecationWarning, match="the vendor goes"):
        load(found)


def test_every_kind_of_the_first_version_is_still_one():
    assert {"feed", "broker", "risk check", "trigger", "forecaster", "observer", "simulator"} <= {str(each) for each in Kind}
