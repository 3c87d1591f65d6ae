"""Decoding of one table into an attrs class, key by key, so that every mistake in it is found at once.

cattrs on its own stops before the validators when a key is unknown, and attrs stops at the first validator that fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import attrs
from cattrs import Converter

from ml4t.live.config.problem import Mistake, Mistakes, Route, did_you_mean, nearest

T = TypeVar("T")
_Failed = list[tuple[Route, Exception]]


def structure_table(
    converter: Converter, raw: Any, cls: type[T], *, given: Mapping[str, Any] | None = None, also_known: Iterable[str] = ()
) -> T:
    """Return an instance of the attrs class `cls` made from the table `raw`.

    `given` are arguments that the table does not decide; `also_known` are keys that belong to somebody else and are only named
    in suggestions. Raises `Mistakes` with everything that is wrong: unknown and missing keys, types, and what the validators
    of the class say.
    """
    if not isinstance(raw, Mapping):
        raise Mistake("must be a table; head it [name] in brackets, or write { key = value }")
    given = dict(given or {})
    types = key_types(cls, without=given)
    unknown = [key for key in raw if key not in types]
    failed: _Failed = [((key,), _unknown(key, [*types, *also_known])) for key in unknown]
    arguments = given | _decode_keys(converter, raw, types, failed)
    there = {*raw, *given, *(nearest(key, types) for key in unknown)}  # a misspelt key is not missing as well
    failed += [((key,), _missing(key)) for key in required_keys(cls) if key not in there]
    if not failed:
        try:
            return cls(**arguments)
        except Exception as error:  # noqa: BLE001 - a plugin's validator may raise anything
            failed += _probe(cls, arguments) or [(_accused(error, types), error)]
    else:
        failed += _probe(cls, arguments)
    raise Mistakes(failed)


def key_types(cls: type, *, without: Iterable[str] = ()) -> dict[str, Any]:
    """Return the keys that `cls` accepts in a table and the type of each.

    A class attribute `also_accepts` adds other spellings: key to the field that it means, or to the type of an argument
    that the constructor understands.
    """
    try:
        attrs.resolve_types(cls)
    except NameError as error:
        raise Mistake(f"the plugin's class {cls.__qualname__} cannot be read ({error}); tell its author") from None
    types = {f.alias: f.type or Any for f in attrs.fields(cls) if f.init and f.alias not in set(without)}
    also: Mapping[str, Any] = getattr(cls, "also_accepts", {})
    return types | {key: types[target] if isinstance(target, str) else target for key, target in also.items()}


def required_keys(cls: type) -> list[str]:
    """Return the keys without a default."""
    return [f.alias for f in attrs.fields(cls) if f.init and f.default is attrs.NOTHING]


def _decode_keys(converter: Converter, raw: Mapping[str, Any], types: Mapping[str, Any], failed: _Failed) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for key, value in raw.items():
        if key not in types:
            continue
        try:
            arguments[key] = converter.structure(value, types[key])
        except Exception as error:  # noqa: BLE001 - a third party's type may raise anything; the other keys are still to be read
            failed.append(((key,), error))
    return arguments


def _unknown(key: str, known: Iterable[str]) -> Mistake:
    known = list(known)
    hint = did_you_mean(key, known) or f"; known here: {', '.join(known) or 'nothing'}"
    # The value is kept out: an unknown key may be a misspelt one for a secret.
    return Mistake(f"unknown key{hint}", hide=True)


def _missing(key: str) -> Mistake:
    return Mistake(f"is missing and has no default; write {key} = ...")


def _probe(cls: type, arguments: Mapping[str, Any]) -> _Failed:
    """Run the validators of those fields that could be decoded, each on its own, and return what they say."""
    failed: _Failed = []
    also: Mapping[str, Any] = getattr(cls, "also_accepts", {})
    keys = {f.alias: f.alias for f in attrs.fields(cls)} | {
        also[key]: key for key in arguments if isinstance(also.get(key), str)
    }
    half = _with_defaults(cls)
    for attribute in attrs.fields(cls):
        key = keys[attribute.alias]
        if key not in arguments:
            continue
        try:
            value = _convert(attribute, arguments[key], half)
            object.__setattr__(half, attribute.name, value)
            if attribute.validator is not None:
                attribute.validator(half, attribute, value)
        except AttributeError:
            continue  # it compares with a field that is not there; nothing can be said
        except Exception as error:  # noqa: BLE001 - a plugin's validator may raise anything
            failed.append(((key,), error))
    return failed


def _accused(error: Exception, keys: Iterable[str]) -> Route:
    """Return the way to the key that a constructor's message opens with; the table itself when it opens otherwise."""
    opening = str(error).split(" ", 1)[0].strip("'")
    return (opening,) if opening in keys else ()


def _with_defaults(cls: type) -> Any:
    """Return an instance that was never initialised, its defaults set: what a validator that compares two fields looks at."""
    half: Any = object.__new__(cls)
    for attribute in attrs.fields(cls):
        default: Any = attribute.default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
            default = attrs.NOTHING if default.takes_self else default.factory()
        if default is not attrs.NOTHING:
            object.__setattr__(half, attribute.name, default)
    return half


def _convert(attribute: attrs.Attribute[Any], value: Any, half: object) -> Any:
    converter: Any = attribute.converter
    if not isinstance(converter, attrs.Converter):
        return converter(value) if converter else value
    wrapped: Any = converter
    extra = ([half] if wrapped.takes_self else []) + ([attribute] if wrapped.takes_field else [])
    return wrapped.converter(value, *extra)
