"""Every command of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml4t.live.cli.app import COMMANDS
from ml4t.live.cli.lazy import as_command, load_command
from ml4t.live.plugins import Catalogue, Loaded, resolve_factory
from website.markdown import code, plain, sections, table

INTRODUCTION = """
# Commands

What `ml4t-live COMMAND --help` says, of every command. Programs read `--json`; exit codes are on [a page of their
own](errors.md#exit-codes).
"""


def page() -> str:
    """Return the page."""
    return sections(INTRODUCTION, *(_command(name, command) for name, command in every_command()))


def every_command() -> Iterator[tuple[str, Any]]:
    """Yield each command with its whole name, groups and those of the installed plugins included."""
    for entry in COMMANDS:
        yield from _with_children(entry.name, load_command(entry.name, entry.reference))
    for plugin in Catalogue.discover().load_all():
        if isinstance(plugin, Loaded):
            for record in plugin.commands:
                yield from _with_children(record.name, as_command(record.name, resolve_factory(plugin.found, record.factory)))


def _with_children(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for child, each in getattr(command, "commands", {}).items():
        yield from _with_children(f"{name} {child}", each)


def _command(name: str, command: Any) -> str:
    level = "##" if " " not in name else "###"
    return sections(
        f"{level} {name}",
        plain(_words(command.help)),
        _usage(name, command),
        _parameters(command),
        plain(_words(command.epilog)),
    )


def _usage(name: str, command: Any) -> str:
    """Return how it is called; a group is not, its commands are."""
    if getattr(command, "commands", None):
        return ""
    arguments = " ".join(_called(each) for each in command.params if each.param_type_name == "argument")
    return f"```text\nml4t-live {name} {arguments}".rstrip() + " [OPTIONS]\n```"


def _parameters(command: Any) -> str:
    shown = [each for each in command.params if each.param_type_name == "argument" or not each.hidden]
    return table(
        ("argument or option", "default", "meaning"),
        [(code(_called(each)), _default(each), plain(_help(each))) for each in shown],
    )


def _called(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = (parameter.metavar or parameter.name.upper()).strip("[]")
        return str(name if parameter.required else f"[{name}]")
    flags = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return flags if parameter.is_flag else f"{flags} {parameter.metavar or 'VALUE'}"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    plain_value = isinstance(parameter.default, str | int | float) and not isinstance(parameter.default, bool)
    return code(parameter.default) if plain_value else ""


def _help(parameter: Any) -> str:
    return str(getattr(parameter, "help", None) or "")


def _words(text: str | None) -> str:
    return (text or "").replace("\b", "").strip()
