"""Writes a configuration document as TOML: what `tomllib` reads and the standard library cannot write."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def dumps(document: Mapping[str, Any]) -> str:
    """Return the document as TOML; a null, which TOML does not have, is left out."""
    return "\n".join(_table(document, ())).lstrip("\n") + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of a table: its plain values first, because what follows a heading belongs to it."""
    nested = {key: value for key, value in table.items() if _is_section(value, path)}
    plain = {key: value for key, value in table.items() if key not in nested and value is not None}
    if path and (plain or not nested):
        yield f"\n[{_dotted(path)}]"
    yield from _pairs(plain)
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from _table(value, (*path, key))
            continue
        for entry in value:
            yield f"\n[[{_dotted((*path, key))}]]"
            yield from _pairs({inner: item for inner, item in entry.items() if item is not None})


def _is_section(value: Any, path: tuple[str, ...]) -> bool:
    """A table gets a heading down to [feeds.main]; below it, as a reference to a secret, it stays on its line."""
    if isinstance(value, Mapping):
        return len(path) < 2 and not _is_reference(value)
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(entry, Mapping) for entry in value)


def _is_reference(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and all(isinstance(entry, str) for entry in value.values())


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        yield f"{_key(key)} = {_value(value)}"


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(map(_key, path))


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items() if item is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return value.isoformat() if hasattr(value, "isoformat") else _text(str(value))


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
