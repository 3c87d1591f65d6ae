"""What a program can tell a run: kill, resume, flatten."""

from __future__ import annotations

import os
from functools import partial

import structlog

from ml4t.live.engine.control import Command
from ml4t.live.engine.core import Core

_log = structlog.get_logger("ml4t.live")


class Commanded:
    """The kill switch of an engine, from any thread and from before its first event to its end."""

    core: Core | None
    state: str

    def __init__(self) -> None:
        self._commands: list[Command] = []

    def kill(self, reason: str, *, by: str = "code", flatten: bool = False) -> None:
        """Throw the kill switch: nothing is sent, and working orders are withdrawn; with `flatten` positions are closed too.

        From any thread. It holds over restarts, until somebody resumes. Raises RuntimeError when the run has ended.
        """
        self._command(Command(action="kill", reason=reason, by=by, flatten=flatten))

    def resume(self, reason: str, *, by: str) -> None:
        """Allow orders again, from any thread. Raises ValueError without the name of who decides it."""
        if not by.strip():
            raise ValueError("resume needs the name of the person who decides it, as in by='ann'")
        self._command(Command(action="resume", reason=reason, by=by))

    def flatten(self, reason: str, *, by: str = "code") -> None:
        """Cancel every order and close every position, again until the venue confirms it. From any thread.

        The strategy goes on meanwhile and afterwards, unless the kill switch is on.
        """
        self._command(Command(action="flatten", reason=reason, by=by))

    def _command(self, command: Command) -> None:
        if self.state in {"stopped", "failed"}:
            raise RuntimeError(f"this run has {self.state}: give the command with ml4t-live {command.action}")
        core = self.core
        if core is None:  # the first event decides on the clock, and then it is obeyed before anything else
            self._commands.append(command)
        else:
            core.on_loop(partial(core.emergency.obey, command))

    def _on_kill_signal(self, name: str) -> None:
        _log.warning("kill", signal=name)
        self._command(Command(action="kill", reason=f"{name} was sent to process {os.getpid()}", by="signal", via="signal"))

    def _obey_waiting(self, core: Core) -> None:
        while self._commands:
            core.emergency.obey(self._commands.pop(0))
