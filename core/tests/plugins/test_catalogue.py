"""Tests of `ml4t.live.plugins.catalogue` and `naming`."""

from __future__ import annotations

import sys

import pytest
from attrs import evolve

from ml4t.live.compatibility import ContractDeprecation
from ml4t.live.errors import PluginError
from ml4t.live.plugins import STANDARD, Broken, Catalogue, Conflict, Loaded, Offer, find_plugins, scan
from ml4t.live.records import Kind

VENUE = """
from attrs import frozen
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import BrokerRecord, FeedRecord, RiskCheckRecord, TriggerRecord

@frozen
class Config:
    symbols: tuple = ()

def record(cls, name):
    return cls(name=name, config=Config, factory="acme_venue:Config", summary="")

@hookimpl
def ml4t_live_feeds():
    return [record(FeedRecord, "ticks"), record(FeedRecord, "venue")]

@hookimpl
def ml4t_live_brokers():
    return [record(BrokerRecord, "live")]

@hookimpl
def ml4t_live_risk_checks():
    return [record(RiskCheckRecord, "max_value"), record(RiskCheckRecord, "max_shares")]
"""


@pytest.fixture
def catalogue(plugin, site):
    """A venue that works, a plugin that breaks, a name that two claim, and nothing else."""
    plugin("raise RuntimeError('broken on import')\n", name="broken")
    plugin("", name="twice")
    plugin(VENUE, name="venue")
    extra = site / "extra"
    (extra / "acme_rival-1.dist-info").mkdir(parents=True)
    (extra / "acme_rival-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rival\nVersion: 1\n")
    (extra / "acme_rival-1.dist-info" / "entry_points.txt").write_text("[ml4t.live]\ntwice = acme_rival\n")
    return Catalogue(entries=scan([str(site), str(extra)]))


def refusal(catalogue, kind, use):
    with pytest.raises(PluginError) as caught:
        catalogue.find(kind, use)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "use", "name"),
    [
        (Kind.FEED, "venue", "venue"),
        (Kind.FEED, "venue.venue", "venue"),
        (Kind.FEED, "venue.ticks", "ticks"),
        (Kind.BROKER, "venue", "live"),
        (Kind.BROKER, "venue.live", "live"),
        (Kind.RISK_CHECK, "venue.max_shares", "max_shares"),
    ],
)
def test_use_names_a_plugin_or_a_component_of_it(catalogue, kind, use, name):
    offer = catalogue.find(kind, use)

    assert isinstance(offer, Offer)
    assert (offer.component.name, offer.plugin.name, offer.use) == (name, "venue", use)
    assert catalogue.resolve(offer) is sys.modules["acme_venue"].Config


@pytest.mark.parametrize(("old", "new"), [("any", "any-of"), ("all", "all-of")])
def test_a_name_of_before_is_found_and_warns_with_the_new_one(old, new):
    with pytest.warns(ContractDeprecation, match=rf'use = "compound\.{old}" goes after contract \d+; use "compound\.{new}"$'):
        offer = Catalogue.discover().find(Kind.TRIGGER, f"compound.{old}")
    assert offer.component.name == new


@pytest.mark.parametrize(
    ("kind", "use", "message"),
    [
        (
            Kind.TRIGGER,
            "venue",
            (
                "venue offers no trigger; it offers feed venue.ticks, feed venue, broker venue.live, "
                "risk check venue.max_value, risk check venue.max_shares"
            ),
        ),
        (
            Kind.RISK_CHECK,
            "venue",
            "venue offers 2 risk checks, so say which: venue.max_value or venue.max_shares",
        ),
        (
            Kind.RISK_CHECK,
            "venue.max_valu",
            (
                "venue has no risk check called 'max_valu' (did you mean venue.max_value?); "
                "it has venue.max_value, venue.max_shares"
            ),
        ),
        (Kind.BROKER, "venue.qqq", "venue has no broker called 'qqq'; it has venue.live"),
        (Kind.BROKER, "venue.live.x", "venue has no broker called 'live.x' (did you mean venue.live?); it has venue.live"),
        (Kind.FEED, "okx", "the plugin okx is not installed. Run: pip install ml4t-live-okx"),
        (
            Kind.FEED,
            "okxx",
            (
                "no installed plugin is called 'okxx'; did you mean okx (not installed: pip install ml4t-live-okx)? "
                "installed are broken, twice, venue. See: ml4t-live plugins list"
            ),
        ),
        (
            Kind.FEED,
            "vanue",
            (
                "no installed plugin is called 'vanue'; did you mean venue? installed are broken, twice, venue. "
                "See: ml4t-live plugins list"
            ),
        ),
        (
            Kind.FEED,
            "zzz",
            "no installed plugin is called 'zzz'; installed are broken, twice, venue. See: ml4t-live plugins list",
        ),
        (
            Kind.FEED,
            "broken",
            (
                "the plugin broken (acme-broken 1.0, entry point broken = acme_broken) cannot be imported: RuntimeError: "
                "broken on import (at {place}). A newer release may mend it: `pip install --upgrade acme-broken`. "
                "To see it again: ml4t-live plugins show broken"
            ),
        ),
        (
            Kind.FEED,
            "twice.x",
            (
                "the plugin name 'twice' is claimed by acme-rival 1 (acme_rival) and acme-twice 1.0 (acme_twice); none of them "
                "is used. Keep one of them: `pip uninstall acme-rival` or `pip uninstall acme-twice`. "
                "To see it again: ml4t-live plugins show twice"
            ),
        ),
    ],
)
def test_a_refusal_says_what_where_why_and_how_to_mend_it(catalogue, site, kind, use, message):
    said = message.format(place=f"{site}/acme_broken.py:1 in <module>")
    assert refusal(catalogue, kind, use) == f'use = "{use}": {said}'


