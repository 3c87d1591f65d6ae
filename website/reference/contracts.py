"""The contracts, as their docstrings say them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from ml4t.live import contracts
from website.markdown import sections

INTRODUCTION = """
# Contracts

The protocols that a plugin implements, and what it is handed, from `ml4t.live.contracts`. They have one version together,
`CONTRACT` ([the version of the contracts](../conformance.md#the-version-of-the-contracts)).
"""


def page() -> str:
    """Return the page; what it names is filled in by mkdocstrings."""
    return sections(INTRODUCTION, *_modules())


def _modules() -> Iterable[str]:
    by_module: dict[str, list[str]] = {}
    for name in contracts.__all__:
        if inspect.isclass(each := getattr(contracts, name)):
            by_module.setdefault(each.__module__, []).append(name)
    for module, names in sorted(by_module.items()):
        yield f"## {module.rpartition('.')[2].capitalize()}"
        yield from (f"::: {module}.{name}" for name in sorted(names))
