"""Finds the folder that a question is about, and who is running on it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ml4t.live.cli.exits import Refused
from ml4t.live.errors import StateLocked
from ml4t.live.journal.state_dir import StateDir

if TYPE_CHECKING:
    from ml4t.live.report import ReportReader

MODES = ("shadow", "paper", "live", "shadow-simulated", "paper-simulated", "live-simulated")
"""The folders of a state directory: a mode, and apart from it what was simulated in that mode."""


def find_state(given: Path | None, mode: str | None) -> StateDir:
    """Return the folder of one mode that has a journal.

    `given` is a state directory, the folder of a mode in one, a configuration file, or None: the only one below ./state.
    Raises Refused when there is none, or several to choose from.
    """
    if mode is not None and mode not in MODES:
        raise Refused(f"--mode {mode}: there is no such mode; write {', '.join(MODES)}")
    root = _root(given)
    if root.name in MODES and StateDir(root.parent, root.name).journal.is_file():
        root, mode = root.parent, mode or root.name
    present = [name for name in MODES if StateDir(root, name).journal.is_file()]
    if not present:
        raise Refused(f"no run has left a journal in {root}; start one with: ml4t-live run CONFIG --state-dir {root}")
    if mode is None and len(present) > 1:
        raise Refused(f"{root} has runs in the modes {', '.join(present)}; say which, as in --mode {present[0]}")
    if mode is not None and mode not in present:
        raise Refused(f"{root} has no run in mode {mode}, only in {', '.join(present)}")
    return StateDir(root, mode or present[0])


def open_journal(given: Path | None, mode: str | None) -> ReportReader:
    """Return a reader of the journal that `find_state` finds. Raises Refused or JournalError."""
    from ml4t.live.report import ReportReader  # noqa: PLC0415 - what only looks for a folder does not need it

    state = find_state(given, mode)
    return ReportReader(state.journal, mode=state.mode)


def configured_root(config: Path) -> Path:
    """Return the state directory of a configuration, as `compose` chooses it. Raises ConfigError when it cannot be read."""
    from ml4t.live.config import read  # noqa: PLC0415 - as above

    document = read(config)
    live = document.data.get("live")
    settings = live if isinstance(live, dict) else {}
    chosen = settings.get("state_dir")
    return document.folder / (str(chosen) if chosen else f"state/{settings.get('name', 'live')}")


def running_process(state: StateDir) -> int | None:
    """Return the id of the process that runs on a folder, None when nobody does."""
    lock = state.path / "lock"
    try:
        pid = int(lock.read_text(encoding="ascii").strip() or 0)
    except (OSError, ValueError):
        return None
    return pid if pid and _is_locked(state, lock) else None


if sys.platform == "win32":

    def _is_locked(state: StateDir, _lock: Path) -> bool:
        try:
            state.lock().release()
        except StateLocked:
            return True
        return False

else:
    import fcntl

    def _is_locked(_state: StateDir, lock: Path) -> bool:
        # A shared lock, so that two who look do not see each other, and at once given back.
        descriptor = os.open(lock, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False


def _root(given: Path | None) -> Path:
    if given is None:
        return _only_root(Path("state"))
    if given.is_file():
        return configured_root(given)
    if not given.is_dir():
        raise Refused(f"there is no state directory {given}; check the path, or start a run with --state-dir {given}")
    return given


def _only_root(folder: Path) -> Path:
    roots = sorted({journal.parents[1] for journal in folder.glob("*/*/journal.sqlite3")})
    if len(roots) == 1:
        return roots[0]
    if not roots:
        raise Refused("which run? Name its state directory, as in --state-dir state/momentum")
    raise Refused(f"which run? There are {', '.join(map(str, roots))}; name one, as in --state-dir {roots[0]}")
