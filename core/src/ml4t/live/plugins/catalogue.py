"""What is available to a configuration: found at once, imported only when named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import define, evolve, field, frozen
from packaging.utils import canonicalize_name

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.errors import PluginError
from ml4t.live.plugins.code import Code, code_of
from ml4t.live.plugins.drift import Drift, drift
from ml4t.live.plugins.finder import Entry, Found, find_plugins
from ml4t.live.plugins.loader import Broken, Loaded, Stage, load
from ml4t.live.plugins.lock import Lock
from ml4t.live.plugins.naming import not_installed, pick, split_use
from ml4t.live.plugins.reference import resolve_factory
from ml4t.live.records import Component, Kind

STANDARD = frozenset({"replay", "shadow", "risk", "compound", "python"})
"""The plugins inside core, which no allow-list shuts out."""


@frozen(kw_only=True)
class Offer:
    """A component that a configuration named, and the plugin it comes from."""

    plugin: Found
    component: Component
    use: str


@define(kw_only=True, eq=False)
class Catalogue:
    """The plugins that are installed. Nothing is imported before it is named; each is imported once.

    `allowed` is the names that may be imported; None allows all. With `sealed` a lock nothing is imported that is not as it
    says.
    """

    entries: tuple[Entry, ...]
    allowed: frozenset[str] | None = None
    sealed: Lock | None = field(default=None, repr=False)
    clock: Clock = field(factory=SystemClock, repr=False)
    _outcomes: dict[str, Loaded | Broken] = field(factory=dict, repr=False)
    _codes: dict[str, Code] = field(factory=dict, repr=False)

    @classmethod
    def discover(cls, *, allow: Sequence[str] | None = None, clock: Clock | None = None) -> Catalogue:
        """Return the catalogue of what is installed here; `allow` is the list in `[plugins] allow`."""
        return cls(entries=find_plugins(), allowed=_allowed(allow), clock=clock or SystemClock())

    def restricted(self, *, allow: Sequence[str] | None, sealed: Lock | None) -> Catalogue:
        """Return this catalogue for a configuration that allows no more, and was locked like that.

        What was imported before is not imported again.
        """
        return evolve(self, allowed=_both(self.allowed, _allowed(allow)), sealed=sealed)

    def plugins(self) -> list[Entry]:
        """Return every installed plugin, sorted by name, allowed or not. Imports nothing."""
        return list(self.entries)

    def allows(self, name: str) -> bool:
        """Return whether a plugin of this name may be imported."""
        return self.allowed is None or name in self.allowed

    def load(self, name: str) -> Loaded | Broken:
        """Return what a plugin offers, or why it cannot.

        Raises PluginError when no plugin of that name is installed, or the allow-list leaves it out.
        """
        entry = self._by_name().get(name)
        difference = self.drift(self.sealed, name) if self.sealed is not None and self.allows(name) else None
        if entry is None:
            raise PluginError(str(difference or not_installed(name, list(self._by_name()))))
        if not self.allows(name):
            raise PluginError(
                f"the plugin {name} ({entry.provenance}) is installed but not allowed. To use it, add {name!r} to `allow` "
                "in the table [plugins] of your config"
            )
        if difference is not None:
            return Broken(found=entry, stage=Stage.LOCK, message=difference.what, remedy=difference.remedy)
        if name not in self._outcomes:
            self._outcomes[name] = load(entry, clock=self.clock)
        return self._outcomes[name]

    def drift(self, lock: Lock, name: str) -> Drift | None:
        """Return how a plugin differs from a lock, None when it does not. Imports nothing."""
        return drift(lock, name, self._by_name().get(name), self.code)

    def code(self, found: Found) -> Code:
        """Return the files of a plugin's distribution, as they were when they were asked for first."""
        key = canonicalize_name(found.distribution)
        if key not in self._codes:
            self._codes[key] = code_of(found)
        return self._codes[key]

    def load_all(self) -> list[Loaded | Broken]:
        """Return the outcome of every allowed plugin, sorted by name. Imports them all."""
        return [self.load(name) for name in self._by_name() if self.allows(name)]

    def find(self, kind: Kind, use: str) -> Offer:
        """Return the component that `use` names, importing its plugin's light module and no other.

        Raises PluginError that says what is wrong, where, why and how to mend it.
        """
        name, component = split_use(use)
        try:
            loaded = self._usable(name)
            return Offer(plugin=loaded.found, component=pick(loaded, kind, component), use=use)
        except PluginError as exception:
            raise PluginError(f'use = "{use}": {exception}') from exception.__cause__

    def resolve(self, offer: Offer) -> Callable[..., object]:
        """Return the factory of a component; the vendor's SDK is imported now.

        Raises PluginError that names the distribution and the pip command.
        """
        try:
            return resolve_factory(offer.plugin, offer.component.factory)
        except PluginError as exception:
            raise PluginError(f'use = "{offer.use}": {exception}') from exception.__cause__

    def _by_name(self) -> Mapping[str, Entry]:
        return {entry.name: entry for entry in self.entries}

    def _usable(self, name: str) -> Loaded:
        outcome = self.load(name)
        if isinstance(outcome, Loaded):
            return outcome
        raise PluginError(
            f"{outcome.message}. {outcome.remedy}. To see it again: ml4t-live plugins show {name}"
        ) from outcome.exception


def _allowed(allow: Sequence[str] | None) -> frozenset[str] | None:
    return None if allow is None else STANDARD | frozenset(allow)


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return one if other is None else other if one is None else one & other
