"""The plugins that are installed: found from metadata, loaded one by one, asked only when a configuration names them."""

from __future__ import annotations

from ml4t.live.plugins.catalogue import STANDARD, Catalogue, Offer
from ml4t.live.plugins.factories import BrokenFactory, broken_factories
from ml4t.live.plugins.finder import Conflict, Entry, Found, find_plugins, refresh, scan
from ml4t.live.plugins.known import KNOWN, PUBLIC_NAMES, Known, resolve_public_name
from ml4t.live.plugins.loader import SLOW_SECONDS, Broken, Loaded, Stage, load
from ml4t.live.plugins.reference import resolve_factory
from ml4t.live.plugins.requirements import CoreRange, check_core, running_version

__all__ = [
    "KNOWN",
    "PUBLIC_NAMES",
    "SLOW_SECONDS",
    "STANDARD",
    "Broken",
    "BrokenFactory",
    "Catalogue",
    "Conflict",
    "CoreRange",
    "Entry",
    "Found",
    "Known",
    "Loaded",
    "Offer",
    "Stage",
    "broken_factories",
    "check_core",
    "find_plugins",
    "load",
    "refresh",
    "resolve_factory",
    "resolve_public_name",
    "running_version",
    "scan",
]
