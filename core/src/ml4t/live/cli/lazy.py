"""A group of commands that are imported when they are typed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, ClassVar

import typer
from attrs import frozen
from typer.core import TyperCommand, TyperGroup


@frozen
class LazyCommand:
    """A command by the module that has it: `reference` is `"module:attribute"`, a `typer.Typer`."""

    name: str
    reference: str
    summary: str
    panel: str


class LazyGroup(TyperGroup):
    """Shows its commands from a table, and imports the one that is typed and no other.

    Whatever a command raises ends in `on_error`, which returns the exit code.
    """

    table: ClassVar[Sequence[LazyCommand]] = ()

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._loaded: set[str] = set()
        for entry in self.table:
            stub = TyperCommand(entry.name, help=entry.summary, rich_help_panel=entry.panel)
            self.add_command(stub, entry.name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that `args` begin with, imported now."""
        self._import(args[0])
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error becomes a sentence and an exit code instead of a traceback."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            # Exit, Abort and usage errors are how click itself talks; a closed pipe is for it to handle.
            if hasattr(error, "exit_code") or isinstance(error, (typer.Abort, BrokenPipeError)):
                raise
            raise typer.Exit(self.on_error(error)) from error

    def on_error(self, error: Exception) -> int:
        """Say what went wrong and return the exit code."""
        raise error

    def unknown(self, name: str) -> Any:
        """Return a command that the table does not have, None when nobody has it."""
        return None

    def _import(self, name: str) -> None:
        if name in self._loaded or name.startswith("-"):
            return
        self._loaded.add(name)
        command = load_command(name, self._reference(name)) if self._reference(name) else self.unknown(name)
        if command is not None:
            self.add_command(command, name)

    def _reference(self, name: str) -> str:
        return next((entry.reference for entry in self.table if entry.name == name), "")


def load_command(name: str, reference: str) -> Any:
    """Return the command that a reference names, ready for a group."""
    module, _, attribute = reference.partition(":")
    return as_command(name, getattr(import_module(module), attribute))


def as_command(name: str, found: Any) -> Any:
    """Return a `typer.Typer`, or a click command of whichever click, as a command for a group.

    Raises TypeError when it is neither.
    """
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_command(found)
        command.name = name
        return command
    if not callable(getattr(found, "main", None)):
        raise TypeError(f"the command {name} is a {type(found).__name__}; give a typer.Typer or a click command")
    # Newer typer brings a click of its own, and a command of the other one does not fit into its groups: it gets its
    # arguments untouched and parses them itself.
    outer = typer.Typer(add_completion=False)

    @outer.command(name, add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    def passed_on(context: typer.Context) -> None:
        found.main(args=_arguments(context), prog_name=context.command_path)

    passed_on.__doc__ = getattr(found, "help", "")
    return typer.main.get_command(outer)


def _arguments(context: typer.Context) -> list[str]:
    extra: Iterable[str] = context.args
    return list(extra)
