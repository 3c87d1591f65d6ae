"""Everything of the kit that fits one installed plugin: its packaging, and each of its components."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from ml4t.live.errors import PluginError
from ml4t.live.plugins import Loaded, resolve_factory
from ml4t.live.plugins.naming import short_name
from ml4t.live.plugins.reference import Contained, contained
from ml4t.live.records import Component, Kind
from ml4t.live.simulation import LOCAL
from ml4t.live.testing.conformance.broker import BROKER_SCENARIOS
from ml4t.live.testing.conformance.check import (
    check_broker,
    check_feed,
    check_forecaster,
    check_observer,
    check_plugin,
    check_risk_check,
    check_trigger,
)
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS, POLLED_SCENARIOS
from ml4t.live.testing.conformance.forecaster import FORECASTER_SCENARIOS, ForecasterRig
from ml4t.live.testing.conformance.observer import OBSERVER_SCENARIOS, ObserverRig
from ml4t.live.testing.conformance.part import PartRig
from ml4t.live.testing.conformance.plugin import PLUGIN_SCENARIOS, PluginRig
from ml4t.live.testing.conformance.report import Report
from ml4t.live.testing.conformance.risk_check import RISK_CHECK_SCENARIOS, RiskCheckRig
from ml4t.live.testing.conformance.scenario import Scenario, refuse_unknown
from ml4t.live.testing.conformance.trigger import TRIGGER_SCENARIOS, TriggerRig

PAGE = "docs/conformance.md"

Check = Callable[..., Awaitable[Report]]
"""Tries what a maker of rigs makes; `only` names the scenarios."""

CHECKS: Mapping[Kind, tuple[Check, Sequence[Scenario[Any]]]] = MappingProxyType(
    {
        Kind.FEED: (check_feed, (*FEED_SCENARIOS, *POLLED_SCENARIOS)),
        Kind.BROKER: (check_broker, BROKER_SCENARIOS),
        Kind.RISK_CHECK: (check_risk_check, RISK_CHECK_SCENARIOS),
        Kind.TRIGGER: (check_trigger, TRIGGER_SCENARIOS),
        Kind.FORECASTER: (check_forecaster, FORECASTER_SCENARIOS),
        Kind.OBSERVER: (check_observer, OBSERVER_SCENARIOS),
    }
)
"""What tries a component of each kind, and with what; a simulator is tried together with what connects to it."""
_PLAIN: Mapping[Kind, Callable[[Callable[[], Any]], PartRig]] = MappingProxyType(
    {
        Kind.RISK_CHECK: lambda make: RiskCheckRig(check=make),
        Kind.TRIGGER: lambda make: TriggerRig(trigger=make),
        Kind.FORECASTER: lambda make: ForecasterRig(forecaster=make),
        Kind.OBSERVER: lambda make: ObserverRig(observer=make),
    }
)
"""The rig of a component that says nothing of how to try it, and can be made without options."""


@attrs.frozen
class Tried:
    """One part of a plugin: what became of it, or why nothing could be tried and how it can be."""

    subject: str
    report: Report | None = None
    untried: str = ""


async def check_whole(loaded: Loaded, *, only: Collection[str] = ()) -> list[Tried]:
    """Try a plugin's packaging, and each of its components with the rig that its record names, or else with a plain one.

    `only` names scenarios, and leaves out the parts that none of them is about. Raises NoSuchScenario for a name that is no
    scenario for this plugin.
    """
    name, components = loaded.found.name, list(_components(loaded))
    tables = [PLUGIN_SCENARIOS, *(CHECKS[kind][1] for kind, _ in components)]
    refuse_unknown(only, [each.name for table in tables for each in table], "there is no scenario")
    tried = []
    if wanted := _wanted(PLUGIN_SCENARIOS, only):
        tried.append(Tried(f"plugin {name}", await check_plugin(lambda: PluginRig(plugin=name), only=wanted)))
    for kind, each in components:
        if wanted := _wanted(CHECKS[kind][1], only):
            tried.append(await _tried(loaded, kind, each, wanted))
    return tried


def _wanted(scenarios: Sequence[Scenario[Any]], only: Collection[str]) -> list[str]:
    return [each.name for each in scenarios if not only or each.name in only]


def _components(loaded: Loaded) -> Iterator[tuple[Kind, Component]]:
    for kind, several in loaded.components.items():
        yield from ((kind, each) for each in several if kind in CHECKS)


async def _tried(loaded: Loaded, kind: Kind, component: Component, wanted: Sequence[str]) -> Tried:
    subject = f"{kind} {short_name(loaded.found.name, component)}"
    try:
        maker = _maker(loaded, kind, component)
    except PluginError as error:
        return Tried(subject, untried=str(error))
    if isinstance(maker, str):
        return Tried(subject, untried=maker)
    check, _ = CHECKS[kind]
    return Tried(subject, await check(maker, only=wanted))


def _maker(loaded: Loaded, kind: Kind, component: Component) -> Callable[[], Any] | str:
    """Return what makes the rigs of a component, or why there are none. Raises PluginError when they cannot be imported."""
    if component.rig:
        return resolve_factory(loaded.found, component.rig)
    if kind not in _PLAIN and LOCAL in component.capabilities:
        return f"it connects to nothing, and check_{kind} is about what becomes of a connection"
    if kind not in _PLAIN:
        return (
            f"a {kind} is tried against a simulator of its venue: name a maker of rigs in its record "
            f'(rig="module:function"), or run check_{kind} with one in its tests; see {PAGE}'
        )
    try:
        with contained():
            config = component.config()
    except Contained as failed:
        return f"it cannot be made without options ({failed}): name a maker of rigs in its record; see {PAGE}"
    factory = resolve_factory(loaded.found, component.factory)
    return lambda: _PLAIN[kind](lambda: factory(config))
