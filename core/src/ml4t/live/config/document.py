"""The document: a TOML or JSON file with overlays and assignments merged into it."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from attrs import field, frozen

from ml4t.live.config.assign import assign, parse_assignment
from ml4t.live.config.lines import spots, words
from ml4t.live.config.problem import Mistake, Route, did_you_mean
from ml4t.live.config.secret import is_reference
from ml4t.live.errors import ConfigError

Source = str | Path | Mapping[str, Any]
"""The path of a file, or a document made in code."""

_LINE = re.compile(r"\(at line (\d+)")
_TWICE = re.compile(r"Cannot declare \((.*)\) twice")
_MISSING: Any = object()


@frozen
class Layer:
    """One of the texts that a document was merged from: where each value is written, `label` in words."""

    spots: Mapping[Route, str]


@frozen(kw_only=True)
class Document:
    """A merged document, with references in place of secrets.

    `path` is the first file, None for a document made in code; `folder` is what relative paths in it are relative to.
    """

    data: Mapping[str, Any]
    folder: Path
    path: Path | None = None
    layers: tuple[Layer, ...] = field(default=(), repr=False)

    @property
    def digest(self) -> str:
        """The SHA-256 of the merged document: equal for equal configurations, whatever the layout of the file."""
        text = json.dumps(self.data, sort_keys=True, default=str, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def value(self, route: Route) -> Any:
        """Return the value at `route`, or `MISSING`."""
        value: Any = self.data
        for part in route:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return _MISSING
        return value

    def where(self, route: Route) -> str:
        """Return where the value, or the table that it misses from, is written; empty when that is not known."""
        for length in range(len(route), 0, -1):
            for layer in reversed(self.layers):
                if label := layer.spots.get(route[:length]):
                    return label
        return ""


MISSING = _MISSING


def read(source: Source, *, overlays: Iterable[Source] = (), assignments: Iterable[str] = ()) -> Document:
    """Return the document of `source`, with `overlays` merged over it and `assignments` (`a.b=value`) made last.

    Tables are merged key by key; anything else is replaced. Raises ConfigError with every file and assignment that cannot
    be used.
    """
    problems: list[str] = []
    data: dict[str, Any] = {}
    layers: list[Layer] = []
    for position, part in enumerate([source, *overlays]):
        try:
            table, layer = _read_one(part, is_overlay=position > 0)
        except ConfigError as error:
            problems += error.problems
            continue
        merge(data, table)
        layers.append(layer)
    if problems:  # assignments to a document that is not whole would only be complained about twice
        raise ConfigError(problems, source=_name(source))
    layers += _assign_all(data, assignments, problems)
    if problems:
        raise ConfigError(problems, source=_name(source))
    path = None if isinstance(source, Mapping) else Path(source)
    folder = (path.parent if path else Path()).resolve()
    return Document(data=data, folder=folder, path=path, layers=tuple(layers))


def merge(data: dict[str, Any], over: Mapping[str, Any]) -> None:
    """Merge `over` into `data`: tables key by key, everything else replaced. A reference is one value, not a table."""
    for key, value in over.items():
        old = data.get(key)
        if isinstance(old, dict) and isinstance(value, Mapping) and not is_reference(old) and not is_reference(value):
            merge(old, value)
        else:
            data[key] = copy.deepcopy(value)


def _assign_all(data: dict[str, Any], assignments: Iterable[str], problems: list[str]) -> list[Layer]:
    layers = []
    for text in assignments:
        try:
            route, value = parse_assignment(text)
            route = assign(data, route, value)
        except Mistake as error:
            problems.append(f"--set {text.partition('=')[0]}: {error}")
        else:
            layers.append(Layer({route: "--set"}))
    return layers


def _name(source: Source) -> str:
    return "" if isinstance(source, Mapping) else str(source)


def _read_one(source: Source, *, is_overlay: bool) -> tuple[Mapping[str, Any], Layer]:
    if isinstance(source, Mapping):
        return source, Layer({})
    path = Path(source)
    text = _text(path, is_overlay=is_overlay)
    prefix = f"{path.name} " if is_overlay else ""
    if path.suffix.lower() == ".json":
        return _parse_json(path, text), Layer({})
    places: dict[Route, str] = {}
    table = _parse_toml(path, text)
    for route, number in spots(text):
        for length in range(1, len(route) + 1):
            places.setdefault(route[:length], f"{prefix}line {number}")
    return table, Layer(places)


def _text(path: Path, *, is_overlay: bool) -> str:
    what, command = ("overlay", "--overlay") if is_overlay else ("configuration", "ml4t-live run")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = did_you_mean(path.name, _siblings(path))
        remedy = near or f"; check the path given to `{command}`, or write that file"
        raise ConfigError([f"{path}: there is no such {what} file{remedy}"]) from None
    except IsADirectoryError:
        raise ConfigError([f"{path}: is a folder; name the {what} file in it"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is not UTF-8 text; save it as UTF-8"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror}); check its permissions"]) from None


def _siblings(path: Path) -> list[str]:
    try:
        return [each.name for each in path.parent.iterdir() if each.suffix.lower() in {".toml", ".json"}]
    except OSError:
        return []


def _parse_toml(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        lines = text.splitlines() or [""]
        number = min(int(found[1]) if found else len(lines), len(lines))
        raise ConfigError([f"{path} line {number}: {_explain(str(error), lines[number - 1])}"]) from None


def _explain(message: str, line: str) -> str:
    """Say a syntax error in the words of a configuration. The line itself is not repeated: it may hold a secret."""
    message = message.partition(" (at ")[0]
    if twice := _TWICE.match(message):
        name = ".".join(words(twice[1]))
        hint = (
            "; write [[risk.checks]] each time"
            if name == "risk.checks"
            else "; give each its own name, or put the two together"
        )
        return f"the table [{name}] is there twice{hint}"
    if message == "Cannot overwrite a value":
        key = ".".join(words(line.partition("=")[0]))
        return f"{key} is given twice; keep one of them"
    return f"not valid TOML: {message}; text goes in quotes, lists in [ ], and a table is headed [name]"


def _parse_json(path: Path, text: str) -> dict[str, Any]:
    try:
        table = json.loads(text, object_pairs_hook=_unique(path), parse_constant=float)
    except json.JSONDecodeError as error:
        raise ConfigError([f"{path} line {error.lineno}: not valid JSON: {error.msg}; mend the syntax"]) from None
    if not isinstance(table, dict):
        raise ConfigError([f"{path}: a configuration is a JSON object; write {{ ... }}"])
    return table


def _unique(path: Path) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(items)
        if len(table) < len(items):
            names = [name for name, _ in items]
            _refuse(path, next(name for name in names if names.count(name) > 1))
        return table

    return pairs


def _refuse(path: Path, name: str) -> NoReturn:
    raise ConfigError([f"{path}: {name} is given twice in one object; keep one of them"])
