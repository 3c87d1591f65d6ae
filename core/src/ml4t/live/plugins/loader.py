"""Loads one plugin at a time, and turns whatever goes wrong with it into a record.

pluggy's own `load_setuptools_entrypoints` is not used: there one failing import ends the loading of all plugins, and the
second of two equal names is dropped without a word.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import attrs
from attrs import field, frozen

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.plugins import hooks
from ml4t.live.plugins.contract import contract_of, contract_problem, in_the_name_of
from ml4t.live.plugins.finder import Conflict, Entry, Found
from ml4t.live.plugins.known import KNOWN
from ml4t.live.plugins.reference import Contained, contained, explain, import_reference, newer
from ml4t.live.plugins.requirements import check_core, same_distribution
from ml4t.live.raised import describe, describe_with_place
from ml4t.live.records import CommandRecord, Component, DoctorRecord, FeedRecord, Kind, SimulatorRecord
from ml4t.live.times import NANOS

SLOW_SECONDS = 1.0
"""Loading a plugin's light module may take this long before it is remarked upon."""

SecretHook: TypeAlias = Callable[..., "str | None"]
_R = TypeVar("_R")


class Stage(StrEnum):
    """How far a plugin got before it broke."""

    NAME = "name"
    CONFLICT = "conflict"
    LOCK = "lock"
    CORE = "core range"
    IMPORT = "import"
    CONTRACT = "contract"
    HOOKS = "hooks"
    RECORDS = "records"


@frozen(kw_only=True)
class Loaded:
    """A plugin that works, and what it offers."""

    found: Found
    components: Mapping[Kind, tuple[Component, ...]]
    """Every kind is a key."""
    secret: SecretHook | None = None
    """Called with the keywords `scheme` and `reference`."""
    commands: tuple[CommandRecord, ...] = ()
    doctor: tuple[DoctorRecord, ...] = ()
    seconds: float = 0.0
    """How long the import and the hooks took."""
    modules: tuple[str, ...] = ()
    """The top-level packages that no one had imported before it did, without the standard library's. Sorted."""
    notes: tuple[str, ...] = ()
    """What does not stop it and is worth knowing."""
    contract: int = 1
    """The version of the contracts that it was written against."""


@frozen(kw_only=True)
class Broken:
    """A plugin that cannot be used, and what mends it."""

    found: Entry
    stage: Stage
    message: str
    remedy: str
    exception: BaseException | None = field(default=None, eq=False)
    """What its code raised, with its traceback; None when the fault was seen without running it."""

    @property
    def name(self) -> str:
        """The entry point's name."""
        return self.found.name


class _RefusedError(Exception):
    """Ends a load: carries the record of why."""

    def __init__(self, broken: Broken) -> None:
        self.broken = broken
        super().__init__(broken.message)


def load(found: Entry, *, clock: Clock | None = None) -> Loaded | Broken:
    """Import one plugin and call its hooks. Raises nothing that the plugin raises, except Ctrl-C.

    `clock` measures how long that takes; on virtual time it takes none.
    """
    try:
        if isinstance(found, Conflict):
            raise _RefusedError(Broken(found=found, stage=Stage.CONFLICT, message=found.message, remedy=found.remedy))
        return _load(found, clock or SystemClock())
    except _RefusedError as refused:
        return refused.broken


def _load(found: Found, clock: Clock) -> Loaded:
    notes = _check_metadata(found)
    before, start = set(sys.modules), clock.stopwatch()
    with in_the_name_of(found) as deprecated:
        plugin = _run(found, Stage.IMPORT, lambda: import_reference(found.target))
        _check_contract(found, plugin)
        fitting = _run(found, Stage.HOOKS, lambda: hooks.implementations(plugin, found.name))
        records = {hook: _records(found, hook, fitting.get(hook, ())) for hook in hooks.RECORDS}
    notes += deprecated
    seconds = (clock.stopwatch() - start) / NANOS
    if seconds > SLOW_SECONDS:
        notes.append(f"loading it took {seconds:.1f} s (more than {SLOW_SECONDS:g} s): its light module imports too much")
    if not fitting:
        notes.append(f"{found.target} implements no hook, so it offers nothing")
    return Loaded(
        found=found,
        components=MappingProxyType({kind: records[hook] for hook, kind in hooks.KINDS.items()}),
        secret=_secret(found, fitting.get(hooks.SECRET, ())),
        commands=records["ml4t_live_commands"],
        doctor=records["ml4t_live_doctor"],
        seconds=seconds,
        modules=_new_packages(before),
        notes=tuple(notes),
        contract=contract_of(plugin),
    )


