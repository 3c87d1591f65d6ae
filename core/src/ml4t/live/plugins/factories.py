"""Imports everything that a plugin's records name, to find what is broken before a run does."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from ml4t.live.errors import PluginError
from ml4t.live.plugins.loader import Loaded
from ml4t.live.plugins.reference import resolve_factory
from ml4t.live.records import CommandRecord, Component


@frozen
class BrokenFactory:
    """A record whose factory cannot be had: what it is (`feed csv-tail`), and why not."""

    record: str
    message: str


def broken_factories(loaded: Loaded) -> Iterator[BrokenFactory]:
    """Import the factory of each component and command of a plugin, SDKs and all, and yield those that cannot be had."""
    records: list[tuple[str, Component | CommandRecord]] = [("command", each) for each in loaded.commands]
    records += [(kind.value, each) for kind, components in loaded.components.items() for each in components]
    for kind, record in records:
        try:
            resolve_factory(loaded.found, record.factory)
        except PluginError as error:
            yield BrokenFactory(f"{kind} {record.name}", str(error))
