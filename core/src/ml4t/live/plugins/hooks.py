"""Reads the hooks of one plugin: pluggy says which there are and whether they fit, this module says what is wrong."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import pluggy

from ml4t.live.hookspecs import PROJECT, ComponentSpecs, ServiceSpecs
from ml4t.live.records import (
    BrokerRecord,
    CommandRecord,
    DoctorRecord,
    FeedRecord,
    ForecasterRecord,
    HostRecord,
    Kind,
    ObserverRecord,
    RiskCheckRecord,
    SimulatorRecord,
    TriggerRecord,
)

PREFIX = "ml4t_live_"
SECRET = "ml4t_live_secret"  # noqa: S105 - the name of a hook
RECORDS: Mapping[str, type] = MappingProxyType(
    {
        "ml4t_live_feeds": FeedRecord,
        "ml4t_live_brokers": BrokerRecord,
        "ml4t_live_risk_checks": RiskCheckRecord,
        "ml4t_live_triggers": TriggerRecord,
        "ml4t_live_forecasters": ForecasterRecord,
        "ml4t_live_observers": ObserverRecord,
        "ml4t_live_simulators": SimulatorRecord,
        "ml4t_live_hosts": HostRecord,
        "ml4t_live_commands": CommandRecord,
        "ml4t_live_doctor": DoctorRecord,
    }
)
"""What each hook that returns records returns."""

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "ml4t_live_feeds": Kind.FEED,
        "ml4t_live_brokers": Kind.BROKER,
        "ml4t_live_risk_checks": Kind.RISK_CHECK,
        "ml4t_live_triggers": Kind.TRIGGER,
        "ml4t_live_forecasters": Kind.FORECASTER,
        "ml4t_live_observers": Kind.OBSERVER,
        "ml4t_live_simulators": Kind.SIMULATOR,
        "ml4t_live_hosts": Kind.HOST,
    }
)
"""The kind of component that a hook offers."""

Implementations: TypeAlias = Mapping[str, tuple[Callable[..., Any], ...]]


class HookError(Exception):
    """A plugin's hooks do not fit; the text is one reason or several."""


def manager() -> pluggy.PluginManager:
    """Return an empty manager that knows the specifications."""
    made = pluggy.PluginManager(PROJECT)
    made.add_hookspecs(ComponentSpecs)
    made.add_hookspecs(ServiceSpecs)
    return made


def implementations(plugin: object, name: str) -> Implementations:
    """Return the functions of a plugin by hook. Raises HookError when any of them would never be called, or wrongly.

    Each plugin gets a manager of its own, so that what is wrong with one cannot show up in another.
    """
    hooks = manager()
    problems = [_unmarked(function) for function in _unmarked_names(hooks, plugin)]
    try:
        hooks.register(plugin, name)
    except pluggy.PluginValidationError as exception:
        raise HookError("; ".join([*problems, _validation(exception)])) from exception
    fitting: dict[str, tuple[Callable[..., Any], ...]] = {}
    for caller in hooks.get_hookcallers(plugin) or ():
        for implementation in caller.get_hookimpls():
            problem = _misfit(caller, implementation)
            if problem:
                problems.append(problem)
            elif caller.has_spec():
                fitting[caller.name] = (*fitting.get(caller.name, ()), implementation.function)
    if problems:
        raise HookError("; ".join(problems))
    return fitting


def call(hook: str, function: Callable[[], object]) -> tuple[Any, ...]:
    """Return the records of one hook. Raises HookError when it returns anything else, and whatever it raises itself."""
    result = function()
    if result is None:
        raise HookError(f"{hook} returned None; it returns a list of records (a `return` is missing)")
    if not isinstance(result, Iterable) or isinstance(result, str | bytes):
        raise HookError(f"{hook} returned a {type(result).__name__}; it returns a list of records (put it in brackets)")
    records = tuple(result)
    for record in records:
        if not isinstance(record, RECORDS[hook]):
            raise HookError(_wrong_record(hook, record))
    return records


def _misfit(caller: pluggy.HookCaller, implementation: pluggy.HookImpl) -> str:
    """Return why an implementation cannot be used; empty when it can, or when it says itself that it may be unknown."""
    if not caller.has_spec():
        return "" if implementation.optionalhook else _unknown(caller.name)
    if implementation.wrapper or implementation.hookwrapper:
        return f"{caller.name} is a wrapper, which this framework has no use for: drop the argument of @hookimpl"
    if inspect.iscoroutinefunction(implementation.function) or inspect.isasyncgenfunction(implementation.function):
        return f"{caller.name} is async; hooks are called once at start-up, before there is a loop: write `def`"
    return ""


def _unknown(name: str) -> str:
    known = [*RECORDS, SECRET]
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"did you mean {nearest[0]}?" if nearest else f"the hooks are {', '.join(known)}"
    return f"there is no hook {name}; {hint}"


def _unmarked(name: str) -> str:
    return f"{name} is not marked: put @hookimpl (from ml4t.live.hookspecs) above it, or it is never called"


def _unmarked_names(hooks: pluggy.PluginManager, plugin: object) -> Iterator[str]:
    for name in dir(plugin):
        # A module that is imported under such a name (`import ml4t_live_ib`) is no function, and no mistake.
        function = name.startswith(PREFIX) and inspect.isroutine(inspect.getattr_static(plugin, name, None))
        if function and hooks.parse_hookimpl_opts(plugin, name) is None:
            yield name


def _validation(exception: pluggy.PluginValidationError) -> str:
    return "a hook does not fit its specification: " + " ".join(str(exception).split())


def _wrong_record(hook: str, record: object) -> str:
    got = type(record).__name__
    home = [each for each, expected in RECORDS.items() if isinstance(record, expected)]
    hint = f"; a {got} belongs to {home[0]}" if home else ""
    return f"{hook} returned a {got}; it returns {RECORDS[hook].__name__} objects{hint}"


def by_name(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes every argument of its hook by keyword and passes on those that `function` asks for."""
    asked = frozenset(inspect.signature(function).parameters)

    def adapted(**arguments: object) -> Any:
        return function(**{name: value for name, value in arguments.items() if name in asked})

    return adapted
