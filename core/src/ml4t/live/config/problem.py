"""What can be wrong with a configuration, and how it is said."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from attrs import frozen

Route = tuple[str | int, ...]
"""The way to a value in the document: ("risk", "checks", 0, "max_weight")."""

_SHOWN = 80
_STOCK = re.compile(r"('\w+') must ")
_NAMED = re.compile(r"\w+ = .*: ")


class Mistake(ValueError):
    """A value that cannot be used: what is wrong and, after a semicolon, the remedy. `hide` keeps the value unsaid."""

    def __init__(self, text: str, *, hide: bool = False) -> None:
        self.hide = hide
        super().__init__(text)


class SecretMistake(Mistake):
    """A reference to a secret that leads nowhere."""


class Mistakes(ValueError):
    """Several values of one table or array that cannot be used, each with the way to it from there."""

    def __init__(self, parts: Sequence[tuple[Route, Exception]]) -> None:
        self.parts = list(parts)
        super().__init__(f"{len(self.parts)} mistakes")


@frozen
class Problem:
    """One line of the report."""

    route: Route
    text: str
    hide: bool = False


def problems_of(error: Exception, route: Route) -> Iterator[Problem]:
    """Flatten an exception of decoding into problems, each with its full route."""
    if isinstance(error, Mistakes):
        for part, inner in error.parts:
            yield from problems_of(inner, route + part)
    elif isinstance(error, Mistake):
        yield Problem(route, str(error), error.hide)
    else:
        yield Problem(route, reason(error))


def reason(error: Exception) -> str:
    """Return what an exception of a validator or constructor says, without the field's name and value: the report has both."""
    text = str(error.args[0]) if error.args else type(error).__name__
    if _NAMED.match(text):
        text = text.split(": ", 1)[1]
    elif stock := _STOCK.match(text):
        text = text[stock.end(1) :].lstrip().rsplit(": ", 1)[0]
    return text if isinstance(error, (ValueError, TypeError)) else f"{type(error).__name__}: {text}"


def dotted(route: Route) -> str:
    """Return a route as people write it: `risk.checks[0].max_weight`."""
    text = ""
    for part in route:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part.replace("-", "").replace("_", "").isalnum()
            text += ("." if text else "") + (part if plain else f'"{part}"')
    return text


def shown(value: object) -> str | None:
    """Return a value as a configuration writes it, None when it should not be repeated: a table may hold a secret."""
    if isinstance(value, Mapping):
        name = value.get("env", value.get("file")) if len(value) == 1 else None
        return None if name is None else f"{{ {next(iter(value))} = {shown(name)} }}"
    if isinstance(value, (list, tuple)):
        items = [shown(item) for item in value]
        text = None if None in items else "[" + ", ".join(map(str, items)) + "]"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, float) and not math.isfinite(value):
        text = str(value)
    else:
        text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if text is None or len(text) <= _SHOWN else text[:_SHOWN] + "..."


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like `word`, None when none is near."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean x?` for the nearest known word, or nothing when none is near."""
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""
