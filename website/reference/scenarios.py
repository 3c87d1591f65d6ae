"""What the conformance kit tries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ml4t.live.testing.conformance.plugin import PLUGIN_SCENARIOS
from ml4t.live.testing.conformance.scenario import Scenario
from ml4t.live.testing.conformance.whole import CHECKS
from website.markdown import code, plain, sections, table

INTRODUCTION = """
# Scenarios

What the [conformance kit](../conformance.md) tries, by the names that `exempt` of a rig and `--only` take, and what has to
hold.
"""


def page() -> str:
    """Return the page."""
    kinds = {str(kind).replace("_", " "): scenarios for kind, (_, scenarios) in CHECKS.items()} | {"package": PLUGIN_SCENARIOS}
    return sections(INTRODUCTION, *(_of(kind, scenarios) for kind, scenarios in kinds.items()))


def _of(kind: str, scenarios: Sequence[Scenario[Any]]) -> str:
    rows = ((code(each.name), plain(each.summary)) for each in scenarios)
    return sections(f"## {kind.capitalize()}", table(("scenario", "what holds"), rows))
