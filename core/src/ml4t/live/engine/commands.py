"""What a program can tell a run: kill, resume, flatten, trigger, and that a share was split."""

from __future__ import annotations

import os
from functools import partial

import structlog

from ml4t.live.engine.by_hand import ByHand
from ml4t.live.engine.control import Command
from ml4t.live.engine.core import Core
from ml4t.live.ledger.checking import checked_ratio
from ml4t.live.risk.switch import scope_of

_log = structlog.get_logger("ml4t.live")


class Commanded:
    """The kill switch of an engine, from any thread and from before its first event to its end; and its triggers."""

    core: Core | None
    state: str

    def __init__(self) -> None:
        self._commands: list[Command] = []

    def kill(self, reason: str, *, by: str = "code", flatten: bool = False, symbol: str = "", strategy: str = "") -> None:
        """Throw the kill switch: nothing is sent, and working orders are withdrawn; with `flatten` positions are closed too.

        With a `symbol` or a `strategy` only its orders are meant. From any thread. It holds over restarts, until somebody
        resumes. Raises RuntimeError when the run has ended, ValueError for a scope that cannot be.
        """
        self._command(Command(action="kill", reason=reason, by=by, flatten=flatten, scope=scope_of(symbol, strategy)))

    def resume(self, reason: str, *, by: str, symbol: str = "", strategy: str = "") -> None:
        """Allow orders again, from any thread: those of the same scope as the kill.

        Without a scope the loss limits begin anew, too. Raises ValueError without the name of who decides it.
        """
        if not by.strip():
            raise ValueError("resume needs the name of the person who decides it, as in by='ann'")
        self._command(Command(action="resume", reason=reason, by=by, scope=scope_of(symbol, strategy)))

    def flatten(self, reason: str, *, by: str = "code", symbol: str = "") -> None:
        """Cancel every order and close every position, again until the venue confirms it. From any thread.

        With a `symbol` only its own. The strategy goes on meanwhile and afterwards, unless the kill switch is on.
        """
        self._command(Command(action="flatten", reason=reason, by=by, scope=scope_of(symbol)))

    def trigger(self, name: str, symbol: str = "", *, reason: str, by: str = "code") -> None:
        """Fire a trigger of this run, from any thread, as soon as the engine gets to it; the journal says what became of it.

        Raises RuntimeError when the run has not begun or has ended, LookupError for a trigger that there is not, ValueError for
        a symbol that it does not look at.
        """
        core = self.core
        if core is None or self.state in {"stopped", "failed"}:
            raise RuntimeError(f"triggers are fired while a run is on; this one is {self.state}")
        core.triggers.check(name, symbol)
        command = ByHand(trigger=name, symbol=symbol, reason=reason, by=by)
        core.on_loop(lambda: core.agenda.at(core.clock.now(), lambda _: core.hand.obey(command)))

    def split(self, symbol: str, ratio: float, at: int) -> None:
        """Say that from `at` on (nanoseconds UTC) one share is `ratio` shares: open forecasts are judged in their own units.

        From any thread. Raises RuntimeError unless the run is connected or on, ValueError for a ratio that is none.
        """
        core = self.core
        if core is None or self.state in {"stopped", "failed"}:
            raise RuntimeError(f"a split is told to a run that is on; this one is {self.state}")
        ledger, ratio = core.ledger, checked_ratio(ratio)

        def tell() -> None:
            ledger.split(symbol, ratio, at)

        core.on_loop(tell)

    def _command(self, command: Command) -> None:
        if self.state in {"stopped", "failed"}:
            raise RuntimeError(f"this run has {self.state}: give the command with ml4t-live {command.action}")
        core = self.core
        if core is None:  # the first event decides on the clock, and then it is obeyed before anything else
            self._commands.append(command)
        else:
            core.on_loop(partial(core.guard.emergency.obey, command))

    def _on_kill_signal(self, name: str) -> None:
        _log.warning("kill", signal=name)
        self._command(Command(action="kill", reason=f"{name} was sent to process {os.getpid()}", by="signal", via="signal"))

    def _obey_waiting(self, core: Core) -> None:
        while self._commands:
            core.guard.emergency.obey(self._commands.pop(0))
