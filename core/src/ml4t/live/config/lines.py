"""Where in a TOML text a value is written: a best effort, because the parser of the standard library does not say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ml4t.live.config.problem import Route

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_WORD = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def words(dotted_key: str) -> list[str]:
    """Split a dotted TOML key into its parts, without their quotes."""
    return [part.strip("\"'") for part in _WORD.findall(dotted_key)]


def spots(text: str) -> Iterator[tuple[Route, int]]:
    """Yield the route and the line number (from 1) of every table header and key."""
    table: Route = ()
    counts: dict[Route, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _enter(words(header[2]), counts, is_array=header[1] == "[[")
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, *words(key[1])), number


def _enter(names: list[str], counts: dict[Route, int], *, is_array: bool) -> Route:
    """Return the route of a table; below an array of tables it belongs to the latest element."""
    route: Route = ()
    for name in names[:-1]:
        route = _latest((*route, name), counts)
    route = (*route, names[-1])
    if not is_array:
        return _latest(route, counts)
    counts[route] = counts.get(route, -1) + 1
    return (*route, counts[route])


def _latest(route: Route, counts: dict[Route, int]) -> Route:
    return (*route, counts[route]) if route in counts else route
