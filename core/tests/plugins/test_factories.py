"""Tests of `ml4t.live.plugins.factories`."""

from __future__ import annotations

import pytest

from ml4t.live.plugins import broken_factories, load, scan

LIGHT = """
from attrs import frozen
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import CommandRecord, FeedRecord, RiskCheckRecord

@frozen
class Config:
    symbols: tuple[str, ...] = ()

@hookimpl
def ml4t_live_feeds():
    return [FeedRecord(name="tail", config=Config, factory="{feed}", summary="")]

@hookimpl
def ml4t_live_risk_checks():
    return [RiskCheckRecord(name="bell", config=Config, factory="json:loads", summary="")]

@hookimpl
def ml4t_live_commands():
    return [CommandRecord(name="greet", factory="{command}")]
"""


def broken(install, site, *, feed="json:loads", command="json:loads", deep=""):
    light = LIGHT.replace("{feed}", feed).replace("{command}", command)
    install("acme", ["acme = acme_room.plugin"], modules={"acme_room.plugin": light, "acme_room.deep": deep})
    [found] = scan([str(site)])
    return list(broken_factories(load(found)))


def test_a_plugin_whose_factories_can_all_be_imported_has_none(install, site):
    assert broken(install, site) == []


@pytest.mark.parametrize(
    ("deep", "reason"),
    [
        ("class Tail: pass\nimport ml4t.live.tmes", "it imports ml4t.live.tmes, which ml4t-live"),
        ("class Tali: pass", "AttributeError: module 'acme_room.deep' has no attribute 'Tail'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("Tail = 5", "is a int, which cannot be called"),
    ],
)
def test_a_factory_that_cannot_be_had_is_named_and_hides_no_other(install, site, deep, reason):
    command, feed = broken(install, site, feed="acme_room.deep:Tail", command="acme_gone:greet", deep=deep)

    assert (feed.record, command.record) == ("feed tail", "command greet")
    assert reason in feed.message
    assert feed.message.startswith("acme_room.deep:Tail of the plugin acme (acme 1.0, ")
    assert "acme_gone" in command.message


def test_the_place_of_what_was_raised_is_told(install, site):
    [feed] = broken(install, site, feed="acme_room.deep:Tail", deep="\n\nTail = {}['oops']\n")

    assert f"KeyError: 'oops' (at {site}/acme_room/deep.py:3 in <module>)" in feed.message
