"""What the plugins of this repository offer, from their own records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ml4t.live.plugins import Catalogue, Loaded
from ml4t.live.plugins.catalogue import STANDARD
from ml4t.live.plugins.known import KNOWN
from ml4t.live.plugins.naming import short_name
from ml4t.live.records import Component, Kind
from website.markdown import code, plain, sections, table
from website.reference.settings import keys

INTRODUCTION = """
# Plugins

What is installed where this page was made, from the plugins' own records: what a configuration writes behind `use`, and the
keys that go with it. `ml4t-live plugins show NAME` says the same of what is installed with you.
"""

PAGES = {
    "ib": "ib.md",
    "alpaca": "alpaca.md",
    "okx": "okx.md",
    "crypto": "crypto.md",
    "databento": "databento.md",
    "agents": "agents.md",
} | {
    "report": "report.md",
    "backtest": "backtest-to-live.md",
    "replay": "feeds.md",
    "shadow": "shadow.md",
    "risk": "risk.md",
    "compound": "triggers.md",
    "python": "strategies.md",
}
"""The page of a plugin under docs/, of those that have one."""

SHOWN = 3
"""Of a plugin with more components than that, one line shows the first."""


def page() -> str:
    """Return the page."""
    return sections(INTRODUCTION, overview("../"), *(_plugin(each) for each in _loaded()))


def overview(to: str) -> str:
    """Return the table of all plugins; `to` leads from where it stands to docs/."""
    return table(("`use = `", "what", "install"), (_line(each, to) for each in _loaded()))


def _line(plugin: Loaded, to: str) -> tuple[str, str, str]:
    name = plugin.found.name
    uses = list(dict.fromkeys(short_name(name, part) for _, part in _parts(plugin)))
    shown = ", ".join(map(code, uses[:SHOWN])) if len(uses) <= SHOWN else f"{code(uses[0])} and {len(uses) - 1} more"
    words = [_said(kind, parts) for kind, parts in plugin.components.items() if parts and kind is not Kind.SIMULATOR]
    words += [f"command `{each.name}`: {plain(each.summary)}" for each in plugin.commands]
    known = plain(KNOWN[name].summary) if name in KNOWN and not words else ""
    simulated = "With a simulator." if plugin.components[Kind.SIMULATOR] else ""
    more = f"([page]({to}{PAGES[name]}))" if name in PAGES else ""
    return shown, " ".join(filter(None, [*words, known, simulated, more])), _install(plugin)


def _said(kind: Kind, parts: Sequence[Component]) -> str:
    """Return what the components of one kind say of themselves; of many, the first."""
    some = parts if len(parts) <= SHOWN else parts[:1]
    rest = "" if len(parts) <= SHOWN else f" And {len(parts) - 1} more."
    return f"{kind.value}: " + " ".join(plain(each.summary) for each in some) + rest


def _install(plugin: Loaded) -> str:
    if plugin.found.name in STANDARD:
        return "in the core"
    return code(plugin.found.distribution) + ("" if plugin.found.name in KNOWN else " (in `contrib/`)")


def _plugin(plugin: Loaded) -> str:
    title = f"## {plugin.found.name}"
    how = "" if plugin.found.name in STANDARD else f"`pip install {plugin.found.distribution}`"
    return sections(title, how, *(_component(plugin, kind, part) for kind, part in _parts(plugin)), _commands(plugin))


def _component(plugin: Loaded, kind: Kind, part: Component) -> str:
    use = short_name(plugin.found.name, part)
    simulated = kind is Kind.SIMULATOR
    return sections(
        f"### {kind.value}: {use}",
        plain(part.summary),
        f"Needs: {plain(part.needs)}." if part.needs else "",
        f"Can: {', '.join(sorted(part.capabilities))}." if part.capabilities else "",
        f"```console\n$ ml4t-live simulate {use}\n```" if simulated else f'```toml\nuse = "{use}"\n```',
        keys(part.config),
    )


def _commands(plugin: Loaded) -> str:
    return "\n".join(f"- `ml4t-live {each.name}`: {plain(each.summary)}" for each in plugin.commands)


def _parts(plugin: Loaded) -> Iterator[tuple[Kind, Component]]:
    return ((kind, part) for kind, parts in plugin.components.items() for part in parts)


def _loaded() -> list[Loaded]:
    """Return the plugins: those of core, those that the project publishes, and the examples."""
    order = {name: place for place, name in enumerate([*sorted(STANDARD), *KNOWN])}
    loaded = [each for each in Catalogue.discover().load_all() if isinstance(each, Loaded)]
    return sorted(loaded, key=lambda each: (order.get(each.found.name, len(order)), each.found.name))
