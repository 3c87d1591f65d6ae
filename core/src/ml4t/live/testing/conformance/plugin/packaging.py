"""How a plugin is packaged: what it asks for, what it brings, and what it says of itself."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from ml4t.live.plugins.finder import CORE, is_core
from ml4t.live.testing.conformance.plugin.rig import PluginRig, foreign
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario

SHORTEST_README = 100
"""Characters."""
_LOWER, _UPPER = frozenset({">=", ">", "~=", "=="}), frozenset({"<", "<=", "~=", "=="})


@scenario(foreign)
async def it_asks_for_a_range_of_the_core(rig: PluginRig) -> None:
    """It requires ml4t-live from a version on and below the next major one: a core that it does not fit is refused in words."""
    ranges = [each.specifier for each in _requirements(rig) if is_core(each.name)]
    operators = {each.operator for several in ranges for each in several}
    if not operators & _LOWER or not operators & _UPPER:
        asked = ", ".join(map(str, ranges)) or "any"
        raise NotConformant(f'it takes {asked} version of {CORE}; write "{CORE}>=1.0,<2" into its dependencies')


@scenario(foreign)
async def it_pins_no_version(rig: PluginRig) -> None:
    """What it requires are ranges: two plugins that pin different versions cannot be installed together."""
    pinned = [str(each) for each in _requirements(rig) if any(s.operator in {"==", "==="} for s in each.specifier)]
    if pinned:
        raise NotConformant(f"it pins {', '.join(pinned)}; write a range")


@scenario(foreign)
async def it_is_typed(rig: PluginRig) -> None:
    """Its package has a file py.typed, so that type checkers believe its annotations."""
    folder = _folder(rig)
    if not (folder / "py.typed").is_file():
        raise NotConformant(f"there is no py.typed in {folder}")


@scenario(foreign)
async def it_keeps_out_of_the_namespace(rig: PluginRig) -> None:
    """It is a package of its own, and brings no file below `ml4t`, which belongs to several distributions."""
    if rig.package() == "ml4t":
        raise NotConformant(f"its light module is {rig.loaded().found.target}; give it a top-level package of its own")
    intruding = [str(each) for each in rig.distribution().files or () if each.parts[0] == "ml4t"]
    if intruding:
        raise NotConformant(f"it brings {', '.join(intruding[:3])}; move that to a package of its own")


@scenario(foreign)
async def it_says_what_it_is(rig: PluginRig) -> None:
    """Its metadata have a summary, a README, a license and the versions of Python that it runs on."""
    told = rig.distribution().metadata
    license_told = told["License-Expression"] or told["License"] or told["License-File"]
    readme = told["Description"] or told.get_payload() or ""
    missing = [
        name
        for name, there in {
            "a summary": told["Summary"],
            "a license": license_told,
            "requires-python": told["Requires-Python"],
            f"a README of {SHORTEST_README} characters": len(str(readme)) >= SHORTEST_README,
        }.items()
        if not there
    ]
    if missing:
        raise NotConformant(f"its pyproject.toml lacks {', '.join(missing)}")


def _requirements(rig: PluginRig) -> list[Requirement]:
    found = []
    for text in rig.loaded().found.requirements:
        try:
            found.append(Requirement(text))
        except InvalidRequirement as error:
            raise NotConformant(f"the requirement {text!r} cannot be read: {error}") from error
    return found


def _folder(rig: PluginRig) -> Path:
    spec = importlib.util.find_spec(rig.package())
    if spec is None or not spec.submodule_search_locations:
        raise NotConformant(f"{rig.package()} is a single module, which cannot have a py.typed; make it a package")
    return Path(next(iter(spec.submodule_search_locations)))
