"""Every table and key of a configuration."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ml4t.live.cli.describe import settings_of
from ml4t.live.config.build import NAMED, PLAIN
from ml4t.live.config.docs import class_doc
from ml4t.live.config.settings import BrokerSettings, HostSettings, RiskCheckSettings
from website.markdown import code, plain, sections, table

INTRODUCTION = """
# Configuration keys

Every table of a configuration with its keys; [configuration](../configuration.md) says how they are written, and `ml4t-live
config schema` prints the same for editors. The keys of a plugin's components are on the page of the [plugins](plugins.md).
"""

HEADS = {
    **{f"[{name}]": cls for name, cls in PLAIN.items()},
    **{f"[{name}.NAME]": cls for name, (_, cls) in NAMED.items()},
    "[broker]": BrokerSettings,
    "[host]": HostSettings,
    "[[risk.checks]]": RiskCheckSettings,
}
"""The class behind each heading."""

OPTIONS = "options"
"""What core keeps a component's own settings in: nobody writes it."""

NAME = "name"
"""What the heading of a named table says."""


def page() -> str:
    """Return the page."""
    return sections(INTRODUCTION, *(_table(head, cls) for head, cls in HEADS.items()))


def not_written(head: str) -> frozenset[str]:
    """Return the fields of a heading's class that are no keys."""
    if head.strip("[]") in PLAIN:
        return frozenset()
    return frozenset({OPTIONS, NAME} if head.endswith(".NAME]") else {OPTIONS})


def keys(cls: type, without: Collection[str] = ()) -> str:
    """Return the keys of a class as a table."""
    written = [each for each in settings_of(cls) if each["name"] not in without]
    rows = ((code(each["name"]), plain(each["type"]), _default(each), plain(_meaning(cls, each))) for each in written)
    return table(("key", "type", "default", "meaning"), rows)


def _table(head: str, cls: type) -> str:
    return sections(f"## {head}", plain(class_doc(cls)), keys(cls, not_written(head)))


def _meaning(cls: type, setting: Mapping[str, Any]) -> str:
    other = getattr(cls, "also_accepts", {}).get(setting["name"])
    if other is None:
        return str(setting["doc"])
    return (
        f"Another word for `{other}`." if isinstance(other, str) else "Understood as well, because earlier versions wrote it."
    )


def _default(setting: Mapping[str, Any]) -> str:
    value = setting["default"]
    if setting["required"]:
        return "required"
    if value in (None, "", [], {}):
        return ""
    return code(str(value).lower() if isinstance(value, bool) else value)