@pytest.mark.parametrize("use", ["", ".", ".venue", "venue."])
def test_a_use_with_an_empty_part_is_refused(catalogue, use):
    assert 'write "plugin" or "plugin.component"' in refusal(catalogue, Kind.FEED, use)


def test_the_plugins_own_exception_is_chained(catalogue):
    with pytest.raises(PluginError) as caught:
        catalogue.find(Kind.FEED, "broken")

    assert str(caught.value.__cause__) == "broken on import"


def test_a_factory_that_cannot_be_imported_names_its_use(catalogue):
    offer = catalogue.find(Kind.BROKER, "venue")
    absent = evolve(offer, component=evolve(offer.component, factory="acme_venue:Absent"))

    with pytest.raises(PluginError, match=r'^use = "venue": acme_venue:Absent of the plugin venue ') as caught:
        catalogue.resolve(absent)

    assert isinstance(caught.value.__cause__, AttributeError)


def test_nothing_is_installed_where_nothing_is_installed():
    empty = Catalogue(entries=())

    assert refusal(empty, Kind.FEED, "zzz") == (
        "use = \"zzz\": no installed plugin is called 'zzz'; none is installed. See: ml4t-live plugins list"
    )
    assert (empty.plugins(), empty.load_all()) == ([], [])


def test_what_is_not_named_is_not_imported_and_does_not_disturb(catalogue):
    assert [each.name for each in catalogue.plugins()] == ["broken", "twice", "venue"]
    assert not {"acme_broken", "acme_twice", "acme_venue"} & set(sys.modules)

    catalogue.find(Kind.BROKER, "venue")

    assert {"acme_broken", "acme_twice", "acme_venue"} & set(sys.modules) == {"acme_venue"}


def test_a_plugin_is_loaded_once(catalogue):
    assert catalogue.load("venue") is catalogue.load("venue")
    assert catalogue.load("broken") is catalogue.load("broken")


def test_load_all_says_what_became_of_each(catalogue):
    outcomes = catalogue.load_all()

    assert [(each.found.name, type(each)) for each in outcomes] == [("broken", Broken), ("twice", Broken), ("venue", Loaded)]
    assert isinstance(outcomes[1].found, Conflict)


def test_what_the_allow_list_leaves_out_is_listed_and_never_imported(catalogue):
    strict = Catalogue(entries=catalogue.entries, allowed=frozenset({"twice"}))

    assert refusal(strict, Kind.FEED, "venue") == (
        'use = "venue": the plugin venue (acme-venue 1.0, entry point venue = acme_venue) is installed but not allowed. '
        "To use it, add 'venue' to `allow` in the table [plugins] of your config"
    )
    assert [each.name for each in strict.plugins()] == ["broken", "twice", "venue"]
    assert [each.found.name for each in strict.load_all()] == ["twice"]
    assert "acme_venue" not in sys.modules


def test_the_standard_plugins_are_allowed_whatever_the_list_says():
    strict = Catalogue.discover(allow=["acme"])

    assert [strict.allows(name) for name in ("acme", "other", *sorted(STANDARD))] == [True, False, *[True] * len(STANDARD)]
    assert Catalogue.discover().allows("other")


def test_the_catalogue_of_this_environment_has_cores_own_plugins():
    discovered = Catalogue.discover()

    assert discovered.entries is find_plugins()
    assert {each.name for each in discovered.plugins()} >= STANDARD


def test_the_clock_is_the_one_given(catalogue, ticking):
    slow = Catalogue(entries=catalogue.entries, clock=ticking(5))

    assert slow.load("venue").seconds == 5.0
