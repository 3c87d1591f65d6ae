"""Strategies that were written for another framework: who runs them, and how they become one of ours."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml4t.live.config.decode import make_converter
from ml4t.live.config.secret import SecretSource
from ml4t.live.config.table import structure_table
from ml4t.live.contracts.host import StrategyHost
from ml4t.live.plugins import Catalogue
from ml4t.live.plugins.known import KNOWN
from ml4t.live.records import Kind


def host_of(strategy: Any) -> str:
    """Return the plugin that runs strategies of the framework that a strategy (or its class) comes from, empty for ours."""
    cls = strategy if inspect.isclass(strategy) else type(strategy)
    modules = [base.__module__ + "." for base in cls.__mro__]
    for name, known in KNOWN.items():
        if known.strategies_of and any(module.startswith(known.strategies_of + ".") for module in modules):
            return name
    return ""


def hosted(
    strategy: Any, catalogue: Catalogue | None = None, *, table: Mapping[str, Any] | None = None, folder: Path | None = None
) -> Any:
    """Return a strategy as one of ours, by the host of its framework; ours are returned as they are.

    `table` is the table [host] of a configuration in `folder`; without it the host has its defaults. Raises PluginError with
    the pip command when the host is not installed, ValueError for a strategy that cannot run live.
    """
    written = dict(table or {})
    use = written.pop("use", "") or host_of(strategy)
    if not use:
        return strategy
    catalogue = catalogue or Catalogue.discover()
    offer = catalogue.find(Kind.HOST, use)
    folder = folder or Path.cwd()
    settings = structure_table(make_converter(folder, SecretSource(os.environ, folder)), written, offer.component.config)
    host: StrategyHost = catalogue.resolve(offer)(settings)  # type: ignore[assignment]
    return host.host(strategy)
