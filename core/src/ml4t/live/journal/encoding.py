"""JSON text of record bodies: it never fails on the way in, and gives the same object on the way out.

JSON has no NaN and no infinity: both are written as null. A null in a field that must be a float is read back as NaN.
Decimals are strings, datetimes ISO 8601, paths strings, enums their values, numpy scalars and arrays plain numbers.
"""

from __future__ import annotations

import collections
import math
import os
import typing
from collections.abc import Hashable, KeysView, Mapping, Set, ValuesView
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

T = TypeVar("T")

_LONGEST_REPR = 10_000
_NAMED_BY_TEXT = (tuple, bool, type(None))  # the hook sees these only as keys of a dict
_LISTED = (collections.deque, range, Set, KeysView, ValuesView)


def encode(body: object) -> str:
    """Return the JSON text of `body`; an object without one becomes `{"error": ..., "repr": ...}`."""
    try:
        return _SORTED.encode(body).decode()
    except TypeError:
        pass  # a dict whose keys are numbers: msgspec sorts only text, and such a dict keeps the order it was built in
    except Exception as error:  # noqa: BLE001 - whatever a foreign object raises, the record must be kept
        return encode_failure(body, error)
    try:
        return _AS_BUILT.encode(body).decode()
    except Exception as error:  # noqa: BLE001
        return encode_failure(body, error)


def encode_failure(body: object, error: Exception) -> str:
    """Return the JSON text that stands in for a body that cannot be written, with the reason under `error`."""
    fields = {"error": clean(f"{type(error).__name__}: {error}"), "repr": _repr(body)}
    return _SORTED.encode(fields).decode()


def clean(text: object) -> str:
    """Return plain text that SQLite and JSON accept: lone surrogates are escaped."""
    if type(text) is str and text.isascii():
        return text
    try:
        return str(text).encode("utf-8", "backslashreplace").decode()
    except Exception:  # noqa: BLE001 - a broken __str__ must not cost the record
        return object.__repr__(text)


def decode(kind: type[T], text: str) -> T:
    """Return the object of class `kind` that `text` was made from; fields that it does not know are ignored.

    Raises msgspec.ValidationError (or DecodeError) when the text is not one.
    """
    try:
        return cast("T", _decoder(cast("Hashable", kind)).decode(text))
    except msgspec.ValidationError:
        fields = msgspec.json.decode(text)
        if not isinstance(fields, dict):
            raise
        return msgspec.convert(_with_nan(fields, kind), kind, str_keys=True)


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(cast("type[Any]", kind))


@cache
def _float_fields(kind: type) -> frozenset[str]:
    return frozenset(name for name, hint in typing.get_type_hints(kind).items() if hint is float)


def _with_nan(fields: dict[str, Any], kind: type) -> dict[str, Any]:
    for name, value in fields.items():
        if value is None and name in _float_fields(kind):
            fields[name] = math.nan
        elif isinstance(value, dict):
            fields[name] = {key: math.nan if entry is None else entry for key, entry in value.items()}
    return fields


def _plain(value: Any) -> object:  # noqa: PLR0911 - one line per family of types
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, _NAMED_BY_TEXT):
        return str(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, _LISTED):
        return list(value)
    return _number(value)


def _number(value: Any) -> object:
    # numpy scalars, numpy arrays and tensors all have one or both, and core does not import any of them to ask.
    for name in ("tolist", "item"):
        method = getattr(value, name, None)
        if callable(method):
            return method()
    return {"error": f"{type(value).__name__} has no JSON form", "repr": _repr(value)}


def _repr(value: object) -> str:
    try:
        return clean(repr(value))[:_LONGEST_REPR]
    except Exception:  # noqa: BLE001 - a broken repr must not cost the record
        return object.__repr__(value)


_SORTED = msgspec.json.Encoder(enc_hook=_plain, order="deterministic")
_AS_BUILT = msgspec.json.Encoder(enc_hook=_plain)
