"""Tests of `ml4t.live.plugins.loader` and `hooks`: the ways to be wrong that need no distribution of their own."""

from __future__ import annotations

import sys

import pytest

from ml4t.live import hookspecs
from ml4t.live.plugins import SLOW_SECONDS, Broken, Found, Loaded, Stage, load
from ml4t.live.plugins.hooks import KINDS, RECORDS, SECRET, manager
from ml4t.live.records import Component, Kind

HEADER = """
from attrs import frozen
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import BrokerRecord, CommandRecord, DoctorRecord, FeedRecord, SimulatorRecord, TriggerRecord

@frozen
class Config:
    symbols: tuple = ()

def record(cls, name, config=Config):
    return cls(name=name, config=config, factory="acme_acme:Config", summary="")
"""


def test_every_specification_is_read_and_every_kind_has_a_hook():
    """Adding a hook, a kind or a record without telling the loader would lose it without a word."""
    specs = {name for spec in (hookspecs.ComponentSpecs, hookspecs.ServiceSpecs) for name in vars(spec) if name[:4] == "ml4t"}

    assert specs == {*RECORDS, SECRET}
    assert set(KINDS.values()) == set(Kind)
    assert {hook for hook, record in RECORDS.items() if issubclass(record, Component)} == set(KINDS)


def test_a_kind_and_a_service_are_loaded(plugin):
    found = plugin(
        HEADER
        + """
@hookimpl
def ml4t_live_feeds():
    return [record(FeedRecord, "acme")]

@hookimpl
def ml4t_live_brokers():
    return [record(BrokerRecord, "acme")]

@hookimpl
def ml4t_live_simulators():
    return [record(SimulatorRecord, "acme")]

@hookimpl
def ml4t_live_commands():
    return [CommandRecord(name="acme", factory="acme_acme:Config")]

@hookimpl
def ml4t_live_doctor():
    return [DoctorRecord(name="acme", factory="acme_acme:Config")]
"""
    )

    loaded = load(found)

    assert isinstance(loaded, Loaded)
    assert [each.name for each in loaded.components[Kind.FEED]] == ["acme"]
    assert [each.name for each in loaded.components[Kind.BROKER]] == ["acme"]
    assert [each.name for each in loaded.components[Kind.SIMULATOR]] == ["acme"]
    assert loaded.components[Kind.TRIGGER] == ()
    assert set(loaded.components) == set(Kind)
    assert (len(loaded.commands), len(loaded.doctor), loaded.secret, loaded.notes) == (1, 1, None, ())
    assert loaded.modules == ("acme_acme",)


@pytest.mark.parametrize("asked", ["", "scheme", "reference", "reference, scheme", "scheme, extra='!'"])
def test_a_secret_hook_gets_the_arguments_it_asks_for(plugin, asked):
    names = [each for each in ("scheme", "reference") if each in asked]
    found = plugin(HEADER + f"@hookimpl\ndef ml4t_live_secret({asked}):\n    return ' '.join([{', '.join(names)}])\n")

    secret = load(found).secret

    assert secret(scheme="env", reference="KEY") == " ".join({"scheme": "env", "reference": "KEY"}[each] for each in names)


def test_an_object_can_be_the_target_of_an_entry_point(install, site):
    from ml4t.live.plugins import scan

    source = (
        HEADER
        + "class Plugin:\n    @hookimpl\n    def ml4t_live_triggers(self):\n        return [record(TriggerRecord, 'x')]\n"
    )
    install("acme", ["acme = acme_object:plugin"], modules={"acme_object": source + "plugin = Plugin()\n"})

    loaded = load(*scan([str(site)]))

    assert [each.name for each in loaded.components[Kind.TRIGGER]] == ["x"]


