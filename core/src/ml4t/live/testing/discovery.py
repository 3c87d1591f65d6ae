"""A test that says itself which plugins there are: looking for installed ones is an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from ml4t.live.plugins import metadata, refresh


class DiscoveryBlocked(AssertionError):
    """Something looked for installed plugins although that was forbidden."""


@contextmanager
def blocked_discovery() -> Iterator[None]:
    """Let nobody look for installed plugins inside the block: whoever does gets DiscoveryBlocked.

    What a test gives to `Catalogue(entries=...)` is used as ever, so it does not depend on what else is installed.
    """
    with _door(_refuse):
        yield


@contextmanager
def without_installed(*names: str) -> Iterator[None]:
    """Let distributions of these names look as if they were not installed, inside the block."""
    door = metadata.installed

    def others(path: Sequence[str] | None = None) -> Iterable[metadata.Distribution]:
        return [each for each in door(path) if each.metadata["Name"] not in names]

    with _door(others):
        yield


@contextmanager
def _door(installed: Callable[..., Iterable[metadata.Distribution]]) -> Iterator[None]:
    before = metadata.installed
    metadata.installed = installed
    refresh()
    try:
        yield
    finally:
        metadata.installed = before
        refresh()


def _refuse(path: Sequence[str] | None = None) -> NoReturn:
    raise DiscoveryBlocked(
        "something looks for installed plugins, and that is blocked here; hand it a catalogue, as in "
        "compose(config, catalogue=Catalogue(entries=...))"
    )
