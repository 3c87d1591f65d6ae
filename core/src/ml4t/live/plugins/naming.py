"""Finds what `use = "plugin.component"` names, and the nearest name when there is none."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ml4t.live.compatibility import CONTRACT, deprecated
from ml4t.live.errors import PluginError
from ml4t.live.plugins.known import KNOWN
from ml4t.live.plugins.loader import Loaded
from ml4t.live.records import Component, Kind


def split_use(use: str) -> tuple[str, str]:
    """Return the plugin and the component of `use`; no component is "". Raises PluginError when a part is empty."""
    plugin, dot, component = use.partition(".")
    if not plugin or (dot and not component):
        raise PluginError(f'use = "{use}": write "plugin" or "plugin.component"; `ml4t-live plugins list` shows what there is')
    return plugin, component


def short_name(plugin: str, component: Component) -> str:
    """Return the shortest way to name a component that needs no look at its siblings."""
    return plugin if component.name == plugin else f"{plugin}.{component.name}"


def pick(loaded: Loaded, kind: Kind, component: str) -> Component:
    """Return the component of a kind that `component` names; "" is the one named like its plugin, else the only one.

    A name that it had formerly will do, and gives a ContractDeprecation.
    Raises PluginError that says what the plugin does offer.
    """
    plugin, offered = loaded.found.name, loaded.components[kind]
    by_name = {each.name: each for each in offered}
    if not offered:
        raise PluginError(f"{plugin} offers no {kind}; it offers {_everything(loaded)}")
    if (component or plugin) in by_name:
        return by_name[component or plugin]
    if renamed := next((each for each in offered if component in each.formerly), None):
        deprecated(f'use = "{plugin}.{component}"', f'"{short_name(plugin, renamed)}"', last=CONTRACT)
        return renamed
    names = [short_name(plugin, each) for each in offered]
    if component:
        nearest = difflib.get_close_matches(component, list(by_name), n=1)
        hint = f" (did you mean {short_name(plugin, by_name[nearest[0]])}?)" if nearest else ""
        raise PluginError(f"{plugin} has no {kind} called {component!r}{hint}; it has {', '.join(names)}")
    if len(offered) > 1:
        raise PluginError(f"{plugin} offers {len(offered)} {kind}s, so say which: {' or '.join(names)}")
    return offered[0]


def not_installed(plugin: str, installed: Sequence[str]) -> str:
    """Return the message for a name that no installed plugin has."""
    if plugin in KNOWN:
        return f"the plugin {plugin} is not installed. Run: pip install {KNOWN[plugin].distribution}"
    nearest = difflib.get_close_matches(plugin, [*installed, *(name for name in KNOWN if name not in installed)], n=1)
    hint = f"did you mean {nearest[0]}" if nearest else ""
    if nearest and nearest[0] not in installed:
        hint += f" (not installed: pip install {KNOWN[nearest[0]].distribution})"
    listed = f"installed are {', '.join(installed)}" if installed else "none is installed"
    return f"no installed plugin is called {plugin!r}; {hint + '? ' if hint else ''}{listed}. See: ml4t-live plugins list"


def _everything(loaded: Loaded) -> str:
    offered = [
        f"{kind} {short_name(loaded.found.name, component)}"
        for kind, components in loaded.components.items()
        for component in components
    ]
    return ", ".join(offered) or "nothing"
