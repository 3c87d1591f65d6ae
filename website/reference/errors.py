"""Every exception that is raised on purpose, and the exit codes."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise

import ml4t.live
from ml4t.live import errors
from ml4t.live.cli import exits
from website.markdown import code, plain, sections, table

INTRODUCTION = """
# Errors and exit codes

Everything that the framework raises on purpose is a `LiveError`; the public ones are in `ml4t.live.errors`. What an order
is refused with is on the page of the [codes](codes.md).
"""

SKIPPED = ("ml4t.live.testing",)
"""What is for tests."""


def page() -> str:
    """Return the page."""
    return sections(
        INTRODUCTION,
        "## Exit codes",
        _exit_codes(),
        "## Exceptions",
        _exceptions(),
        "## Codes of a refused connection",
        _refusals(),
    )


def exceptions() -> list[type[errors.LiveError]]:
    """Return every subclass of LiveError in core."""
    for module in pkgutil.walk_packages(ml4t.live.__path__, "ml4t.live."):
        if not module.name.startswith(SKIPPED):
            import_module(module.name)
    return sorted(_subclasses(errors.LiveError), key=lambda each: (each.__module__ != errors.__name__, each.__name__))


def constants(source: str) -> Iterator[tuple[str, object, str]]:
    """Yield each constant of a module with its value and the string below it."""
    body = [*ast.parse(source).body, ast.Pass()]
    for one, two in pairwise(body):
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant) and isinstance(one.targets[0], ast.Name):
            yield one.targets[0].id, one.value.value, _text(two)


def _exit_codes() -> str:
    named = [(name, value, doc) for name, value, doc in constants(inspect.getsource(exits)) if isinstance(value, int)]
    rows = [(str(value), code(name), plain(doc) or "Done.") for name, value, doc in named]
    return table(("code", "name", "meaning"), rows)


def _exceptions() -> str:
    rows = [(code(each.__name__), code(each.__module__), plain(_first(each))) for each in exceptions()]
    return table(("exception", "module", "meaning"), rows)


def _refusals() -> str:
    known = [(name, value) for name, value, _ in constants(inspect.getsource(errors)) if value in errors.YOURS_TO_MEND]
    words = "A feed or broker that is refused with one of these ends the run with exit code 2: it is yours to mend."
    return sections(
        words, table(("code", "constant in `ml4t.live.errors`"), [(code(value), code(name)) for name, value in known])
    )


def _subclasses(cls: type[errors.LiveError]) -> Iterator[type[errors.LiveError]]:
    for each in cls.__subclasses__():
        if each.__module__.startswith("ml4t.live.") and not each.__module__.startswith(SKIPPED):
            yield each
            yield from _subclasses(each)


def _first(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0]


def _text(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return ""
