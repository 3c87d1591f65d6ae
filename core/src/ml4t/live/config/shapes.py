"""JSON Schema of types: attrs classes, and everything that the decoder reads."""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs

from ml4t.live.config.class_path import ClassPath
from ml4t.live.config.docs import class_doc, field_docs
from ml4t.live.config.duration import is_duration
from ml4t.live.config.secret import Secret
from ml4t.live.config.table import key_types, required_keys
from ml4t.live.times import format_duration

Shape = dict[str, Any]

REFERENCE: Shape = {
    "description": "A reference to a value that is not written here: an environment variable, a file, or a plugin's scheme.",
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "properties": {"env": {"type": "string"}, "file": {"type": "string"}},
    "additionalProperties": {"type": "string"},
}
_REFERENCE: Shape = {"$ref": "#/$defs/reference"}
_TEXT: Shape = {"anyOf": [{"type": "string"}, _REFERENCE]}
_DURATION: Shape = {"type": "string", "pattern": r"^(\d+(\.\d+)?\s*(ns|us|ms|s|m|min|h|d|w)\s*)+$", "examples": ["5m", "1h30m"]}
_OFF: Shape = {"enum": ["off", "none"]}
_BOUNDS = {">": "exclusiveMinimum", ">=": "minimum", "<": "exclusiveMaximum", "<=": "maximum"}
_SIMPLE: Mapping[Any, Shape] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: _TEXT,
    Path: _TEXT,
    ClassPath: _TEXT,
    Secret: _REFERENCE,
    Decimal: {"type": ["string", "integer"]},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    time: {"type": "string", "format": "time"},
    dict: {"type": "object"},
}
_ARRAYS = {list, tuple, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection}
_SETS = {set, frozenset, collections.abc.Set}
_TABLES = {dict, collections.abc.Mapping, collections.abc.MutableMapping}


def table_shape(cls: type, *, without: Iterable[str] = ()) -> Shape:
    """Return the schema of the table that an attrs class is decoded from."""
    kinds, docs = key_types(cls, without=without), field_docs(cls)
    fields = {f.alias: f for f in attrs.fields(cls)}
    also: Mapping[str, Any] = getattr(cls, "also_accepts", {})
    properties = {}
    for key, kind in kinds.items():
        attribute = fields.get(also[key] if isinstance(also.get(key), str) else key)
        properties[key] = type_shape(kind)
        if attribute is not None:
            properties[key] = _described(properties[key], attribute, docs.get(attribute.name, ""))
    required = [key for key in required_keys(cls) if key in kinds]
    shape = {"type": "object", "description": class_doc(cls), "properties": properties, "additionalProperties": False}
    return shape | ({"required": required} if required else {})


def type_shape(tp: Any) -> Shape:
    """Return the schema of what the decoder accepts for a type; an empty one, which allows anything, for an unknown type."""
    if is_duration(tp):
        return dict(_DURATION)
    base, args = get_origin(tp) or tp, get_args(tp)
    if base is Annotated:
        return type_shape(args[0])
    if base in {Union, types.UnionType}:
        return _union(args)
    if attrs.has(base):
        return table_shape(base)
    return _choices(base, args) or _container(base, args) or dict(_SIMPLE.get(base, {}))


def _choices(base: Any, args: tuple[Any, ...]) -> Shape:
    if base is Literal:
        return {"enum": list(args)}
    if isinstance(base, type) and issubclass(base, Enum):
        return {"enum": [member.value for member in base]}
    return {}


def _union(args: tuple[Any, ...]) -> Shape:
    """None is written "off"."""
    shapes = [_OFF if arg is types.NoneType else type_shape(arg) for arg in args]
    flat = [inner for shape in shapes for inner in (shape["anyOf"] if shape.keys() == {"anyOf"} else [shape])]
    return {"anyOf": flat} if len(flat) > 1 else flat[0]


def _container(base: Any, args: tuple[Any, ...]) -> Shape:
    if base in _TABLES:
        return {"type": "object"} | ({"additionalProperties": type_shape(args[1])} if args else {})
    if base in _SETS:
        return {"type": "array", "uniqueItems": True} | _items(args)
    if base in _ARRAYS:
        return {"type": "array"} | _items(args)
    return {}


def _items(args: tuple[Any, ...]) -> Shape:
    if len(args) > 1 and args[-1] is not ...:
        return {"prefixItems": [type_shape(arg) for arg in args], "minItems": len(args), "maxItems": len(args)}
    return {"items": type_shape(args[0])} if args else {}


def _described(shape: Shape, attribute: attrs.Attribute[Any], doc: str) -> Shape:
    bounds = _bounds(attribute.validator)
    if bounds and "anyOf" in shape:  # "off" has no bounds
        shape = shape | {"anyOf": [each if each is _OFF or "$ref" in each else each | bounds for each in shape["anyOf"]]}
    else:
        shape = shape | bounds
    default = _default(attribute)
    return shape | ({"description": doc} if doc else {}) | ({} if default is None else {"default": default})


def _bounds(validator: Callable[..., Any] | None) -> Shape:
    """Return what an attrs validator says about a value, as far as JSON Schema can say it.

    A validator of one's own may have an attribute `json_schema`. The attributes of attrs' own are read with `getattr`, because
    their classes are not public.
    """
    if validator is None:
        return {}
    own = getattr(validator, "json_schema", None)
    if own is not None:
        return dict(own)
    found: Shape = {}
    inner = [*getattr(validator, "_validators", ()), getattr(validator, "validator", None)]
    for each in inner:
        found |= _bounds(each)
    operator = _BOUNDS.get(getattr(validator, "compare_op", ""))
    if operator:
        found[operator] = getattr(validator, "bound")  # noqa: B009 - mypy knows nothing of it
    if isinstance(choices := getattr(validator, "options", None), (list, tuple, set, frozenset)):
        found["enum"] = list(choices)
    if pattern := getattr(validator, "pattern", None):
        found["pattern"] = f"^(?:{pattern.pattern})$"
    return found


def _default(attribute: attrs.Attribute[Any]) -> Any:
    """Return the default as the file would write it; None when there is none that it could."""
    value = attribute.default
    if value is attrs.NOTHING or value is None or isinstance(value, attrs.Factory):  # type: ignore[arg-type]
        return None
    if isinstance(value, Enum):
        return value.value
    if is_duration(attribute.type):
        return format_duration(value) if value else None
    if isinstance(value, (frozenset, set, tuple, list)):
        return sorted(value) if isinstance(value, (frozenset, set)) else list(value)
    return value if isinstance(value, (bool, int, float, str)) else None