def _check_metadata(found: Found) -> list[str]:
    """Return notes. Refuses what can be seen to be unusable without importing it."""
    if found.problem:
        remedy = f"The author of {found.distribution} has to rename the entry point"
        raise _RefusedError(
            Broken(found=found, stage=Stage.NAME, message=f"{found.problem} ({found.provenance})", remedy=remedy)
        )
    core = check_core(found)
    if core.problem:
        remedy = f"Install versions that fit: `pip install --upgrade ml4t-live {found.source}`"
        message = f"the plugin {found.name} ({found.provenance}) {core.problem}"
        raise _RefusedError(Broken(found=found, stage=Stage.CORE, message=message, remedy=remedy))
    notes = [core.note] if core.note else []
    known = KNOWN.get(found.name)
    if known and not same_distribution(known.distribution, found.distribution):
        notes.append(f"{found.name} is the name of {known.distribution}, and this one comes from {found.distribution}")
    return notes


def _check_contract(found: Found, plugin: object) -> None:
    """Refuse a plugin that was written against a later version of the contracts than this core has."""
    if problem := contract_problem(plugin):
        message = f"the plugin {found.name} ({found.provenance}) {problem}"
        remedy = f"Install versions that fit: `pip install --upgrade ml4t-live {found.source}`"
        raise _RefusedError(Broken(found=found, stage=Stage.CONTRACT, message=message, remedy=remedy))


def _run(found: Found, stage: Stage, action: Callable[[], _R]) -> _R:
    """Return what a step of loading returns. Refuses, with the reason, when it raises."""
    try:
        with contained():
            return action()
    except Contained as failed:
        raise _RefusedError(_broken(found, stage, failed.original)) from failed.original


def _broken(found: Found, stage: Stage, exception: BaseException) -> Broken:
    reason, remedy = describe_with_place(exception), newer(found)
    if stage is Stage.IMPORT:
        failure = explain(exception, found, found.target)
        reason, remedy = f"cannot be imported: {failure.reason}", failure.remedy
    elif isinstance(exception, hooks.HookError):
        reason = f"does not follow the hooks: {exception}"
    else:
        reason = f"failed in its hooks: {reason}"
    message = f"the plugin {found.name} ({found.provenance}) {reason}"
    return Broken(found=found, stage=stage, message=message, remedy=remedy, exception=exception)


def _records(found: Found, hook: str, functions: tuple[Callable[..., Any], ...]) -> tuple[Any, ...]:
    def collect() -> tuple[Any, ...]:
        records = tuple(record for function in functions for record in hooks.call(hook, function))
        _check_records(hook, records)
        return records

    return _run(found, Stage.RECORDS, collect)


def _check_records(hook: str, records: tuple[Any, ...]) -> None:
    """Raise HookError for what each record allows and the set of them, or its use, does not."""
    names = [name for record in records for name in (record.name, *getattr(record, "formerly", ()))]
    for name, count in Counter(names).items():
        if count > 1:
            raise hooks.HookError(f"{hook} returned {count} records called {name!r}; a name is given once")
    for record in records:
        if not isinstance(record, Component):
            continue
        if not attrs.has(record.config):
            raise hooks.HookError(f"the config of {record.name!r} in {hook}, {record.config.__name__}, is not an attrs class")
        _check_types(record, hook)
        if isinstance(record, FeedRecord) and "symbols" not in attrs.fields_dict(record.config):
            raise hooks.HookError(f"the config of the feed {record.name!r}, {record.config.__name__}, has no field `symbols`")
        if isinstance(record, SimulatorRecord) and (required := _without_default(record.config)):
            raise hooks.HookError(
                f"the config of the simulator {record.name!r}, {record.config.__name__}, needs {', '.join(required)}; "
                "give every field a default, so that it starts without questions"
            )


def _check_types(record: Component, hook: str) -> None:
    """Raise HookError when nobody could say which settings a component takes."""
    try:
        attrs.resolve_types(record.config)
    except Exception as error:
        why = f"a type in it cannot be read ({describe(error)})"
        raise hooks.HookError(f"the config of {record.name!r} in {hook}, {record.config.__name__}: {why}") from error


def _without_default(config: type) -> list[str]:
    return [each.alias for each in attrs.fields(config) if each.init and each.default is attrs.NOTHING]


def _secret(found: Found, functions: tuple[Callable[..., Any], ...]) -> SecretHook | None:
    def only() -> SecretHook | None:
        if len(functions) > 1:
            raise hooks.HookError(f"{hooks.SECRET} is implemented {len(functions)} times; once is enough")
        return hooks.by_name(functions[0]) if functions else None

    return _run(found, Stage.HOOKS, only)


def _new_packages(before: set[str]) -> tuple[str, ...]:
    fresh = {name.partition(".")[0] for name in set(sys.modules) - before if not name.startswith("_")}
    return tuple(sorted(fresh - {name.partition(".")[0] for name in before} - sys.stdlib_module_names))
