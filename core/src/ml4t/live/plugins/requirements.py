"""Checks what a plugin's distribution asks for against what is installed, without importing the plugin."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from ml4t.live.errors import PluginError
from ml4t.live.plugins import metadata
from ml4t.live.plugins.finder import CORE, Found, is_core


@frozen(kw_only=True)
class CoreRange:
    """What a plugin asks of core, and what is running: `problem` stops the plugin, `note` is only worth knowing."""

    asked: str
    running: str
    problem: str = ""
    note: str = ""


def running_version() -> str:
    """Return the version of core that is installed.

    Raises PluginError when core has no metadata: then its own plugins cannot be found either.
    """
    try:
        return str(metadata.version(CORE))
    except metadata.PackageNotFoundError as exception:
        raise PluginError(f"{CORE} runs from a folder that was never installed. Run: pip install -e core") from exception


def check_core(found: Found, *, running: str | None = None) -> CoreRange:
    """Return whether a plugin accepts the core that is running (`running`: another version, for a what-if).

    A pre-release of core satisfies a range that its final release would, and one named as the lower end.
    """
    version = running_version() if running is None else running
    if is_core(found.distribution):
        return CoreRange(asked="", running=version)
    ranges = [each.specifier for each in _required(found) if is_core(each.name)]
    if not ranges:
        note = f"{found.distribution} does not say which {CORE} it needs, so a wrong one cannot be noticed"
        return CoreRange(asked="", running=version, note=note)
    specifier = SpecifierSet(",".join(str(each) for each in ranges))
    asked = f"{CORE}{specifier}"
    if specifier.contains(version, prereleases=True):
        return CoreRange(asked=asked, running=version)
    return CoreRange(asked=asked, running=version, problem=f"needs {asked}, have {version}")


def unmet(found: Found) -> tuple[str, ...]:
    """Return the requirements of a plugin's distribution that are absent, or present in a version it does not take."""
    return tuple(str(each) for each in _required(found) if not _met(each))


def _met(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except (metadata.PackageNotFoundError, InvalidVersion):
        return False


def _required(found: Found) -> Iterator[Requirement]:
    """Yield what applies here: other platforms' requirements and extras' do not."""
    for text in found.requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # pip refuses such a distribution; one that got here otherwise is judged by the rest
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def same_distribution(one: str, other: str) -> bool:
    """Return whether two spellings name one distribution."""
    return canonicalize_name(one) == canonicalize_name(other)
