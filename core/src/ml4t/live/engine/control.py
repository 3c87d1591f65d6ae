"""Commands that people give a run from outside (kill, resume, flatten), and the folder in which they leave them.

This is row 41 of the table of controls.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

import msgspec
import structlog
from attrs import asdict, frozen

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.errors import JournalError
from ml4t.live.journal import StateDir, StatePut
from ml4t.live.risk.switch import Switch

Action = Literal["kill", "resume", "flatten"]

BY_HAND = "kill"
"""A file of this name, whatever is in it, throws the switch: `touch` is there when nothing else is."""

APPLIED = "control"
"""The bucket of the journal with the files that were obeyed and perhaps not yet removed."""

LONGEST = 4_096
"""Bytes of a command that are read."""

_log = structlog.get_logger("ml4t.live")


@frozen(kw_only=True)
class Command:
    """What somebody wants of a run, who and why, and the way it came: cli, file, signal, code, limit or configuration."""

    action: Action
    reason: str
    by: str
    via: str = "code"
    flatten: bool = False
    """A kill that also empties the account."""
    file: str = ""
    """The name of the file that it came in."""
    scope: str = ""
    """What it is for: everything, or as `scope_of` writes it one symbol or one strategy."""

    def __attrs_post_init__(self) -> None:
        kind, _, name = self.scope.partition(":")
        if self.scope and not (kind in {"symbol", "strategy"} and name):
            raise ValueError(
                f'scope {self.scope!r} is none; write "symbol:AAPL", "strategy:Momentum", or nothing for everything'
            )
        if self.empties and kind == "strategy":
            raise ValueError("positions belong to the account and not to a strategy; flatten symbols, or everything")

    @property
    def symbol(self) -> str:
        """The symbol that it is for, empty when it is for everything or for a strategy."""
        return self.scope.removeprefix("symbol:") if self.scope.startswith("symbol:") else ""

    @property
    def empties(self) -> bool:
        """True when the account is to be emptied."""
        return self.flatten or self.action == "flatten"


def carry_out(command: Command, switch: Switch, now: int) -> tuple[dict[str, Any], list[StatePut]]:
    """Move the switch; return the body of the record that tells of it, and what changes in the journal with it."""
    changed = False
    if command.action == "kill":
        changed = switch.of(command.scope).throw(command.reason, by=command.by, at=now, via=command.via)
    elif command.action == "resume":
        changed = switch.of(command.scope).rearm(command.reason, by=command.by, at=now, via=command.via)
    body = asdict(command) | {"on": switch.of(command.scope).on, "at": now, "changed": changed}
    state = [StatePut("risk", "kill_switch", switch.state())]
    if command.file and command.file != BY_HAND:  # a name that never comes again
        state.append(StatePut(APPLIED, command.file, now))
    if command.action == "resume" and not command.scope:
        state += [flattening("", None), StatePut("risk", "rearm", now)]
    elif command.action == "resume" and command.symbol:
        state.append(flattening(command.symbol, None))
    if command.empties:
        wanted = {"reason": command.reason, "by": command.by, "at": now, "via": command.via}
        state.append(flattening(command.symbol, wanted))
    return body, state


def flattening(symbol: str, wanted: dict[str, Any] | None) -> StatePut:
    """Return the line that keeps a flattening over restarts: of one symbol, or of the account when none is named."""
    return StatePut("flatten", symbol, wanted) if symbol else StatePut("risk", "flatten", wanted)


class ControlFolder:
    """`<state>/<mode>/control/`: a small JSON file per command, named so that they sort by the time they were given."""

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self.path = state.path / "control"

    def leave(self, command: Command) -> str:
        """Put a command there, whole or not at all, and return the name of its file."""
        return leave_file(self._state, self.path, msgspec.json.encode(asdict(command)))

    def waiting(self, known: Collection[str] = ()) -> list[Command]:
        """Return the commands that nobody has removed, in the order in which they were given, but for the `known` names."""
        try:
            names = [path.name for path in self.path.iterdir() if path.name not in known and _is_command(path.name)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        found = [(self._given(name), command) for name in names if (command := self._read(name)) is not None]
        return [command for _, command in sorted(found, key=lambda pair: pair[0])]

    def remove(self, name: str) -> None:
        """Remove the file of a command that was obeyed."""
        (self.path / name).unlink(missing_ok=True)

    def _given(self, name: str) -> str:
        if name != BY_HAND:
            return name
        with contextlib.suppress(OSError):
            return f"{(self.path / name).stat().st_mtime_ns:020d}"
        return ""

    def _read(self, name: str) -> Command | None:
        path = self.path / name
        try:
            text = path.read_bytes()[:LONGEST]
        except FileNotFoundError:
            return None
        except OSError as error:  # a folder of that name, a file of somebody else: it is there, and that is what counts
            text = b"" if name == BY_HAND else str(error).encode()
        if name == BY_HAND:
            reason = text.decode(errors="replace").strip() or f"somebody made the file {path}"
            return Command(action="kill", reason=reason, by=file_owner(path), via="file", file=name)
        return _decode(text, name, path)


def leave_file(state: StateDir, folder: Path, content: bytes) -> str:
    """Put a file into a folder of a run, whole or not at all, and return its name, which sorts by the time."""
    state.create()
    folder.mkdir(mode=0o700, exist_ok=True)
    name = f"{SystemClock().now():020d}-{os.getpid()}-{os.urandom(3).hex()}.json"
    draft = folder / f".{name}"
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / name)
    return name


class Given(Protocol):
    """Something that was left in a folder for a run to obey."""

    @property
    def action(self) -> str:
        """What to do."""
        ...

    @property
    def reason(self) -> str:
        """Why."""
        ...

    @property
    def by(self) -> str:
        """Who wants it."""
        ...

    @property
    def via(self) -> str:
        """The way it came."""
        ...

    @property
    def file(self) -> str:
        """What tells it from every other, in its folder and in the journal."""
        ...


G = TypeVar("G", bound=Given)


class Folder(Protocol[G]):
    """Where it was left."""

    @property
    def path(self) -> Path:
        """The folder."""
        ...

    def waiting(self, known: Collection[str] = ()) -> list[G]:
        """Return what nobody has removed, in the order in which it was given, but for the `known`."""
        ...

    def remove(self, name: str) -> None:
        """Remove what was obeyed."""
        ...


class Control(Generic[G]):
    """Looks into a folder of a run, has every command obeyed once, and removes its file when that is on disk.

    `applied` are the files that an earlier run obeyed and did not come to remove; `forget(name)` is called when one is gone.
    """

    def __init__(
        self,
        folder: Folder[G],
        obey: Callable[[G, Callable[[], None]], None],
        *,
        applied: Collection[str],
        forget: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._obey = obey
        self._applied = set(applied)
        self._forget = forget
        self._taken: set[str] = set()

    async def watch(self, clock: Clock, seconds: float) -> None:
        """Look every so many seconds until cancelled."""
        while True:
            await clock.sleep(seconds)
            self.look()

    def look(self) -> None:
        """Obey what has come since."""
        try:
            waiting = self._folder.waiting(self._taken)
        except OSError as error:
            _log.error("the folder of commands cannot be read", folder=str(self._folder.path), error=str(error))
            return
        for command in waiting:
            self._take(command)

    def _take(self, command: G) -> None:
        name = command.file
        self._taken.add(name)
        if name in self._applied:
            self._remove(name)
            return
        _log.warning(command.action, by=command.by, reason=command.reason, via=command.via)
        try:
            self._obey(command, partial(self._remove, name))
        except JournalError as error:  # it counts already, and is tried again until it is on disk
            self._taken.discard(name)
            _log.error("a command cannot be journalled", command=command.action, error=str(error))

    def _remove(self, name: str) -> None:
        try:
            self._folder.remove(name)
        except OSError as error:  # it stays taken: what was obeyed is not obeyed again
            _log.error("the file of a command that was obeyed cannot be removed", file=name, error=str(error))
            return
        self._taken.discard(name)
        self._applied.discard(name)
        self._forget(name)


class _Written(msgspec.Struct, forbid_unknown_fields=True):  # a scope that is misspelt would be none, and resume everything
    action: Action
    reason: str
    by: str
    via: str = "file"
    flatten: bool = False
    scope: str = ""
    file: str = ""


def _decode(text: bytes, name: str, path: Path) -> Command:
    """Return the command in a file. One that makes no sense is obeyed as a kill: somebody wanted something urgently."""
    try:
        written = msgspec.json.decode(text, type=_Written)
        if written.action == "resume" and not written.by.strip():
            raise ValueError("a resume needs a name in `by`")
        return Command(**msgspec.structs.asdict(written) | {"file": name})
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        reason = f"the command in {path} cannot be read ({error}), so orders stop until somebody has looked"
        return Command(action="kill", reason=reason, by=file_owner(path), via="file", file=name)


def _is_command(name: str) -> bool:
    return name == BY_HAND or (name.endswith(".json") and not name.startswith("."))


def file_owner(path: Path) -> str:
    """Return whose file it is, as far as that can be told."""
    try:
        return path.owner()
    except (OSError, KeyError, NotImplementedError):  # an unknown user, or a platform without owners
        return "unknown"