WRONG = {
    "a wrapper": (
        "@hookimpl(wrapper=True)\ndef ml4t_live_feeds():\n    return (yield)",
        Stage.HOOKS,
        "ml4t_live_feeds is a wrapper",
    ),
    "an async hook": ("@hookimpl\nasync def ml4t_live_feeds():\n    return []", Stage.HOOKS, "ml4t_live_feeds is async"),
    "an async generator": ("@hookimpl\nasync def ml4t_live_feeds():\n    yield 1", Stage.HOOKS, "ml4t_live_feeds is async"),
    "two mistakes": (
        "@hookimpl\ndef ml4t_live_feedz():\n    return []\ndef ml4t_live_brokers():\n    return []",
        Stage.HOOKS,
        (
            "ml4t_live_brokers is not marked: put @hookimpl (from ml4t.live.hookspecs) above it, or it is never called; "
            "there is no hook ml4t_live_feedz; did you mean ml4t_live_feeds?"
        ),
    ),
    "a mistake and an unknown argument": (
        "@hookimpl\ndef ml4t_live_feeds(x):\n    return []\ndef ml4t_live_brokers():\n    return []",
        Stage.HOOKS,
        "ml4t_live_brokers is not marked",
    ),
    "a hook of nobody's": (
        "@hookimpl\ndef brew_coffee():\n    return []",
        Stage.HOOKS,
        "there is no hook brew_coffee; the hooks are",
    ),
    "two secrets": (
        "@hookimpl\ndef ml4t_live_secret():\n    pass\n@hookimpl(specname='ml4t_live_secret')\ndef other():\n    pass",
        Stage.HOOKS,
        "ml4t_live_secret is implemented 2 times",
    ),
    "nothing returned": ("@hookimpl\ndef ml4t_live_feeds():\n    pass", Stage.RECORDS, "ml4t_live_feeds returned None"),
    "a text": ("@hookimpl\ndef ml4t_live_feeds():\n    return 'acme'", Stage.RECORDS, "returned a str; it returns a list"),
    "a dict": (
        "@hookimpl\ndef ml4t_live_feeds():\n    return {'acme': 1}",
        Stage.RECORDS,
        "returned a str; it returns FeedRecord",
    ),
    "the class of a record": ("@hookimpl\ndef ml4t_live_feeds():\n    return [FeedRecord]", Stage.RECORDS, "returned a type;"),
    "a generator that fails halfway": (
        "@hookimpl\ndef ml4t_live_feeds():\n    yield record(FeedRecord, 'a')\n    raise OSError('gone')",
        Stage.RECORDS,
        "failed in its hooks: OSError: gone",
    ),
    "a hook that exits": ("@hookimpl\ndef ml4t_live_feeds():\n    raise SystemExit", Stage.RECORDS, "SystemExit"),
    "a config of another make": (
        "@hookimpl\ndef ml4t_live_brokers():\n    return [record(BrokerRecord, 'a', dict)]",
        Stage.RECORDS,
        "the config of 'a' in ml4t_live_brokers, dict, is not an attrs class",
    ),
    "a feed without symbols": (
        "@frozen\nclass Bare:\n    pass\n@hookimpl\ndef ml4t_live_feeds():\n    return [record(FeedRecord, 'a', Bare)]",
        Stage.RECORDS,
        "the config of the feed 'a', Bare, has no field `symbols`",
    ),
    "a simulator that asks questions": (
        (
            "@frozen\nclass Asks:\n    port: int\n    seed: int = 0\n"
            "@hookimpl\ndef ml4t_live_simulators():\n    return [record(SimulatorRecord, 'a', Asks)]"
        ),
        Stage.RECORDS,
        "the config of the simulator 'a', Asks, needs port; give every field a default",
    ),
    "a command given twice": (
        "@hookimpl\ndef ml4t_live_commands():\n    return [CommandRecord(name='c', factory='a:b')] * 2",
        Stage.RECORDS,
        "ml4t_live_commands returned 2 records called 'c'",
    ),
    "a name shared by two functions": (
        (
            "@hookimpl\ndef ml4t_live_brokers():\n    return [record(BrokerRecord, 'a')]\n"
            "@hookimpl(specname='ml4t_live_brokers')\ndef more():\n    return [record(BrokerRecord, 'a')]"
        ),
        Stage.RECORDS,
        "ml4t_live_brokers returned 2 records called 'a'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said(plugin, case):
    source, stage, message = WRONG[case]

    broken = load(plugin(HEADER + source + "\n"))

    assert isinstance(broken, Broken)
    assert message in broken.message
    assert broken.message.startswith("the plugin acme (acme-acme 1.0, entry point acme = acme_acme) ")
    assert broken.stage is stage
    assert broken.name == "acme"
    assert broken.exception is not None


def test_one_name_in_two_kinds_is_no_mistake(plugin):
    hooks = "".join(
        f"@hookimpl\ndef ml4t_live_{kind}s():\n    return [record({kind.title()}Record, 'same')]\n"
        for kind in ("feed", "broker")
    )

    assert isinstance(load(plugin(HEADER + hooks)), Loaded)


def test_a_hook_that_says_it_may_be_unknown_is_left_out(plugin):
    """How one release of a plugin serves two releases of core."""
    loaded = load(plugin(HEADER + "@hookimpl(optionalhook=True)\ndef ml4t_live_time_machines():\n    return []\n"))

    assert isinstance(loaded, Loaded)


def test_a_module_under_a_hooks_prefix_is_no_hook(plugin, install):
    install("ml4t-live-thing", [], modules={"ml4t_live_thing": ""})

    assert isinstance(load(plugin(HEADER + "import ml4t_live_thing\n")), Loaded)


def test_a_plugin_without_hooks_is_a_note(plugin):
    assert load(plugin("")).notes == ("acme_acme implements no hook, so it offers nothing",)


def test_a_known_name_from_an_unknown_distribution_is_a_note(plugin):
    (note, _) = load(plugin("", name="okx")).notes

    assert note == "okx is the name of ml4t-live-okx, and this one comes from acme-okx"


@pytest.mark.parametrize("name", ["Acme", "acme.fx"])
def test_a_name_that_no_config_can_write_is_refused_without_an_import(name):
    broken = load(Found(name=name, target="acme_never", distribution="acme", version="1"))

    assert broken.stage is Stage.NAME
    assert "cannot be written in a config" in broken.message


@pytest.mark.parametrize("target", ["", ".relative", "not a module", "acme_acme:", ":attribute"])
def test_a_target_that_is_no_reference_is_contained(target):
    outcome = load(Found(name="acme", target=target, distribution="acme", version="1"))

    assert outcome.stage is Stage.IMPORT


def test_slow_is_what_the_clock_says(plugin, ticking):
    found = plugin(HEADER + "@hookimpl\ndef ml4t_live_feeds():\n    return []\n")

    assert load(found, clock=ticking(SLOW_SECONDS)).notes == ()
    assert load(found, clock=ticking(SLOW_SECONDS + 0.5)).notes == (
        "loading it took 1.5 s (more than 1 s): its light module imports too much",
    )
    assert load(found, clock=ticking(2)).seconds == 2.0


def test_a_plugin_that_breaks_leaves_nothing_in_the_next_ones_way(plugin):
    """A misspelt hook would, in one shared manager, be pending for every plugin after it."""
    bad = plugin(HEADER + "@hookimpl\ndef ml4t_live_feed():\n    return []\n", name="bad")
    good = plugin(HEADER + "@hookimpl\ndef ml4t_live_feeds():\n    return []\n", name="good")

    assert isinstance(load(bad), Broken)
    assert isinstance(load(good), Loaded)
    assert isinstance(load(bad), Broken)
    assert manager() is not manager()


def test_ctrl_c_during_an_import_is_obeyed(plugin):
    with pytest.raises(KeyboardInterrupt):
        load(plugin("raise KeyboardInterrupt\n"))


def test_a_plugin_for_another_core_is_refused_without_an_import(plugin):
    broken = load(plugin("raise AssertionError('imported')\n", requires=["ml4t-live>=9"]))

    assert broken.stage is Stage.CORE
    assert "needs ml4t-live>=9, have " in broken.message
    assert broken.remedy == "Install versions that fit: `pip install --upgrade ml4t-live acme-acme`"
    assert broken.exception is None


def test_a_plugin_without_a_range_for_core_works_and_is_a_note(plugin):
    loaded = load(plugin(HEADER + "@hookimpl\ndef ml4t_live_feeds():\n    return []\n", requires=[]))

    assert loaded.notes == ("acme-acme does not say which ml4t-live it needs, so a wrong one cannot be noticed",)


def test_the_packages_that_came_along_are_named_and_the_standard_librarys_are_not(plugin, install, monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    install("acme-sdk", [], modules={"acme_sdk.client": "", "acme_sdk.wire": ""})

    loaded = load(plugin("import acme_sdk.client, acme_sdk.wire, this\n"))

    assert loaded.modules == ("acme_acme", "acme_sdk")
