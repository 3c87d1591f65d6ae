"""The manifest of a run: what ran, on which machine and with which limits; and what of it is not as in the run before."""

from __future__ import annotations

import functools
import platform
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from ml4t.live.engine.parts import Parts
from ml4t.live.errors import PluginError
from ml4t.live.journal.encoding import decode, encode
from ml4t.live.plugins.requirements import running_version

_FACTS = {
    "ml4t_live": "ml4t-live",
    "python": "Python",
    "platform": "the platform",
    "host": "the host",
    "strategy": "the strategy",
    "calendar": "the calendar",
}
"""What is compared as it is, and what it is called."""

_DIGESTS = {"config": "the configuration", "code": "the file of the strategy's class"}


def manifest_of(parts: Parts, *, recorded: bool) -> dict[str, Any]:
    """Return what is sealed into the journal at the start of a run. It holds no secret: of the configuration only a hash."""
    return {
        "name": parts.name,
        "mode": parts.state,
        "recorded_data": recorded,
        "calendar": parts.calendar.name,
        **_machine(),
        "strategy": parts.source.reference if parts.source is not None else "",
        "code": parts.source.code if parts.source is not None else "",
        **parts.manifest,
        "limits": attrs.asdict(parts.limits),
    }


def changes(before: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    """Return what of a manifest is not as in the one before, a sentence each; what that one did not say is passed over."""
    now = decode(dict[str, Any], encode(manifest))  # as it will be read again
    return list(dict.fromkeys(_changes({key: value for key, value in before.items() if key in now}, now)))


@functools.cache
def _machine() -> Mapping[str, str]:
    try:
        version = running_version()
    except PluginError:  # a program that takes the core from a folder
        version = "not installed"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return {"ml4t_live": version, "python": python, "platform": platform.platform(), "host": platform.node()}


def _changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key, name in _FACTS.items():
        if key in was and was[key] != now[key]:
            yield _other(name, was[key], now[key])
    for key, name in _DIGESTS.items():
        if key in was and was[key] != now[key]:
            yield f"{name} is another"
    if "plugins" in was:
        yield from _plugins(was["plugins"], now["plugins"])
    if "risk_checks" in was and was["risk_checks"] != now["risk_checks"]:
        yield _other("the list of risk checks", _names(was["risk_checks"]), _names(now["risk_checks"]))
    limits = was.get("limits", {})
    for name, value in now["limits"].items():
        if name in limits and limits[name] != value:
            yield _other(f"the limit {name}", limits[name], value)


def _plugins(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*was, *now}):
        old, new = was.get(name), now.get(name)
        if new is None:
            yield f"the plugin {name} is used no more"
        elif old is None:
            yield f"the plugin {name} of {new['distribution']} {new['version']} is new"
        elif old["distribution"] != new["distribution"]:
            yield f"the plugin {name} is that of {new['distribution']}, and was that of {old['distribution']}"
        elif old["version"] != new["version"]:
            yield _other(new["distribution"], old["version"], new["version"])
        elif old["digest"] != new["digest"]:
            yield f"the files of {new['distribution']} {new['version']} are others"


def _other(name: str, was: object, now: object) -> str:
    return f"{name} is {_shown(now)}, and was {_shown(was)}"


def _shown(value: object) -> str:
    if value is None:
        return "off"
    return (", ".join(map(str, value)) if isinstance(value, list) else str(value)) or "none"


def _names(checks: list[Mapping[str, Any]]) -> list[str]:
    return [str(each["name"]) for each in checks]
