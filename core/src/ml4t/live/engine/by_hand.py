"""Triggers that people and programs fire: by command line, by a file, from code. Each happens once, or it is said why not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import msgspec
from attrs import asdict, frozen

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.engine.control import LONGEST, file_owner, leave_file
from ml4t.live.engine.timetable import LATE
from ml4t.live.engine.triggers import TriggerBoard
from ml4t.live.journal import RecordKind, StateDir, StatePut
from ml4t.live.orders.ports import Recorder

BUCKET = "by_hand"
"""The bucket of the journal with the files that were obeyed and perhaps not yet removed."""


@frozen(kw_only=True)
class ByHand:
    """Which trigger somebody fires, for which symbol (empty: none in particular), who, why, and the way it came."""

    trigger: str
    symbol: str = ""
    reason: str
    by: str
    via: str = "code"
    file: str = ""
    """The name of the file that it came in."""
    given: int = 0
    """When that was left, nanoseconds UTC of the machine; 0 for one that came in no file."""

    @property
    def action(self) -> str:
        """What it asks for."""
        return f"trigger {self.trigger}"


class TriggerFolder:
    """`<state>/<mode>/triggers/`: a JSON file per command, or a file named like a trigger, with the reason in it or empty."""

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self.path = state.path / "triggers"

    def leave(self, command: ByHand) -> str:
        """Put a command there, whole or not at all, and return the name of its file."""
        written = asdict(command, filter=lambda field, _: field.name not in {"file", "given"})
        return leave_file(self._state, self.path, msgspec.json.encode(written))

    def waiting(self, known: Collection[str] = ()) -> list[ByHand]:
        """Return the commands that nobody has removed, in the order in which they were given, but for the `known` names."""
        try:
            paths = [path for path in self.path.iterdir() if not path.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            return []
        found = [command for path in paths if (command := _read(path)) is not None and command.file not in known]
        return sorted(found, key=lambda command: command.given)

    def remove(self, name: str) -> None:
        """Remove the file of a command that was obeyed, unless there is a newer one of its name."""
        path = self.path / name.partition("@")[0]
        command = _read(path)
        if command is not None and command.file == name:
            path.unlink(missing_ok=True)


class HandDesk:
    """Fires what was ordered by hand, and records what became of it together with the firing."""

    def __init__(self, triggers: TriggerBoard, record: Recorder, clock: Clock) -> None:
        self._triggers = triggers
        self._record = record
        self._clock = clock
        self._moment = 0

    def obey(self, command: ByHand, done: Callable[[], None] | None = None) -> None:
        """Fire, or say why not; `done` is called when that is on disk. Raises JournalError when it cannot be written."""
        now = self._moment = max(self._clock.now(), self._moment + 1)  # two at once are two
        with self._triggers.together():
            outcome, why = self._fire(command, now)
            body: dict[str, Any] = asdict(command) | {"at": now, "outcome": outcome, "why": why}
            state = [StatePut(BUCKET, command.file, now)] if command.file else []
            self._record(RecordKind.BY_HAND, command.trigger, body, state=state, on_durable=done)

    def _fire(self, command: ByHand, now: int) -> tuple[str, str]:
        try:
            catch_up = self._triggers.check(command.trigger, command.symbol)
            if command.given and SystemClock().now() - command.given > LATE and catch_up == "skip":
                return "missed", 'nobody ran when it was given; a trigger with catch_up = "once" fires then'
            fired = self._triggers.command(command.trigger, command.symbol, command.reason, command.by, now)
        except (LookupError, ValueError) as error:
            return "refused", str(error.args[0] if error.args else error)
        return ("fired", "") if fired else ("held back", "it is in its cooldown, or has fired at this moment")


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    trigger: str
    reason: str
    by: str
    symbol: str = ""
    via: str = "file"


def _read(path: Path) -> ByHand | None:
    """Return the command in a file, None when it is gone. One that cannot be read names no trigger, and is refused."""
    try:
        given, text = path.stat().st_mtime_ns, path.read_bytes()[:LONGEST]
    except OSError:
        return None
    # A file named like a trigger comes again under the same name: its time tells one from the next.
    name = path.name if path.suffix == ".json" else f"{path.name}@{given}"
    owner = file_owner(path)
    if path.suffix != ".json":
        reason = text.decode(errors="replace").strip() or f"somebody made the file {path}"
        return ByHand(trigger=path.name, reason=reason, by=owner, via="file", file=name, given=given)
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
        written = msgspec.json.decode(text, type=_Written)
        return ByHand(**msgspec.structs.asdict(written), file=name, given=given)
    return ByHand(trigger="", reason=f"{path} cannot be read", by=owner, via="file", file=name, given=given)
