"""What a conformance run needs of a plugin: its name."""

from __future__ import annotations

from typing import Any

from attrs import define

from ml4t.live.plugins import Broken, Catalogue, Loaded
from ml4t.live.plugins.finder import is_core
from ml4t.live.plugins.metadata import Distribution, distribution
from ml4t.live.records import Component
from ml4t.live.testing.conformance.part import PartRig
from ml4t.live.testing.conformance.report import NotConformant


@define(kw_only=True)
class PluginRig(PartRig):
    """A plugin that is installed here, by the name of its entry point."""

    plugin: str

    def loaded(self) -> Loaded:
        """Return what it offers. Raises NotConformant with what is wrong when it cannot be loaded."""
        outcome = Catalogue.discover().load(self.plugin)
        if isinstance(outcome, Broken):
            raise NotConformant(f"{outcome.message}. {outcome.remedy}") from outcome.exception
        return outcome

    def components(self) -> list[Component]:
        """Return its components of every kind."""
        return [each for several in self.loaded().components.values() for each in several]

    def distribution(self) -> Distribution:
        """Return the metadata of the distribution that it comes from."""
        found: Any = distribution(self.loaded().found.distribution)  # the backport promises less than it returns
        result: Distribution = found
        return result

    def package(self) -> str:
        """Return the top-level package of its light module."""
        return self.loaded().found.target.partition(":")[0].partition(".")[0]


def foreign(rig: PluginRig) -> str:
    """Tell whether it is somebody else's, and not a part of core."""
    return "it is a part of the core" if is_core(rig.loaded().found.distribution) else ""


def components(rig: PluginRig) -> str:
    """Tell whether it offers components."""
    return "" if rig.components() else "it offers no component"


def rigs(rig: PluginRig) -> str:
    """Tell whether it offers rigs to try its components with."""
    return "" if any(each.rig for each in rig.components()) else "none of its records names a rig"
