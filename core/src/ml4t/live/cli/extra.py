"""The commands that plugins add."""

from __future__ import annotations

from typing import Any

from ml4t.live.cli import output
from ml4t.live.cli.exits import Refused
from ml4t.live.cli.lazy import as_command
from ml4t.live.errors import PluginError
from ml4t.live.plugins import Broken, Catalogue, Loaded, resolve_factory
from ml4t.live.records import CommandRecord


def plugin_command(name: str, catalogue: Catalogue | None = None) -> Any:
    """Return the command `name` of whichever plugin has it, None when none has. Imports the light module of every plugin.

    A broken plugin is passed over with a word on stderr: it may be the one that has the command. Raises Refused when two
    plugins have it, PluginError when it cannot be imported.
    """
    with output.other_peoples_code():
        outcomes = (catalogue or Catalogue.discover()).load_all()
        found = [(one, record) for one in outcomes if isinstance(one, Loaded) for record in one.commands if record.name == name]
        if not found:
            _mention([one for one in outcomes if isinstance(one, Broken)])
            return None
        if len(found) > 1:
            raise Refused(f"the command {name} is offered by {_owners(found)}; uninstall one of them")
        plugin, record = found[0]
        try:
            return as_command(name, resolve_factory(plugin.found, record.factory))
        except TypeError as error:
            raise PluginError(f"the plugin {plugin.found.name} ({plugin.found.provenance}): {error}") from error


def _owners(found: list[tuple[Loaded, CommandRecord]]) -> str:
    return " and ".join(f"{plugin.found.distribution} {plugin.found.version}" for plugin, _ in found)


def _mention(broken: list[Broken]) -> None:
    for each in broken:
        output.say(f"(the commands of {each.name} are not known: {each.message})")
