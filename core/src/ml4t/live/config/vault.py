"""Secrets that plugins keep: `{ keyring = "acme" }` asks the plugin called keyring."""

from __future__ import annotations

from ml4t.live.config.secret import Resolver
from ml4t.live.errors import PluginError
from ml4t.live.plugins import Catalogue, Loaded


def plugin_secrets(catalogue: Catalogue) -> Resolver:
    """Return the resolver that asks the plugin named like the scheme: no other one is imported for it.

    It returns None when there is no such plugin, and raises PluginError when that plugin is broken or not allowed.
    """

    def resolve(scheme: str, reference: str) -> str | None:
        if scheme not in {entry.name for entry in catalogue.plugins()}:
            return None
        outcome = catalogue.load(scheme)
        if not isinstance(outcome, Loaded):
            raise PluginError(f"{outcome.message}. {outcome.remedy}")
        return outcome.secret(scheme=scheme, reference=reference) if outcome.secret else None

    return resolve
