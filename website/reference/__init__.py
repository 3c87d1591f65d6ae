"""The pages of the reference, each made of what it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from website.reference import codes, commands, contracts, errors, hooks, plugins, scenarios, settings

PAGES: Mapping[str, Callable[[], str]] = {
    "reference/hooks.md": hooks.page,
    "reference/settings.md": settings.page,
    "reference/commands.md": commands.page,
    "reference/errors.md": errors.page,
    "reference/codes.md": codes.page,
    "reference/plugins.md": plugins.page,
    "reference/contracts.md": contracts.page,
    "reference/scenarios.md": scenarios.page,
}
"""By the name under docs/ that they would have."""
