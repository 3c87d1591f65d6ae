"""Assignments from the command line: `--set risk.max_order_value=5000`."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from ml4t.live.config.problem import Mistake, Route, dotted

_STEP = re.compile(r"""([\w-]+|"[^"]+")((?:\[\d+\])*)""")
_BARE = re.compile(r"[^\s\"'\[\]{}=#]+")
_EXAMPLE = "write path=value, as in risk.max_order_value=5000"


def parse_assignment(text: str) -> tuple[Route, Any]:
    """Return the route and the value of `path=value`.

    The value is read as TOML; a bare word that is none is a string. Raises `Mistake` with the remedy.
    """
    path, equals, written = text.partition("=")
    if not equals:
        raise Mistake(f"there is no = in it; {_EXAMPLE}")
    return parse_route(path.strip()), _value(written.strip())


def parse_route(path: str) -> Route:
    """Return the route that `risk.checks[0].max_weight` names. Raises `Mistake` when it is no path."""
    route: list[str | int] = []
    rest = path
    while step := _STEP.match(rest):
        route.append(step[1].strip('"'))
        route += [int(digits) for digits in re.findall(r"\d+", step[2])]
        rest = rest[step.end() :]
        if not rest:
            return tuple(route)
        if not rest.startswith("."):
            break
        rest = rest[1:]
    raise Mistake(f"{path!r} is no path to a value; {_EXAMPLE}")


def _value(written: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {written}")
        if parsed.keys() == {"value"}:
            return parsed["value"]
    except tomllib.TOMLDecodeError:
        if _BARE.fullmatch(written):
            return written
    raise Mistake("the value is not valid TOML; put text in quotes inside the shell's own, as in 'live.name=\"my run\"'")


def assign(data: dict[str, Any], route: Route, value: Any) -> Route:
    """Put `value` at `route` in `data`, making tables on the way; return the route, with numbers where there are lists.

    Raises `Mistake` when something else is in the way.
    """
    route = _numbered(data, route)
    here: Any = data
    for depth, part in enumerate(route[:-1], start=1):
        here = _step(here, part, route[:depth], make=not isinstance(route[depth], int))
    last = route[-1]
    if isinstance(last, int):
        _step(here, last, route, make=False)
    elif not isinstance(here, dict):
        raise _no_table(here, route)
    here[last] = value
    return route


def _numbered(data: Any, route: Route) -> Route:
    """Return a route in which `checks.0` is an index, as `checks[0]` is: brackets mean something else to a shell."""
    here, numbered = data, []
    for part in route:
        step = int(part) if isinstance(here, list) and isinstance(part, str) and part.isdecimal() else part
        numbered.append(step)
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
    return tuple(numbered)


def _no_table(here: Any, route: Route) -> Mistake:
    path = dotted(route[:-1])
    if isinstance(here, list) and here and isinstance(here[0], dict):
        return Mistake(f"{path} is a list of tables; say which, counted from 0, as in {path}.0.{route[-1]}")
    return Mistake(f"{path} is not a table; assign to {path} itself")


def _step(here: Any, part: str | int, route: Route, *, make: bool) -> Any:
    if isinstance(part, int):
        if not isinstance(here, list) or part >= len(here):
            count = len(here) if isinstance(here, list) else 0
            raise Mistake(f"there is no {dotted(route)}; {dotted(route[:-1])} has {count} entries, counted from 0")
        return here[part]
    if not isinstance(here, dict):
        raise _no_table(here, route)
    if part not in here and make:
        here[part] = {}
    if part not in here:
        raise Mistake(f"there is no {dotted(route)}; write it in the file first")
    return here[part]
