"""Decoding of values: cattrs with strict hooks for everything that a configuration can hold."""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs
from cattrs import Converter

from ml4t.live.config import scalars
from ml4t.live.config.class_path import ClassPath
from ml4t.live.config.duration import is_duration
from ml4t.live.config.problem import Mistake, Mistakes, Route, SecretMistake, did_you_mean, shown
from ml4t.live.config.secret import Secret, SecretSource, is_reference
from ml4t.live.config.table import structure_table

_SEQUENCES = {list, tuple, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection}
_SETS = {set, frozenset, collections.abc.Set}
_TABLES = {dict, collections.abc.Mapping, collections.abc.MutableMapping}
_OFF = {"off", "none"}


def make_converter(folder: Path, secrets: SecretSource) -> Converter:
    """Return the converter of one document: paths are relative to `folder`, references are looked up in `secrets`."""
    converter = Converter(forbid_extra_keys=True)
    on = converter.register_structure_hook_func
    # cattrs asks the hook registered last first: from the general to the particular.
    on(lambda t: t is Any or t is object, lambda value, _: with_secrets(value, secrets))
    on(attrs.has, lambda value, cls: structure_table(converter, value, cls))
    on(lambda t: _base(t) in _SEQUENCES, lambda value, t: _sequence(converter, value, t))
    on(lambda t: _base(t) in _SETS, lambda value, t: _set(converter, value, t))
    on(lambda t: _base(t) in _TABLES, lambda value, t: _table(converter, value, t))
    on(lambda t: get_origin(t) in {Union, types.UnionType}, lambda value, t: _union(converter, value, t))
    on(lambda t: _base(t) is Literal, lambda value, t: _choice(value, get_args(t)))
    on(lambda t: isinstance(t, type) and issubclass(t, Enum), _enum)
    on(lambda t: _base(t) is Annotated, lambda value, t: converter.structure(value, get_args(t)[0]))
    on(is_duration, lambda value, _: scalars.read_duration(value))
    for cls, reader in _readers(folder, secrets).items():
        # By class, not by predicate: cattrs' own lenient hooks for these are found before any predicate.
        converter.register_structure_hook(cls, partial(_read, cls, reader))
    return converter


def _base(tp: Any) -> Any:
    return get_origin(tp) or tp


def _read(cls: type, reader: Callable[[Any], Any], value: Any, tp: Any) -> Any:
    """Read a value of `cls`; cattrs sends the subclasses here too, a StrEnum among them."""
    if tp is cls:
        return reader(value)
    return _enum(value, tp) if issubclass(tp, Enum) else tp(reader(value))


def _readers(folder: Path, secrets: SecretSource) -> dict[type, Callable[[Any], Any]]:
    return {
        bool: scalars.read_bool,
        int: scalars.read_int,
        float: scalars.read_float,
        str: lambda value: scalars.read_str(value, secrets),
        Secret: lambda value: scalars.read_secret(value, secrets),
        Path: lambda value: folder / Path(scalars.read_str(value, secrets)).expanduser(),
        ClassPath: lambda value: ClassPath(scalars.read_str(value, secrets), folder),
        Decimal: scalars.read_decimal,
        datetime: scalars.read_datetime,
        date: lambda value: scalars.read_instance(value, date, "a date such as 2026-01-31, without quotes"),
        time: lambda value: scalars.read_instance(value, time, "a time of day such as 09:30:00, without quotes"),
        types.NoneType: scalars.read_nothing,
    }


def _enum(value: Any, cls: type[Enum]) -> Enum:
    member: Enum = _choice(value, [member.value for member in cls], [cls(member.value) for member in cls])
    return member


def _choice(value: Any, choices: Any, results: Any = None) -> Any:
    for choice, result in zip(choices, results or choices, strict=True):
        if value == choice and type(value) is type(choice):
            return result
    hint = did_you_mean(value, [c for c in choices if isinstance(c, str)]) if isinstance(value, str) else ""
    raise Mistake(f"must be one of {', '.join(str(shown(choice)) for choice in choices)}{hint}")


def _union(converter: Converter, value: Any, tp: Any) -> Any:
    """Try each member in turn; None is written "off", because TOML has no word for it."""
    members = [member for member in get_args(tp) if member is not types.NoneType]
    optional = len(members) < len(get_args(tp))
    if optional and value is None:
        return None
    errors: list[Exception] = []
    for member in members:
        try:
            return converter.structure(value, member)
        except Exception as error:  # noqa: BLE001 - whatever this member raises, another may fit
            errors.append(error)
    if optional and isinstance(value, str) and value.lower() in _OFF:
        return None
    if len(errors) == 1 or any(isinstance(error, SecretMistake) for error in errors):
        raise next((error for error in errors if isinstance(error, SecretMistake)), errors[0])
    raise Mistake("; or ".join(dict.fromkeys(str(error) for error in errors)), hide=Secret in members)


def with_secrets(value: Any, secrets: SecretSource) -> Any:
    """Keep a value as it is, except that references in it become secrets."""
    if is_reference(value):
        return Secret(secrets.resolve(value))
    if isinstance(value, Mapping):
        return dict(zip(value, _each((key, partial(with_secrets, item, secrets)) for key, item in value.items()), strict=True))
    if isinstance(value, (list, tuple)):
        return list(_each((index, partial(with_secrets, item, secrets)) for index, item in enumerate(value)))
    return value


def _sequence(converter: Converter, value: Any, tp: Any) -> Any:
    made = list if _base(tp) is list else tuple
    args = get_args(tp)
    _must_be_list(value)
    if made is tuple and args and args[-1] is not ... and _base(tp) is tuple:
        if len(value) != len(args):
            raise Mistake(f"must have exactly {len(args)} values")
        members = list(args)
    else:
        members = [args[0] if args else Any] * len(value)
    calls = enumerate(map(partial(partial, converter.structure), value, members))
    return made(_each(calls))


def _set(converter: Converter, value: Any, tp: Any) -> Any:
    _must_be_list(value)
    member = next(iter(get_args(tp)), Any)
    made = set if _base(tp) is set else frozenset
    return made(_each((index, partial(converter.structure, item, member)) for index, item in enumerate(value)))


def _must_be_list(value: Any) -> None:
    if isinstance(value, str):
        raise Mistake(f'must be a list; write ["{value}"]')
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise Mistake("must be a list; write it in [ ]")


def _table(converter: Converter, value: Any, tp: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Mistake("must be a table; write { key = value }")
    _, member = get_args(tp) or (str, Any)
    return dict(
        zip(value, _each((key, partial(converter.structure, item, member)) for key, item in value.items()), strict=True)
    )


def _each(calls: Iterable[tuple[str | int, Callable[[], Any]]]) -> list[Any]:
    """Return the result of every call; raise `Mistakes` with all that failed."""
    done: list[Any] = []
    failed: list[tuple[Route, Exception]] = []
    for key, call in calls:
        try:
            done.append(call())
        except Exception as error:  # noqa: BLE001 - whatever it is, the other values are still to be checked
            failed.append(((key,), error))
    if failed:
        raise Mistakes(failed)
    return done
