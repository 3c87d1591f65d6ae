"""Whether a plugin fits the contracts of this core, and what it uses of them that will go."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ml4t.live.compatibility import CONTRACT, CONTRACT_ATTRIBUTE, ContractDeprecation
from ml4t.live.plugins.finder import Found
from ml4t.live.plugins.requirements import running_version


def contract_of(plugin: object) -> Any:
    """Return the version of the contracts that a light module was written against: 1 when it says nothing."""
    return getattr(plugin, CONTRACT_ATTRIBUTE, 1)


def contract_problem(plugin: object) -> str:
    """Return why the contract that a light module asks for cannot be had; empty when it can."""
    asked = contract_of(plugin)
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 1:
        return f"has {CONTRACT_ATTRIBUTE} = {asked!r}, which is no version: write a whole number such as {CONTRACT}"
    if asked > CONTRACT:
        return f"asks for contract {asked}, and ml4t-live {running_version()} has contract {CONTRACT}"
    return ""


@contextmanager
def in_the_name_of(found: Found) -> Iterator[list[str]]:
    """Run a plugin's code; warnings that it uses what will go are given with its name. Yields them, complete afterwards."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ContractDeprecation)
        yield said
    for each in caught:
        if issubclass(each.category, ContractDeprecation):
            said.append(str(each.message))
            warnings.warn(f"the plugin {found.name} ({found.provenance}): {each.message}", ContractDeprecation, stacklevel=3)
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno, source=each.source)
