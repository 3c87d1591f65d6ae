"""The codes that an order can be refused or ended with."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ml4t.live import orders, risk
from website.markdown import code, plain, sections, table
from website.reference.errors import constants

INTRODUCTION = """
# Codes of orders

`order.code`, which `ml4t-live orders` and `why` show. A check of a plugin has codes of its own, and a venue's refusal has
the venue's. What each limit means is in [risk](../risk.md). Those on messages have their own names as codes:
`max_messages_per_second`, `max_messages_per_minute`, `max_messages_per_hour`.
"""

WORD = re.compile(r"[a-z]+(_[a-z]+)+")
ONE_WORD = re.compile(r"[a-z]+(_[a-z]+)*")
NOT_OF_AN_ORDER = frozenset({"market_on_close"})


def page() -> str:
    """Return the page."""
    return sections(INTRODUCTION, "## From a check", _from_checks(), "## From core", _from_core())


def checks() -> Iterator[tuple[str, str, set[str]]]:
    """Yield the name of each standard check, what it says of itself, and its codes, those of its module's helpers included."""
    for path in sorted((_folder(risk) / "checks").glob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        helpers = {node.name: set(_codes(node, {})) for node in body if isinstance(node, ast.FunctionDef)}
        for node in body:
            if isinstance(node, ast.ClassDef) and (found := set(_codes(node, helpers))):
                yield node.name, (ast.get_docstring(node) or "").split("\n\n")[0], found


def core() -> dict[str, str]:
    """Return the codes that core itself gives, with the module's word for each."""
    paths = [*sorted(_folder(orders).glob("*.py")), _folder(risk) / "gate.py"]
    found = (each for path in paths for each in constants(path.read_text(encoding="utf-8")))
    return {value: doc for _, value, doc in found if isinstance(value, str) and ONE_WORD.fullmatch(value)}


def _from_checks() -> str:
    return table(("code", "check", "meaning"), ((_listed(found), code(name), plain(doc)) for name, doc, found in checks()))


def _from_core() -> str:
    return table(("code", "meaning"), ((code(value), plain(doc)) for value, doc in core().items()))


def _codes(node: ast.AST, helpers: Mapping[str, set[str]]) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and WORD.fullmatch(each.value):
            yield each.value
        elif isinstance(each, ast.Name):
            yield from {"no_price"} if each.id.lower() == "no_price" else helpers.get(each.id, ())


def _listed(found: set[str]) -> str:
    return ", ".join(code(each) for each in sorted(found - NOT_OF_AN_ORDER))


def _folder(package: object) -> Path:
    return Path(inspect.getfile(package)).parent  # type: ignore[arg-type]
